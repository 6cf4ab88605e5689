"""`path_within`: an absolute file path, normalised without looking at any disk, lies inside a directory.

A relative path cannot be judged, since nobody here knows the server's working directory. Servers differ in what they decode,
so a path must lie inside under every reading: as it is, with backslashes as separators, and percent-decoded.
"""

import posixpath
from typing import Any
from urllib.parse import unquote

from toolgate.policy.conditions.model import Operator, Predicate, Unevaluable, is_texts, text

MOST_DECODINGS = 4


def normal(path: str) -> str:
    """Free of `.`, `..` and repeated slashes. Raises Unevaluable for a relative path or one with a NUL."""
    if not path.startswith("/") or "\0" in path:
        raise Unevaluable
    return "/" + posixpath.normpath(path).lstrip("/")


def readings(path: str) -> set[str]:
    """What a server might take `path` for. Raises Unevaluable when decoding does not come to an end."""
    found = {path, path.replace("\\", "/")}
    for _ in range(MOST_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            return found
        path = decoded
        found |= {path, path.replace("\\", "/")}
    raise Unevaluable


def is_directories(value: Any) -> bool:
    """A non-empty array of absolute paths without `..`."""
    return is_texts(value) and all(_is_directory(item) for item in value)


def _is_directory(path: str) -> bool:
    return path.startswith("/") and "\0" not in path and "\\" not in path and ".." not in path.split("/")


def _within(values: list[str]) -> Predicate:
    directories = tuple(normal(value).rstrip("/") + "/" for value in values)

    def holds(found: Any) -> bool:
        return all((normal(path).rstrip("/") + "/").startswith(directories) for path in readings(text(found)))

    return holds


OPERATORS = {
    "path_within": Operator(
        "a non-empty array of absolute directories without `..`",
        is_directories,
        _within,
        {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^/"}},
    ),
}
