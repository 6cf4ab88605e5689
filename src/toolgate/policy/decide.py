"""Deciding a call: the only place that interprets a policy. The order is the language's own; the first denial wins.

1 no policy · 2 hidden · 3 the rule body, else the default · 4 for the body, then for `all_tools`: action, arguments, require,
deny_if · 5 approval · 6 limits, as spends for the caller to reserve all together. Doubt denies.
"""

from collections.abc import Sequence
from dataclasses import replace

from toolgate.limits.model import SCALE, Exceeded, Spend
from toolgate.policy import schemas
from toolgate.policy.compile import Compiled, CompiledEntry, Rule, terms
from toolgate.policy.decision import Call, Code, Decision, Effect, Facts, Kind
from toolgate.policy.trace import Steps


def decide(compiled: Compiled | None, call: Call, facts: Facts, trace: Steps | None = None) -> Decision:
    """The decision on one call. Never raises; None is a grant without a policy."""
    try:
        return _decide(compiled, call, facts, trace)
    except Exception as error:  # noqa: BLE001 - the language: should evaluation ever raise, the call is denied
        version = compiled.version if compiled else 0
        text = f"the policy could not be evaluated ({type(error).__name__})"
        return Decision(Effect.DENY, "(error)", Code.UNAVAILABLE, text, version)


def _decide(compiled: Compiled | None, call: Call, facts: Facts, trace: Steps | None) -> Decision:
    if compiled is None:
        return _deny(0, "(no policy)", Code.NO_POLICY, "no policy is attached to this grant", trace)
    version = compiled.version
    if call.kind == "tool" and compiled.hidden.find(call.name):
        return _deny(version, "(hidden)", Code.HIDDEN, f"`{call.name}` is not available", trace)
    rule = body_for(compiled, call.kind, call.name, facts.tool_class)
    if rule is None:
        text = f"no rule allows `{call.name}`, and what no rule names is denied"
        return _deny(version, "(default deny)", Code.DEFAULT_DENY, text, trace)
    if trace is not None:
        trace.note(rule.pointer, "applies", "the rule for this call")
    bodies = (rule,) if call.kind != "tool" or compiled.all_tools is None else (rule, compiled.all_tools)
    for body in bodies:
        denial = _denial(body, call, facts, version, trace)
        if denial is not None:
            return denial
    spends = _spends(bodies, call, facts, version, trace)
    if isinstance(spends, Decision):
        return spends
    held = _held(bodies, call, facts, version, trace)
    if held is not None:
        return replace(held, spends=spends)
    return Decision(Effect.ALLOW, rule.pointer, policy_version=version, spends=spends)


def body_for(compiled: Compiled, kind: Kind, name: str, tool_class: str) -> Rule | None:
    """The rule body that speaks for a name; None where only the default does and it denies."""
    rule = compiled.rules[kind].find(name)
    if rule is None and kind == "tool":
        rule = compiled.classes.get(tool_class)
    if rule is None and compiled.document.default == "allow":
        return compiled.empty
    return rule


def visible(compiled: Compiled | None, kind: Kind, name: str, tool_class: str) -> bool:
    """Whether a list shows this name: hidden ones never, those that only the default denies not unless asked for."""
    if compiled is None or (kind == "tool" and compiled.hidden.find(name)):
        return False
    if body_for(compiled, kind, name, tool_class) is not None:
        return True
    return kind == "tool" and bool(compiled.document.show_unlisted)


def settle(decision: Decision, exceeded: Exceeded) -> Decision:
    """The denial of a call whose reservation found a limit without room."""
    spend = exceeded.spend
    return Decision(
        Effect.DENY, spend.rule, Code.LIMIT_EXCEEDED, spend.message or _limit_text(exceeded), decision.policy_version,
        retry_after=exceeded.retry_after,
    )  # fmt: skip


