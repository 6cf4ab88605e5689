"""Paths of conditions: `args.a.0.*.b`, `grant.tags`, `tool.class`, `time.hour`.

Dots descend; a number indexes an array (or names a member of an object); `*` ranges over an array or object.
"""

from collections.abc import Mapping
from typing import Any, Final

FACTS: Final = {
    "grant": ("label", "tags"),
    "tool": ("name", "class", "risk"),
    "time": ("hour", "weekday"),
}
LONGEST: Final = 500
DEEPEST: Final = 16


class Missing:
    """Stands for a field that is not there."""


MISSING: Final = Missing()


def is_path(value: Any) -> bool:
    """A path that a condition may have."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return False
    root, *steps = value.split(".")
    if len(steps) > DEEPEST or not all(steps):
        return False
    if root == "args":
        return bool(steps) and steps.count("*") <= 3
    if root in FACTS:
        rest = steps[1:]
        return bool(steps) and steps[0] in FACTS[root] and (not rest or (steps[0] == "tags" and len(rest) == 1))
    return False


def is_increment_path(value: Any) -> bool:
    """A path that a sum may be taken from: one field of the arguments."""
    return is_path(value) and value.startswith("args.") and "*" not in value.split(".")


def descend(value: Any, step: str) -> Any:
    """The member `step` of `value`, or MISSING."""
    if isinstance(value, Mapping):
        return value.get(step, MISSING)
    if isinstance(value, list) and step.isascii() and step.isdigit() and (step == "0" or step[0] != "0"):
        index = int(step) if len(step) < 10 else len(value)
        return value[index] if index < len(value) else MISSING
    return MISSING


def members(value: Any) -> list[Any] | None:
    """What `*` ranges over, or None where it cannot."""
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return list(value.values())
    return None
