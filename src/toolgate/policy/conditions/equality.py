"""`eq`, `neq`, `in`, `not_in`, `contains`: equality as JSON has it, where 5 and 5.0 are equal, 5 and "5" or true are not."""

from typing import Any

from toolgate.policy.conditions.model import Operator, Predicate, Unevaluable


def same(left: Any, right: Any) -> bool:
    """JSON equality. Python's own takes True for 1, at any depth, so types are compared too."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(member, right[name]) for name, member in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _in(values: list[Any]) -> Predicate:
    if values and all(isinstance(value, str) for value in values):
        texts = frozenset(values)
        return lambda found: isinstance(found, str) and found in texts
    return lambda found: any(same(found, value) for value in values)


def _not_in(values: list[Any]) -> Predicate:
    member = _in(values)
    return lambda found: not member(found)


def _eq(value: Any) -> Predicate:
    if isinstance(value, str):
        return lambda found: isinstance(found, str) and found == value
    return lambda found: same(found, value)


def _contains(value: Any) -> Predicate:
    def holds(found: Any) -> bool:
        if isinstance(found, list):
            return any(same(item, value) for item in found)
        if isinstance(found, str) and isinstance(value, str):
            return value in found
        raise Unevaluable

    return holds


def _any(_value: Any) -> bool:
    return True


def _array(value: Any) -> bool:
    return isinstance(value, list)


OPERATORS = {
    "eq": Operator("any JSON value", _any, _eq, {}),
    "neq": Operator("any JSON value", _any, lambda value: lambda found: not same(found, value), {}),
    "in": Operator("an array", _array, _in, {"type": "array"}),
    "not_in": Operator("an array", _array, _not_in, {"type": "array"}),
    "contains": Operator("any JSON value", _any, _contains, {}),
}
