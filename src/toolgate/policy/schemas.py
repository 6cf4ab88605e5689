"""JSON Schemas for arguments: compiled with a retriever that refuses, so that a schema can never fetch anything."""

import json
from collections.abc import Callable
from typing import Any, NoReturn

import jsonschema_rs

LARGEST_SCHEMA = 256 * 1024


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"the remote reference `{uri}`")


def compile_schema(schema: Any) -> Callable[[Any], bool]:
    """A validator. Raises ValueError for what is no schema or refers elsewhere."""
    return jsonschema_rs.Draft202012Validator(schema, retriever=_refuse, pattern_options=jsonschema_rs.RegexOptions()).is_valid


def first_error(schema: Any, value: Any) -> str:
    """Where and why `value` does not satisfy `schema`, shortly; empty when it does."""
    validator = jsonschema_rs.Draft202012Validator(schema, retriever=_refuse)
    for error in validator.iter_errors(value):
        place = "".join(f"/{step}" for step in error.instance_path)
        return f"`{place or '/'}`: {error.message}"[:300]
    return ""


def schema_problem(schema: Any) -> str | None:
    """What is wrong with a schema, or None."""
    if not isinstance(schema, dict | bool):
        return "something that is no schema"
    if len(json.dumps(schema)) > LARGEST_SCHEMA:
        return f"a schema of more than {LARGEST_SCHEMA} bytes"
    try:
        compile_schema(schema)
    except ValueError as error:
        return str(error).splitlines()[0][:160]
    return None
