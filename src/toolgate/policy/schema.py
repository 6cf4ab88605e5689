"""The published JSON Schema of the language, made from the tables that parse it, for editors and other tools."""

from typing import Any

from toolgate.limits.model import LARGEST, SCALE
from toolgate.policy.body import LONGEST_TTL, LONGEST_WAIT, LONGEST_WINDOW, SCOPES, WINDOWS
from toolgate.policy.conditions.table import OPERATORS
from toolgate.policy.parse import CLASSES

MOST = LARGEST // SCALE
PATH = r"^(args(\.[^.]+)+|grant\.(label|tags(\.[^.]+)?)|tool\.(name|class|risk)|time\.(hour|weekday))$"
TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1, "maxLength": 2000}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def _bodies() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"$ref": "#/$defs/body"}, "propertyNames": NAME}


def _condition() -> dict[str, Any]:
    base = _object({"path": {"$ref": "#/$defs/path"}, "op": {"enum": list(OPERATORS)}, "value": {}}, ("path", "op", "value"))
    base["allOf"] = [
        {"if": {"properties": {"op": {"const": name}}}, "then": {"properties": {"value": dict(operator.schema)}}}
        for name, operator in OPERATORS.items()
        if operator.schema
    ]
    return base


def _definitions() -> dict[str, Any]:
    entries = {"type": "array", "items": {"$ref": "#/$defs/entry"}}
    window = {"anyOf": [{"enum": list(WINDOWS)}, {"type": "integer", "minimum": 1, "maximum": LONGEST_WINDOW}]}
    limit = {
        "counter": NAME,
        "window": window,
        "max": {"type": "number", "minimum": 0, "maximum": MOST},
        "scope": {"enum": list(SCOPES)},
        "increment_from": {"$ref": "#/$defs/path"},
        "on_deny": TEXT,
    }
    body = {
        "action": {"enum": ["allow", "deny", "require_approval"]},
        "reason": TEXT,
        "arguments": {"type": ["object", "boolean"]},
        "require": entries,
        "deny_if": entries,
        "approve_if": entries,
        "limits": {"type": "array", "items": {"$ref": "#/$defs/limit"}},
        "rate_limit": _object(
            {
                "max": {"type": "integer", "minimum": 0, "maximum": MOST},
                "window": {"type": "integer", "minimum": 1, "maximum": LONGEST_WINDOW},
            },
            ("max", "window"),
        ),
        "approval": _object(
            {
                "wait": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT},
                "ttl": {"type": "integer", "minimum": 1, "maximum": LONGEST_TTL},
                "approvers": {"type": "integer", "minimum": 1, "maximum": 20},
            }
        ),
    }
    return {
        "path": {"type": "string", "pattern": PATH},
        "condition": _condition(),
        "entry": _object(
            {"name": NAME, "conditions": {"type": "array", "items": {"$ref": "#/$defs/condition"}}, "on_deny": TEXT},
            ("conditions",),
        ),
        "limit": _object(limit, ("counter", "window", "max")),
        "body": _object(body),
    }  # fmt: skip


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy document."""
    properties = {
        "version": {"const": "1"},
        "default": {"enum": ["allow", "deny"]},
        "description": TEXT,
        "show_unlisted": {"type": "boolean"},
        "hide": {"type": "array", "items": NAME},
        "all_tools": {"$ref": "#/$defs/body"},
        "classes": {**_bodies(), "propertyNames": {"enum": list(CLASSES)}},
        "tools": _bodies(),
        "resources": _bodies(),
        "prompts": _bodies(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Toolgate policy, version 1",
        **_object(properties, ("version", "default")),
        "$defs": _definitions(),
    }
