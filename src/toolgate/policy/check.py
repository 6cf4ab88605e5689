"""Collecting everything that is wrong with a document: each check notes a `Problem` and says whether to go on."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from toolgate.errors import Problem
from toolgate.policy.pointer import join

Kind: TypeAlias = Literal["tool", "resource", "prompt"]

TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool}
LONGEST_SHOWN = 60


def shown(value: Any) -> str:
    """A value as an error names it: short, in backticks, with its JSON type where that helps."""
    if isinstance(value, str):
        return f"the string `{value[:LONGEST_SHOWN]}`"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return f"the number {str(value)[:LONGEST_SHOWN]}"
    if isinstance(value, list):
        return "an empty array" if not value else "an array"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


class Checker:
    """The problems found so far, in document order."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, pointer: str, found: str, expected: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(pointer, found, expected))

    def kind(self, value: Any, pointer: str, kind: str, expected: str) -> bool:
        """Whether `value` is of a JSON type."""
        if isinstance(value, TYPES[kind]):
            return True
        self.problem(pointer, shown(value), expected)
        return False

    def object(self, value: Any, pointer: str, keys: Sequence[str], required: Sequence[str] = ()) -> bool:
        """Whether `value` is an object; unknown and missing keys are noted."""
        if not self.kind(value, pointer, "object", "an object"):
            return False
        for key in value:
            if key not in keys:
                self.problem(join(pointer, key), "an unknown key", f"one of {_listed(keys)}")
        for key in required:
            if key not in value:
                self.problem(pointer, f"no `{key}`", f"`{key}` to be given")
        return True

    def one_of(self, value: Any, pointer: str, allowed: Sequence[str]) -> Any:
        """`value`, which should be one of a few words."""
        if not isinstance(value, str) or value not in allowed:
            self.problem(pointer, shown(value), " or ".join(f"`{word}`" for word in allowed))
        return value

    def name(self, value: Any, pointer: str, expected: str) -> None:
        """A name or glob: a string of 1 to 2000 characters without control characters."""
        fits = isinstance(value, str) and 0 < len(value) <= 2000 and value.isprintable()
        if not fits:
            self.problem(pointer, shown(value), expected)

    def integer(self, value: Any, pointer: str, least: int, most: int) -> bool:
        """Whether `value` is an integer within bounds."""
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        if not fits:
            self.problem(pointer, shown(value), f"an integer from {least} to {most}")
        return fits


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
