"""From a decoded document to a `Policy`, or to every error it has, in document order."""

from collections.abc import Callable, Mapping
from typing import Any

from toolgate.errors import InvalidDocument, Problem
from toolgate.policy.body import parse_body
from toolgate.policy.check import Checker, Kind
from toolgate.policy.decision import RiskClass
from toolgate.policy.model import Body, Policy
from toolgate.policy.pointer import join
from toolgate.policy.strict import load_json

CLASSES: tuple[RiskClass, ...] = ("Read", "Write", "Execute", "Destructive", "Financial", "Unclassified")
KEYS = (
    "version", "default", "description", "show_unlisted", "hide", "all_tools", "classes", "tools", "resources", "prompts",
)  # fmt: skip
MOST_RULES = 5000


def parse_json(text: str | bytes) -> Policy:
    """The policy in a JSON text. Raises InvalidDocument; duplicate keys are errors like any other."""
    document, problems = load_json(text)
    if problems:
        raise InvalidDocument(problems, "policy")
    return parse(document)


def parse(document: Any) -> Policy:
    """The policy in a decoded JSON (or YAML) document. Raises InvalidDocument with all errors at once."""
    check = Checker()
    policy = _policy(check, document)
    if check.problems or policy is None:
        raise InvalidDocument(check.problems, "policy")
    return policy


def _policy(check: Checker, document: Any) -> Policy | None:
    if not check.object(document, "", KEYS, required=("version", "default")):
        return None
    found: dict[str, Any] = {}
    for key, value in document.items():
        parser = PARSERS.get(key)
        if parser is not None:
            found[key] = parser(check, value, join("", key))
    return None if check.problems else Policy(**found)


def _hide(check: Checker, value: Any, pointer: str) -> tuple[str, ...]:
    if not check.kind(value, pointer, "array", "an array of tool names or globs"):
        return ()
    for index, name in enumerate(value):
        check.name(name, join(pointer, index), "a tool name or glob")
    return tuple(value)


def _bodies(kind: Kind, names: tuple[str, ...] | None = None) -> Callable[[Checker, Any, str], Mapping[str, Body]]:
    def parser(check: Checker, value: Any, pointer: str) -> Mapping[str, Body]:
        if not check.kind(value, pointer, "object", "an object of rule bodies by name"):
            return {}
        if len(value) > MOST_RULES:
            check.problem(pointer, f"{len(value)} rules", f"at most {MOST_RULES}")
            return {}
        for name in value:
            if names is not None:
                check.one_of(name, join(pointer, name), names)
            else:
                check.name(name, join(pointer, name), "a name or glob of 1 to 2000 characters")
        return {name: parse_body(check, body, join(pointer, name), kind) for name, body in value.items()}

    return parser


def _text(check: Checker, value: Any, pointer: str) -> str:
    check.kind(value, pointer, "string", "a string")
    return value if isinstance(value, str) else ""


def _boolean(check: Checker, value: Any, pointer: str) -> bool:
    check.kind(value, pointer, "boolean", "true or false")
    return bool(value)


PARSERS: dict[str, Callable[[Checker, Any, str], Any]] = {
    "version": lambda check, value, pointer: check.one_of(value, pointer, ("1",)),
    "default": lambda check, value, pointer: check.one_of(value, pointer, ("allow", "deny")),
    "description": _text,
    "show_unlisted": _boolean,
    "hide": _hide,
    "all_tools": lambda check, value, pointer: parse_body(check, value, pointer, "tool"),
    "classes": _bodies("tool", CLASSES),
    "tools": _bodies("tool"),
    "resources": _bodies("resource"),
    "prompts": _bodies("prompt"),
}

__all__ = ["CLASSES", "InvalidDocument", "Problem", "parse", "parse_json"]