def _limit_text(exceeded: Exceeded) -> str:
    spend = exceeded.spend
    most = f"{spend.max / SCALE:.6f}".rstrip("0").rstrip(".") if spend.max % SCALE else str(spend.max // SCALE)
    per = f"{spend.window.seconds} s" if spend.window.seconds else str(spend.window)
    if exceeded.retry_after is None:
        return f"this is more than the limit of {most} per {per} ever allows"
    return f"the limit of {most} per {per} is reached; try again in {exceeded.retry_after} s"


def _deny(version: int, rule: str, code: Code, text: str, trace: Steps | None, unevaluated: tuple[str, ...] = ()) -> Decision:
    if trace is not None:
        trace.note(rule, "denies", text)
    return Decision(Effect.DENY, rule, code, text, version, unevaluated=unevaluated)


def _denial(body: Rule, call: Call, facts: Facts, version: int, trace: Steps | None) -> Decision | None:
    """Step 4 for one body."""
    if body.action == "deny":
        text = body.reason or f"`{call.name}` is denied by policy"
        return _deny(version, body.pointer, Code.ACTION_DENY, text, trace)
    if body.fits is not None:
        pointer = body.pointer + "/arguments"
        if not body.fits(call.arguments):
            text = "the arguments do not fit the schema: " + schemas.first_error(body.schema, call.arguments)
            return _deny(version, pointer, Code.ARGUMENTS_INVALID, text, trace)
        if trace is not None:
            trace.note(pointer, "passes", "the arguments fit the schema")
    for entry in body.require:
        answer = _all(entry, call, facts)
        if answer is not True:
            text = entry.on_deny or f"this call must satisfy {entry.text}"
            return _deny(version, entry.pointer, Code.REQUIRE_FAILED, text, trace, _doubt(entry, answer))
        if trace is not None:
            trace.note(entry.pointer, "passes", f"{entry.text} holds")
    for entry in body.deny_if:
        answer = _all(entry, call, facts)
        if answer is not False:
            text = entry.on_deny or f"calls with {entry.text or 'anything'} are denied"
            return _deny(version, entry.pointer, Code.DENY_IF, text, trace, _doubt(entry, answer))
        if trace is not None:
            trace.note(entry.pointer, "passes", f"{entry.text} does not hold")
    return None


def _doubt(entry: CompiledEntry, answer: bool | None) -> tuple[str, ...]:
    return (entry.pointer,) if answer is None else ()


def _all(entry: CompiledEntry, call: Call, facts: Facts) -> bool | None:
    """Whether every condition holds: False where one certainly does not, else None where one is in doubt."""
    doubt = False
    for judge in entry.judges:
        answer = judge(call, facts)
        if answer is False:
            return False
        doubt = doubt or answer is None
    return None if doubt else True


def _held(bodies: Sequence[Rule], call: Call, facts: Facts, version: int, trace: Steps | None) -> Decision | None:
    """Step 5: the first reason to hold the call, under the stricter terms of all bodies that do."""
    reasons: list[tuple[Rule, str, str, tuple[str, ...]]] = []
    for body in bodies:
        if body.action == "require_approval":
            reasons.append((body, body.pointer, body.reason, ()))
            continue
        for entry in body.approve_if:
            answer = _all(entry, call, facts)
            if answer is not False:
                reasons.append((body, entry.pointer, entry.on_deny or body.reason, _doubt(entry, answer)))
                break
            if trace is not None:
                trace.note(entry.pointer, "passes", f"{entry.text} does not hold")
    if not reasons:
        return None
    _, pointer, text, unevaluated = reasons[0]
    text = text or f"`{call.name}` needs approval"
    if trace is not None:
        trace.note(pointer, "holds", text)
    held = terms([body for body, *_ in reasons])
    return Decision(Effect.HOLD, pointer, Code.APPROVAL_PENDING, text, version, approval=held, unevaluated=unevaluated)


def _spends(
    bodies: Sequence[Rule], call: Call, facts: Facts, version: int, trace: Steps | None
) -> tuple[Spend, ...] | Decision:
    """Step 6 as data; a call whose amount cannot be counted is denied at once."""
    spends = []
    for body in bodies:
        for limit in body.limits:
            spend = limit.spend(call, facts)
            if spend is None:
                text = f"`{limit.path}` must be a number >= 0 with at most six decimals, since a limit sums it"
                return _deny(version, limit.pointer, Code.LIMIT_EXCEEDED, limit.on_deny or text, trace, (limit.pointer,))
            if trace is not None:
                trace.note(
                    limit.pointer, "counts", f"{spend.amount / SCALE:g} of at most {spend.max / SCALE:g} per {spend.window}"
                )
            spends.append(spend)
    return tuple(spends)
