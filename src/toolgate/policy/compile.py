"""A policy made fast: every rule body compiled once to closures and lookups, so that deciding a call only runs them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from toolgate.limits.arithmetic import amount_of
from toolgate.limits.keys import counter_key, tally_name
from toolgate.limits.model import SCALE, Scope, Spend, Window
from toolgate.policy import schemas
from toolgate.policy.decision import ApprovalTerms, Call, Facts, Kind
from toolgate.policy.evaluate import Judge, compile_condition, compile_fetch, shown
from toolgate.policy.model import Approval, Body, Entry, Limit, Policy
from toolgate.policy.names import Names
from toolgate.policy.pointer import join

Section: TypeAlias = Literal["tools", "resources", "prompts"]
SECTIONS: dict[Kind, Section] = {"tool": "tools", "resource": "resources", "prompt": "prompts"}


@dataclass(frozen=True, slots=True)
class CompiledEntry:
    """An entry of `require`, `deny_if` or `approve_if`: its pointer, its judges, what to say."""

    pointer: str
    judges: tuple[Judge, ...]
    text: str
    on_deny: str | None


@dataclass(frozen=True, slots=True)
class CompiledLimit:
    """A limit: everything of its spend but the amount and the owner."""

    pointer: str
    tally: str
    window: Window
    scope: Scope
    max: int
    increment: Callable[[Call, Facts], Any] | None
    path: str
    on_deny: str

    def spend(self, call: Call, facts: Facts) -> Spend | None:
        """What `call` would add; None when the amount to sum is missing or is no number >= 0 of six decimals."""
        amount = SCALE if self.increment is None else amount_of(self.increment(call, facts))
        if amount is None:
            return None
        key = counter_key(
            self.tally, self.scope, org_id=facts.org_id, server_id=facts.server_id,
            grant_id=facts.grant_id, session_id=facts.session_id,
        )  # fmt: skip
        return Spend(key, self.window, self.max, amount, self.pointer, self.on_deny)


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule body."""

    pointer: str
    action: str
    reason: str
    schema: Any
    fits: Callable[[Any], bool] | None
    require: tuple[CompiledEntry, ...]
    deny_if: tuple[CompiledEntry, ...]
    approve_if: tuple[CompiledEntry, ...]
    limits: tuple[CompiledLimit, ...]
    approval: Approval | None

    @property
    def may_hold(self) -> bool:
        """Whether a call can be put on hold by this body."""
        return self.action == "require_approval" or bool(self.approve_if)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy ready to decide. `version` is the number its decisions carry."""

    document: Policy
    version: int
    hidden: Names[bool]
    rules: Mapping[Kind, Names[Rule]]
    classes: Mapping[str, Rule]
    all_tools: Rule | None
    empty: Rule
    needs_definition: bool


def compile_policy(policy: Policy, version: int = 0) -> Compiled:
    """Compile a parsed policy."""
    rules = {kind: _rules(getattr(policy, section), join("", section)) for kind, section in SECTIONS.items()}
    classes = {name: compile_body(body, join("/classes", name)) for name, body in (policy.classes or {}).items()}
    all_tools = None if policy.all_tools is None else compile_body(policy.all_tools, "/all_tools")
    every = [*(rule for names in rules.values() for rule in names.values()), *classes.values()]
    return Compiled(
        policy, version, Names(dict.fromkeys(policy.hide or (), True)), rules, classes, all_tools,
        compile_body(Body(), "(default allow)"), _needs_definition(policy, [*every, *([all_tools] if all_tools else [])]),
    )  # fmt: skip


def _rules(bodies: Mapping[str, Body] | None, pointer: str) -> Names[Rule]:
    return Names({name: compile_body(body, join(pointer, name)) for name, body in (bodies or {}).items()})


def _needs_definition(policy: Policy, rules: Sequence[Rule]) -> bool:
    sections = (policy.tools, policy.resources, policy.prompts, policy.classes)
    bodies = [policy.all_tools, *(body for section in sections for body in (section or {}).values())]
    entries = [e for b in bodies if b for e in (*(b.require or ()), *(b.deny_if or ()), *(b.approve_if or ()))]
    paths = {condition.path for entry in entries for condition in entry.conditions}
    return policy.classes is not None or bool(paths & {"tool.class", "tool.risk"}) or any(rule.may_hold for rule in rules)


def compile_body(body: Body, pointer: str) -> Rule:
    """Compile one rule body found at `pointer`."""
    return Rule(
        pointer,
        body.action or "allow",
        body.reason or "",
        body.arguments,
        None if body.arguments is None else schemas.compile_schema(body.arguments),
        _entries(body.require, join(pointer, "require"), every=True),
        _entries(body.deny_if, join(pointer, "deny_if"), every=False),
        _entries(body.approve_if, join(pointer, "approve_if"), every=False),
        _limits(body, pointer),
        body.approval,
    )


def _entries(entries: Sequence[Entry] | None, pointer: str, *, every: bool) -> tuple[CompiledEntry, ...]:
    return tuple(
        CompiledEntry(
            join(pointer, entry_name(entry, index)),
            tuple(compile_condition(condition, every=every) for condition in entry.conditions),
            " and ".join(f"`{c.path}` {c.op} {shown(c.value)}" for c in entry.conditions),
            entry.on_deny,
        )
        for index, entry in enumerate(entries or ())
    )


def entry_name(entry: Entry, index: int) -> str:
    """How a pointer names an entry: by its name, else by its first condition's path and operator, else by position."""
    if entry.name is not None:
        return entry.name
    if entry.conditions:
        return f"{entry.conditions[0].path}-{entry.conditions[0].op}"
    return str(index)


def limit_name(limit: Limit) -> str:
    """How a pointer names a limit: by its counter and its window as the document gives it."""
    return f"{limit.counter}-per-{limit.window.calendar or limit.window.seconds}"


def _limits(body: Body, pointer: str) -> tuple[CompiledLimit, ...]:
    compiled = [_limit(limit, join(pointer, "limits", limit_name(limit))) for limit in body.limits or ()]
    if body.rate_limit is not None:
        shorthand = Limit(f"rate_limit:{pointer}", Window(seconds=body.rate_limit.window), body.rate_limit.max, "session")
        compiled.append(_limit(shorthand, join(pointer, "rate_limit")))
    return tuple(compiled)


def _limit(limit: Limit, pointer: str) -> CompiledLimit:
    path = limit.increment_from
    return CompiledLimit(
        pointer, tally_name(limit.counter, limit.window), limit.window, limit.scope or "grant",
        int(Decimal(repr(limit.max)) * SCALE), None if path is None else compile_fetch(path), path or "", limit.on_deny or "",
    )  # fmt: skip


def terms(rules: Sequence[Rule]) -> ApprovalTerms:
    """The approval terms of the bodies that hold a call: where several do, the stricter of each."""
    result: ApprovalTerms | None = None
    for rule in rules:
        given = rule.approval or Approval()
        one = ApprovalTerms()
        one = replace(one, **{k: v for k in ("wait", "ttl", "approvers") if (v := getattr(given, k)) is not None})
        result = one if result is None else stricter(result, one)
    return result or ApprovalTerms()


def stricter(left: ApprovalTerms, right: ApprovalTerms) -> ApprovalTerms:
    """The terms that satisfy both."""
    return ApprovalTerms(min(left.wait, right.wait), min(left.ttl, right.ttl), max(left.approvers, right.approvers))
