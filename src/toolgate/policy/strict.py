"""JSON texts of policies, read so that nothing is overlooked: duplicate keys and non-numbers are problems, not surprises."""

import json
from typing import Any, NoReturn

from toolgate.errors import Problem

LARGEST = 2 * 1024 * 1024
DEEPEST = 64


class _RefusedError(ValueError):
    pass


def load_json(text: str | bytes) -> tuple[Any, list[Problem]]:
    """The decoded document and what is wrong with the text itself (then the document is None)."""
    if len(text) > LARGEST:
        return None, [Problem("", f"{len(text)} bytes", f"at most {LARGEST}")]
    duplicates: list[str] = []
    try:
        plain = text.decode("utf-8") if isinstance(text, bytes) else text
        document = json.loads(plain, object_pairs_hook=lambda pairs: _object(pairs, duplicates), parse_constant=_constant)
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        return None, [Problem("", "text that is not UTF-8", "UTF-8 without lone surrogates")]
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, [Problem("", f"{error.msg.lower()} at {where}", "JSON")]
    except (_RefusedError, RecursionError, ValueError) as error:
        return None, [Problem("", str(error)[:80] or "nesting too deep", "JSON without NaN, Infinity or endless nesting")]
    problems = [Problem("", f"the key `{key}` twice in one object", "every key once") for key in duplicates]
    if _depth(document) > DEEPEST:
        problems.append(Problem("", "nesting too deep", f"at most {DEEPEST} levels"))
    return document, problems


def _object(pairs: list[tuple[str, Any]], duplicates: list[str]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        duplicates.extend(sorted({name for name in names if names.count(name) > 1}))
    return result


def _constant(word: str) -> NoReturn:
    raise _RefusedError(f"`{word}`")


def _depth(value: Any) -> int:
    level, deepest = [value], 0
    while level and deepest <= DEEPEST:
        members = [m for v in level if isinstance(v, dict) for m in v.values()]
        level = members + [m for v in level if isinstance(v, list) for m in v]
        deepest += 1
    return deepest
