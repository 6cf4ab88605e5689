"""What differs between two policies, rule by rule, for people to read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy.dump import dump
from toolgate.policy.model import Policy
from toolgate.policy.pointer import join

ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `added`, `removed` or `changed` at a JSON Pointer, with both values as JSON texts ("" is absent)."""

    kind: str
    pointer: str
    before: str
    after: str


def diff(old: Policy, new: Policy) -> list[Change]:
    """Every difference, in the order of the new document."""
    return list(_changes("", dump(old), dump(new)))


def _changes(pointer: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*new, *(name for name in old if name not in new)]:
            yield from _changes(join(pointer, name), old.get(name, ABSENT), new.get(name, ABSENT))
    elif _text(old) != _text(new):
        kind = "added" if old is ABSENT else "removed" if new is ABSENT else "changed"
        yield Change(kind, pointer, _text(old), _text(new))


def _text(value: Any) -> str:
    return "" if value is ABSENT else json.dumps(value, ensure_ascii=False)
