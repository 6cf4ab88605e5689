"""Conditions made of paths and operators: each compiles to a judge that answers True, False, or None for doubt."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from toolgate.policy.conditions.model import Predicate, Unevaluable
from toolgate.policy.conditions.table import OPERATORS
from toolgate.policy.decision import Call, Facts
from toolgate.policy.model import Condition
from toolgate.policy.paths import MISSING, descend, members

Judge: TypeAlias = Callable[[Call, Facts], bool | None]
Fetch: TypeAlias = Callable[[Call, Facts], Any]

MICROSECONDS = 1_000_000
LONGEST_SHOWN = 80


def _moment(facts: Facts) -> datetime:
    return datetime.fromtimestamp(facts.now // MICROSECONDS, UTC)


ROOTS: dict[str, Fetch] = {
    "grant.label": lambda _call, facts: facts.grant_label,
    "grant.tags": lambda _call, facts: list(facts.grant_tags),
    "tool.name": lambda call, _facts: call.name,
    "tool.class": lambda _call, facts: facts.tool_class,
    "tool.risk": lambda _call, facts: MISSING if facts.tool_risk is None else facts.tool_risk,
    "time.hour": lambda _call, facts: _moment(facts).hour,
    "time.weekday": lambda _call, facts: _moment(facts).isoweekday(),
}
"""Where a path outside `args` starts. Weekdays are ISO 8601: 1 is Monday, 7 is Sunday."""


def _split(path: str) -> tuple[Fetch, tuple[str, ...]]:
    root, *steps = path.split(".")
    if root == "args":
        return (lambda call, _facts: call.arguments), tuple(steps)
    return ROOTS[f"{root}.{steps[0]}"], tuple(steps[1:])


def compile_fetch(path: str) -> Fetch:
    """What stands at a path without `*`; MISSING when nothing does."""
    start, steps = _split(path)

    def fetch(call: Call, facts: Facts) -> Any:
        found = start(call, facts)
        for step in steps:
            found = descend(found, step)
        return found

    return fetch


def compile_condition(condition: Condition, *, every: bool) -> Judge:
    """A judge of one condition. Over `*`, `every` asks for all elements (`require`), else for one."""
    operator = OPERATORS[condition.op]
    predicate, absent = operator.compile(condition.value), operator.absent(condition.value)
    if "*" in condition.path.split("."):
        return _ranged(condition.path, predicate, absent, every=every)
    fetch = compile_fetch(condition.path)

    def judge(call: Call, facts: Facts) -> bool | None:
        return _judged(predicate, absent, fetch(call, facts))

    return judge


def _judged(predicate: Predicate, absent: bool, found: Any) -> bool | None:
    if found is MISSING:
        return absent
    try:
        return predicate(found)
    except Unevaluable:
        return None


def _ranged(path: str, predicate: Predicate, absent: bool, *, every: bool) -> Judge:
    start, steps = _split(path)

    def judge(call: Call, facts: Facts) -> bool | None:
        doubt = False
        for found in _elements(start(call, facts), steps):
            answer = None if found is UNRANGED else _judged(predicate, absent, found)
            if answer is None:
                doubt = True
            elif answer is not every:
                return answer
        return None if doubt else every

    return judge


UNRANGED = object()
"""Stands for something that `*` cannot range over."""


def _elements(found: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    for position, step in enumerate(steps):
        if found is MISSING:
            break
        if step != "*":
            found = descend(found, step)
            continue
        inner = members(found)
        if inner is None:
            yield UNRANGED
            return
        for member in inner:
            yield from _elements(member, steps[position + 1 :])
        return
    yield found


def shown(value: Any) -> str:
    """A condition's value in a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
