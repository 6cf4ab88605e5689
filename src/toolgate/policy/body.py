"""Parsing of rule bodies: conditions, limits, approvals. One parser a key, in a table."""

from collections.abc import Callable
from typing import Any

from toolgate.limits.model import LARGEST, SCALE, Window
from toolgate.policy.check import Checker, Kind, shown
from toolgate.policy.conditions.table import OPERATORS
from toolgate.policy.model import Approval, Body, Condition, Entry, Limit, RateLimit
from toolgate.policy.paths import is_increment_path, is_path
from toolgate.policy.pointer import join
from toolgate.policy.schemas import schema_problem

WINDOWS = ("minute", "hour", "day", "month")
SCOPES = ("grant", "session", "server", "org")
LONGEST_WINDOW = 366 * 86400
LONGEST_WAIT = 3600
LONGEST_TTL = 30 * 86400
PATH = "a path such as `args.name`, `args.items.*.id`, `grant.label`, `grant.tags`, `tool.name`, `tool.class`, `time.hour`"


def parse_body(check: Checker, value: Any, pointer: str, _kind: Kind) -> Body:
    """The rule body at `pointer`; with problems noted, an empty one."""
    if not check.object(value, pointer, tuple(PARSERS)):
        return Body()
    return Body(**{
        key: PARSERS[key](check, member, join(pointer, key)) for key, member in value.items() if key in PARSERS
    })  # fmt: skip


def _text(check: Checker, value: Any, pointer: str) -> Any:
    check.kind(value, pointer, "string", "a string")
    return value


def _arguments(check: Checker, value: Any, pointer: str) -> Any:
    problem = schema_problem(value)
    if problem is not None:
        check.problem(pointer, problem, "a JSON Schema (2020-12) without remote references")
    return value


def _entries(check: Checker, value: Any, pointer: str) -> tuple[Entry, ...]:
    if not check.kind(value, pointer, "array", "an array of entries"):
        return ()
    entries = tuple(_entry(check, item, join(pointer, index)) for index, item in enumerate(value))
    names = [entry.name for entry in entries if entry.name is not None]
    for index, entry in enumerate(entries):
        if entry.name is not None and names.count(entry.name) > 1:
            check.problem(join(pointer, index, "name"), shown(entry.name), "a name no other entry here has")
    return entries


def _entry(check: Checker, value: Any, pointer: str) -> Entry:
    if not check.object(value, pointer, ("name", "conditions", "on_deny"), required=("conditions",)):
        return Entry(())
    name, on_deny = value.get("name"), value.get("on_deny")
    if "name" in value:
        check.name(name, join(pointer, "name"), "a name")
    if "on_deny" in value:
        _text(check, on_deny, join(pointer, "on_deny"))
    conditions = value.get("conditions", [])
    if not check.kind(conditions, join(pointer, "conditions"), "array", "an array of conditions"):
        return Entry(())
    parsed = (_condition(check, item, join(pointer, "conditions", index)) for index, item in enumerate(conditions))
    return Entry(tuple(parsed), name, on_deny)


def _condition(check: Checker, value: Any, pointer: str) -> Condition:
    keys = ("path", "op", "value")
    if not check.object(value, pointer, keys, required=keys) or not all(key in value for key in keys):
        return Condition("", "", None)
    path, op, operand = value["path"], value["op"], value["value"]
    if not is_path(path):
        check.problem(join(pointer, "path"), shown(path), PATH)
    operator = OPERATORS.get(op) if isinstance(op, str) else None
    if operator is None:
        check.problem(join(pointer, "op"), shown(op), "one of " + ", ".join(f"`{name}`" for name in OPERATORS))
    elif not operator.check(operand):
        check.problem(join(pointer, "value"), shown(operand), operator.expected)
    return Condition(path, op, operand)


def _limits(check: Checker, value: Any, pointer: str) -> tuple[Limit, ...]:
    if not check.kind(value, pointer, "array", "an array of limits"):
        return ()
    return tuple(_limit(check, item, join(pointer, index)) for index, item in enumerate(value))


def _limit(check: Checker, value: Any, pointer: str) -> Limit:
    required = ("counter", "window", "max")
    if not check.object(value, pointer, (*required, "scope", "increment_from", "on_deny"), required=required):
        return Limit("", Window("minute"), 0)
    for key in ("counter", "max", "window"):
        if key not in value:
            return Limit("", Window("minute"), 0)
    check.name(value["counter"], join(pointer, "counter"), "a name")
    if "scope" in value:
        check.one_of(value["scope"], join(pointer, "scope"), SCOPES)
    if "increment_from" in value and not is_increment_path(value["increment_from"]):
        check.problem(join(pointer, "increment_from"), shown(value["increment_from"]), "a path below `args` without `*`")
    if "on_deny" in value:
        _text(check, value["on_deny"], join(pointer, "on_deny"))
    return Limit(
        value["counter"], _window(check, value["window"], join(pointer, "window")),
        _max(check, value["max"], join(pointer, "max")), value.get("scope"), value.get("increment_from"),
        value.get("on_deny"),
    )  # fmt: skip


def _window(check: Checker, value: Any, pointer: str) -> Window:
    if isinstance(value, str) and value in WINDOWS:
        return Window(calendar=value)  # type: ignore[arg-type]
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_WINDOW:
        return Window(seconds=value)
    expected = f"`minute`, `hour`, `day`, `month` or a whole number of seconds from 1 to {LONGEST_WINDOW}"
    check.problem(pointer, shown(value), expected)
    return Window("minute")


def _max(check: Checker, value: Any, pointer: str) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST // SCALE:
        if isinstance(value, int) or _six_decimals(value):
            return value
        check.problem(pointer, shown(value), "at most six decimals")
        return 0
    check.problem(pointer, shown(value), f"a number from 0 to {LARGEST // SCALE}")
    return 0


def _six_decimals(value: float) -> bool:
    return round(value, 6) == value


def _rate_limit(check: Checker, value: Any, pointer: str) -> RateLimit:
    keys = ("max", "window")
    if not check.object(value, pointer, keys, required=keys) or not all(key in value for key in keys):
        return RateLimit(0, 1)
    check.integer(value["max"], join(pointer, "max"), 0, LARGEST // SCALE)
    check.integer(value["window"], join(pointer, "window"), 1, LONGEST_WINDOW)
    return RateLimit(value["max"], value["window"])


def _approval(check: Checker, value: Any, pointer: str) -> Approval:
    bounds = {"wait": (0, LONGEST_WAIT), "ttl": (1, LONGEST_TTL), "approvers": (1, 20)}
    if not check.object(value, pointer, tuple(bounds)):
        return Approval()
    for key, (least, most) in bounds.items():
        if key in value:
            check.integer(value[key], join(pointer, key), least, most)
    return Approval(value.get("wait"), value.get("ttl"), value.get("approvers"))


PARSERS: dict[str, Callable[[Checker, Any, str], Any]] = {
    "action": lambda check, value, pointer: check.one_of(value, pointer, ("allow", "deny", "require_approval")),
    "reason": _text,
    "arguments": _arguments,
    "require": _entries,
    "deny_if": _entries,
    "approve_if": _entries,
    "limits": _limits,
    "rate_limit": _rate_limit,
    "approval": _approval,
}
