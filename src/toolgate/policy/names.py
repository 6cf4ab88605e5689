"""Names and globs: the exact name, else the glob with the most literal characters, then the earlier one.

In a glob `*` is any run of characters, empty too; nothing else is special.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


def glob(pattern: str) -> re.Pattern[str]:
    """The regular expression of a glob; use `fullmatch`."""
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)


class Names(Generic[V]):
    """What a section says of each name."""

    def __init__(self, entries: Mapping[str, V]) -> None:
        self._exact = {name: value for name, value in entries.items() if "*" not in name}
        globs = [name for name in entries if "*" in name]
        globs.sort(key=lambda name: -len(name.replace("*", "")))
        self._globs = [(glob(name), entries[name]) for name in globs]

    def find(self, name: str) -> V | None:
        """The entry that speaks for `name`."""
        found = self._exact.get(name)
        if found is not None or not self._globs:
            return found
        return next((value for pattern, value in self._globs if pattern.fullmatch(name)), None)

    def values(self) -> Iterable[V]:
        """Every entry."""
        yield from self._exact.values()
        yield from (value for _, value in self._globs)
