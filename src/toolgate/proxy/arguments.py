"""What the log may know of a call's arguments: their shape and a keyed digest of every leaf, never a value.

The digest key stays in the key file, so that whoever reads the log cannot guess values against it.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.mcp import strictjson

MOST_LEAVES = 64
DIGEST_BYTES = 12


def digest(key: bytes, value: Any) -> str:
    """HMAC-SHA-256 of a JSON value, truncated to 96 bits, in hexadecimal."""
    return hmac.digest(key, strictjson.dumps(value), hashlib.sha256)[:DIGEST_BYTES].hex()


def shape(key: bytes, arguments: Mapping[str, Any]) -> dict[str, str]:
    """JSON Pointer of each leaf -> `type:digest`; at most 64 leaves, then an entry `…` counts what was left out."""
    found: dict[str, str] = {}
    left_out = 0
    for pointer, leaf in _leaves("", arguments):
        if len(found) < MOST_LEAVES:
            found[pointer] = f"{_type(leaf)}:{digest(key, leaf)}"
        else:
            left_out += 1
    if left_out:
        found["…"] = f"{left_out} more"
    return found


def _leaves(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, member in value.items():
            yield from _leaves(f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", member)
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from _leaves(f"{pointer}/{index}", member)
    else:
        yield pointer, value


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
