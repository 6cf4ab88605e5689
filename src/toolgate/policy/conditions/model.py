"""What an operator is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Predicate: TypeAlias = Callable[[Any], bool]


class Unevaluable(Exception):
    """The operator cannot judge this value: wrong type, or not to be parsed."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One line of the table.

    `check` says what is wrong with a condition's value (None: nothing), in the words "expected …"; `compile` makes the
    predicate; `schema` is the value's JSON Schema; `absent` is what the operator says of a missing field.
    """

    expected: str
    check: Callable[[Any], bool]
    compile: Callable[[Any], Predicate]
    schema: Mapping[str, Any]
    absent: Callable[[Any], bool] = lambda _value: False


def is_number(value: Any) -> bool:
    """A JSON number; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> int | float:
    """`value` if it is a number, else Unevaluable."""
    if not is_number(value):
        raise Unevaluable
    return value  # type: ignore[no-any-return]


def text(value: Any) -> str:
    """`value` if it is a string, else Unevaluable."""
    if not isinstance(value, str):
        raise Unevaluable
    return value


def is_text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def is_texts(value: Any) -> bool:
    """A non-empty array of strings."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
