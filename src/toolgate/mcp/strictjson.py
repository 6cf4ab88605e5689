"""JSON read so strictly that no other parser can read it differently, and our own serialisation of what was read.

Refused are duplicate keys (after unescaping), keys equal under case folding (some decoders fold), numbers that are not finite
or integers beyond ±2^53 (some round), invalid UTF-8 and lone surrogates, NUL in keys, byte order marks, deep nesting, and
whatever RFC 8259 does not allow.
"""

import re
from typing import Any

import msgspec

from toolgate.errors import BadRequest

LARGEST_BODY = 4 * 1024 * 1024
DEEPEST = 64
LARGEST_INTEGER = 2**53
PARSE_ERROR = -32700

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def refused(reason: str) -> BadRequest:
    """The error for a text that is not accepted."""
    return BadRequest(f"the body is not acceptable JSON: {reason}", PARSE_ERROR)


def loads(data: bytes, limit: int = LARGEST_BODY, depth: int = DEEPEST) -> Any:
    """The decoded value. Raises BadRequest (-32700)."""
    if len(data) > limit:
        raise BadRequest(f"the body is larger than {limit} bytes", PARSE_ERROR, http_status=413)
    try:
        data.decode("utf-8")
        value = msgspec.json.decode(data)
    except UnicodeDecodeError:
        raise refused("it is not UTF-8") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise refused(str(error).removeprefix("JSON is malformed: ")) from None
    except RecursionError:
        raise refused(f"it is nested deeper than {depth} levels") from None
    keys = _inspect(value, depth)
    # a duplicate key vanishes when decoded, but its colon still stands outside every string
    if keys and STRING.sub(b"", data).count(b":") != keys:
        raise refused("an object has the same key twice")
    return value


def _inspect(value: Any, depth: int) -> int:
    """Count the keys of all objects, refusing what the decoder let pass. Level by level, so that depth is the loop's."""
    keys = 0
    level = [value]
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                keys += len(item)
                _check_keys(item)
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
            elif kind is int and not -LARGEST_INTEGER <= item <= LARGEST_INTEGER:
                raise refused("an integer is beyond 2^53; send it as a string")
            if depth <= 0 and (kind is dict or kind is list):
                raise refused("it is nested too deeply")
        depth -= 1
        level = below
    return keys


def _check_keys(item: dict[str, Any]) -> None:
    for key in item:
        if "\0" in key:
            raise refused("a key holds a NUL")
    if len(item) > 1 and len({key.casefold() for key in item}) != len(item):
        raise refused("an object has two keys that differ only in case")


_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def dumps(value: Any) -> bytes:
    """Our own serialisation: compact, UTF-8, one line."""
    return _encode(value)


def canonical(value: Any) -> bytes:
    """The same with sorted keys: equal values have equal bytes, which is what digests are taken of."""
    return _encode_sorted(value)


def compact(raw: bytes) -> bytes:
    """Valid JSON text on one line, as stdio framing and server-sent events need it. Unchanged where it already is."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    parts: list[bytes] = []
    position = 0
    for match in STRING.finditer(raw):
        parts += [raw[position : match.start()].translate(None, b"\r\n"), match.group()]
        position = match.end()
    return b"".join([*parts, raw[position:].translate(None, b"\r\n")])
