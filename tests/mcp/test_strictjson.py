"""Strict JSON against a slow reader that is obviously right, on random documents and their mutations."""

import json
import random

import pytest

from toolgate.errors import BadRequest
from toolgate.mcp.strictjson import canonical, compact, dumps, loads


class Refused(Exception):
    pass


def pairs(items):
    keys = [key for key, _ in items]
    if len({key.casefold() for key in keys}) != len(keys) or any("\0" in key for key in keys):
        raise Refused
    return dict(items)


def number(text):
    value = int(text)
    if abs(value) > 2**53:
        raise Refused
    return value


def finite(text):
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Refused
    return value


def refuse(_text):
    raise Refused


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


def reference(data):
    """The value, or Refused: Python's own parser with every strictness written out."""
    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            raise Refused
        value = json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=finite, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (UnicodeError, json.JSONDecodeError, RecursionError):
        raise Refused from None
    if depth(value) > 64:
        raise Refused
    return value


def random_value(rng, level=0):
    kind = rng.randrange(9 if level < 4 else 6)
    if kind < 2:
        return rng.choice([None, True, False, 0, -1, 2**53, 1.5, -0.25, 1e20, 1e-7, 123456789.125])
    if kind < 6:
        return "".join(rng.choice('ab"\\/\n\u00e9\u2028😀:{}[],') for _ in range(rng.randrange(6)))
    if kind == 6:
        return [random_value(rng, level + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["a", "b", "k:", 'q"', "A", "é", "x y"]): random_value(rng, level + 1) for _ in range(rng.randrange(4))}


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 3)):
        place = rng.randrange(len(data) + 1)
        piece = rng.choice(
            [
                b'"',
                b"\\",
                b",",
                b":",
                b"}",
                b"{",
                b"[",
                b"]",
                b"\xff",
                b"\\u0061",
                b"\\ud800",
                b"9",
                b"e9",
                b" ",
                b"\0",
                b'"a":1,',
                b"\xc3",
            ]
        )
        if rng.random() < 0.5:
            data[place:place] = piece
        else:
            del data[place : place + rng.randrange(3)]
    return bytes(data)


def agree(data):
    try:
        expected = reference(data)
    except Refused:
        with pytest.raises(BadRequest):
            loads(data)
        return
    found = loads(data)
    assert dumps(found) == dumps(expected), data


def test_what_is_accepted_is_what_the_reference_accepts():
    rng = random.Random(1)
    for _ in range(4_000):
        text = json.dumps(random_value(rng), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1])).encode()
        agree(text)
        agree(mutated(rng, text))


def test_our_own_serialisation_is_read_back_the_same_by_others():
    rng = random.Random(2)
    for _ in range(2_000):
        value = random_value(rng)
        if isinstance(value, dict) and len({key.casefold() for key in value}) != len(value):
            continue
        try:
            loads(dumps(value))
        except BadRequest:
            continue
        assert json.loads(dumps(value)) == json.loads(json.dumps(value))
        assert loads(canonical(value)) == json.loads(json.dumps(value))


def test_compacting_changes_no_value():
    rng = random.Random(3)
    for _ in range(1_000):
        value = random_value(rng)
        raw = json.dumps(value, indent=2).replace("\n", "\r\n").encode()
        line = compact(raw)
        assert b"\n" not in line
        assert b"\r" not in line
        assert json.loads(line) == json.loads(raw)


@pytest.mark.parametrize("levels", [63, 64, 65, 500, 100_000])
def test_depth(levels):
    data = b"[" * levels + b"]" * levels
    if levels <= 64:
        assert loads(data) is not None
    else:
        with pytest.raises(BadRequest):
            loads(data)


def test_size():
    with pytest.raises(BadRequest) as refused:
        loads(b'"' + b"x" * 100 + b'"', limit=50)
    assert refused.value.http_status == 413
