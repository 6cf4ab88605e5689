"""`exists` and `length_lte`: whether a field is there, and how much of it."""

from typing import Any

from toolgate.policy.conditions.model import Operator, Predicate, Unevaluable


def _exists(value: Any) -> Predicate:
    return lambda _found: bool(value)


def _short(value: Any) -> Predicate:
    def holds(found: Any) -> bool:
        if not isinstance(found, str | list | dict):
            raise Unevaluable
        return len(found) <= int(value)

    return holds


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


OPERATORS = {
    "exists": Operator("true or false", _is_boolean, _exists, {"type": "boolean"}, absent=lambda value: not value),
    "length_lte": Operator("an integer >= 0", _is_count, _short, {"type": "integer", "minimum": 0}),
}
