"""`regex`, `starts_with`, `ends_with`: judgements on a string. Patterns are RE2: linear time, no lookaround."""

from typing import Any

import re2

from toolgate.policy.conditions.model import Operator, Predicate, is_text, text

LONGEST_PATTERN = 2000
STRING = {"type": "string"}


def compile_pattern(pattern: str) -> Any:
    """The compiled RE2 pattern. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    return re2.compile(pattern, options)


def is_pattern(value: Any) -> bool:
    """A pattern that RE2 takes."""
    if not isinstance(value, str) or len(value) > LONGEST_PATTERN:
        return False
    try:
        compile_pattern(value)
    except re2.error:
        return False
    return True


def _regex(value: str) -> Predicate:
    search = compile_pattern(value).search
    return lambda found: search(text(found)) is not None


OPERATORS = {
    "regex": Operator(
        "an RE2 pattern of at most 2000 characters (no lookaround, no back-references)", is_pattern, _regex, STRING
    ),
    "starts_with": Operator("a string", is_text, lambda value: lambda found: text(found).startswith(value), STRING),
    "ends_with": Operator("a string", is_text, lambda value: lambda found: text(found).endswith(value), STRING),
}
