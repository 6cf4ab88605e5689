"""Policy cases as data: `[{call, grant?, now?, expect: {effect, rule?, code?}}]`, run in order over tallies of their own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from toolgate.errors import InvalidDocument, Problem
from toolgate.limits.arithmetic import reserve
from toolgate.limits.model import Exceeded
from toolgate.policy.compile import compile_policy
from toolgate.policy.decide import decide, settle
from toolgate.policy.decision import Call, Decision, Effect, Facts
from toolgate.policy.model import Policy

KINDS = ("tool", "resource", "prompt")
CLASSES = ("Read", "Write", "Execute", "Destructive", "Financial", "Unclassified")


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went; `missed` says what was expected and not found."""

    name: str
    decision: Decision
    missed: tuple[str, ...]


def run(policy: Policy, document: Any, now: int) -> list[Result]:
    """Run every case. Limits count across the cases of a file, so that "the 11th is denied" can be written down.

    Raises InvalidDocument for a file that holds no cases.
    """
    if not isinstance(document, list):
        raise InvalidDocument([Problem("", "no array", "an array of cases")], "test file")
    compiled = compile_policy(policy)
    tallies: dict[str, dict[int, int]] = {}
    results = []
    for index, case in enumerate(document):
        call, facts, expect = _case(case, f"/{index}", now)
        decision = decide(compiled, call, facts)
        if decision.effect is Effect.ALLOW:
            reserved = reserve(decision.spends, tallies, facts.now)
            if isinstance(reserved, Exceeded):
                decision = settle(decision, reserved)
            else:
                for charge in reserved.charges:
                    tally = tallies.setdefault(charge.key, {})
                    tally[charge.bucket] = tally.get(charge.bucket, 0) + charge.amount
        results.append(Result(str(case.get("name") or f"{index + 1}: {call.name}"), decision, _missed(decision, expect)))
    return results


def _missed(decision: Decision, expect: dict[str, Any]) -> tuple[str, ...]:
    found = {"effect": str(decision.effect), "rule": decision.rule, "code": decision.code and str(decision.code)}
    return tuple(f"{key} is `{found[key]}`, expected `{value}`" for key, value in expect.items() if found[key] != value)


def _case(case: Any, pointer: str, now: int) -> tuple[Call, Facts, dict[str, Any]]:
    keys = {"name", "call", "grant", "now", "class", "session", "expect"}
    expect = case.get("expect") if isinstance(case, dict) else None
    if not isinstance(expect, dict) or not set(case) <= keys or not set(expect) <= {"effect", "rule", "code"}:
        expected = "{call, grant?, now?, class?, session?, expect: {effect, rule?, code?}}"
        raise InvalidDocument([Problem(pointer, "something else", expected)], "test file")
    grant = case.get("grant") or {}
    grant = {"label": grant} if isinstance(grant, str) else grant
    if case.get("class", "Unclassified") not in CLASSES:
        raise InvalidDocument([Problem(f"{pointer}/class", "something else", ", ".join(CLASSES))], "test file")
    facts = Facts(
        _now(case.get("now"), pointer, now), grant_id=str(grant.get("label", "grant")),
        grant_label=str(grant.get("label", "")), grant_tags=tuple(map(str, grant.get("tags", ()))),
        session_id=case.get("session"), tool_class=case.get("class", "Unclassified"),
    )  # fmt: skip
    return call_of(case.get("call"), f"{pointer}/call"), facts, expect


def _now(value: Any, pointer: str, default: int) -> int:
    if value is None:
        return default
    try:
        return int(datetime.fromisoformat(value).timestamp() * 1_000_000)
    except (TypeError, ValueError):
        problem = Problem(f"{pointer}/now", f"`{value}`", "a time as 2027-01-01T12:00:00Z")
        raise InvalidDocument([problem], "test file") from None


def call_of(value: Any, pointer: str) -> Call:
    """A call written as `{"name", "arguments"?, "kind"?}`. Raises InvalidDocument."""
    if isinstance(value, dict) and isinstance(value.get("name"), str) and value.get("kind", "tool") in KINDS:
        arguments = value.get("arguments", {})
        if isinstance(arguments, dict) and set(value) <= {"name", "arguments", "kind"}:
            kind = value.get("kind", "tool")
            return Call(kind, value["name"], {"uri": value["name"]} if kind == "resource" else arguments)
    expected = '{"name": "…", "arguments": {…}}, and `"kind": "resource"` or `"prompt"` for those'
    raise InvalidDocument([Problem(pointer, "something else", expected)], "call")
