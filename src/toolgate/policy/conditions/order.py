"""`lt`, `lte`, `gt`, `gte`: exact comparison. Python compares an int with a float exactly, without rounding either."""

import operator
from collections.abc import Callable
from typing import Any

from toolgate.policy.conditions.model import Operator, Predicate, is_number, number


def _ordered(compare: Callable[[Any, Any], bool]) -> Operator:
    def compiled(value: Any) -> Predicate:
        return lambda found: compare(number(found), value)

    return Operator("a number", is_number, compiled, {"type": "number"})


OPERATORS = {
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
}
