"""What a valid policy probably did not mean: rules that never fire, names no tool has, paths no schema knows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.policy.compile import entry_name
from toolgate.policy.model import Body, Entry, Policy
from toolgate.policy.names import glob
from toolgate.policy.pointer import join

Tools = Mapping[str, Any]
"""Tool name -> its input schema."""


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the field's word; nobody uses the built-in one here
    """A doubt about the rule at `pointer`."""

    pointer: str
    text: str


def lint(policy: Policy, tools: Tools | None = None) -> list[Warning]:
    """Every doubt about `policy`; with the server's tools, those about names and paths too."""
    found = [warning for check in CHECKS for warning in check(policy)]
    if tools is not None:
        found += [warning for check in TOOL_CHECKS for warning in check(policy, tools)]
    return found


def _bodies(policy: Policy) -> Iterator[tuple[str, Body]]:
    if policy.all_tools is not None:
        yield "/all_tools", policy.all_tools
    for section in ("classes", "tools", "resources", "prompts"):
        for name, body in (getattr(policy, section) or {}).items():
            yield join("", section, name), body


def _entries(body: Body) -> Iterator[tuple[str, Entry]]:
    for key in ("require", "deny_if", "approve_if"):
        for index, entry in enumerate(getattr(body, key) or ()):
            yield join("", key, entry_name(entry, index)), entry


def _dead_rules(policy: Policy) -> Iterator[Warning]:
    for pointer, body in _bodies(policy):
        rest = [k for k in ("arguments", "require", "deny_if", "approve_if", "limits", "rate_limit") if getattr(body, k)]
        if body.action == "deny" and rest:
            yield Warning(pointer, f"`action: deny` always denies; {', '.join(f'`{key}`' for key in rest)} can never matter")
        for index, entry in enumerate(body.deny_if or ()):
            if not entry.conditions:
                yield Warning(f"{pointer}/deny_if/{entry_name(entry, index)}", "no conditions: this always denies")
        if body.approval is not None and body.action != "require_approval" and not body.approve_if:
            yield Warning(f"{pointer}/approval", "nothing in this rule asks for approval")
        for limit in body.limits or ():
            if limit.max == 0:
                yield Warning(f"{pointer}/limits", f"`{limit.counter}` has a maximum of 0: this always denies")


def _hidden_rules(policy: Policy) -> Iterator[Warning]:
    for hidden in policy.hide or ():
        pattern = glob(hidden)
        for name in policy.tools or {}:
            if "*" not in name and pattern.fullmatch(name):
                yield Warning(join("/tools", name), f"hidden by `{hidden}`: this rule never decides anything")


def _mixed_counters(policy: Policy) -> Iterator[Warning]:
    seen: dict[tuple[str, str, str], str | None] = {}
    for pointer, body in _bodies(policy):
        for limit in body.limits or ():
            key = (limit.counter, str(limit.window), limit.scope or "grant")
            if key in seen and seen[key] != limit.increment_from:
                yield Warning(
                    f"{pointer}/limits", f"`{limit.counter}` counts calls in one rule and sums an argument in another"
                )
            seen.setdefault(key, limit.increment_from)


def _unknown_names(policy: Policy, tools: Tools) -> Iterator[Warning]:
    places = [(join("/tools", name), name) for name in policy.tools or {}]
    places += [(join("/hide", index), name) for index, name in enumerate(policy.hide or ())]
    for pointer, name in places:
        if not any(glob(name).fullmatch(tool) for tool in tools):
            yield Warning(pointer, f"no tool of the server is called `{name}`")


def _unknown_paths(policy: Policy, tools: Tools) -> Iterator[Warning]:
    for name, body in (policy.tools or {}).items():
        schemas = [schema for tool, schema in tools.items() if glob(name).fullmatch(tool)]
        for pointer, entry in _entries(body):
            for condition in entry.conditions:
                steps = condition.path.split(".")
                if steps[0] == "args" and schemas and not any(_knows(schema, steps[1:]) for schema in schemas):
                    yield Warning(join("/tools", name) + pointer, f"no input schema knows `{condition.path}`")


def _knows(schema: Any, steps: list[str]) -> bool:
    """Whether a schema may have a value at `steps`; anything it does not spell out may."""
    if not steps or not isinstance(schema, dict):
        return True
    step, rest = steps[0], steps[1:]
    properties = schema.get("properties")
    if step == "*" or step.isdigit():
        return _knows(schema.get("items", True), rest)
    if not isinstance(properties, dict) or any(key in schema for key in ("$ref", "anyOf", "oneOf", "allOf")):
        return True
    return _knows(properties[step], rest) if step in properties else False


CHECKS: tuple[Callable[[Policy], Iterator[Warning]], ...] = (_dead_rules, _hidden_rules, _mixed_counters)
TOOL_CHECKS: tuple[Callable[[Policy, Tools], Iterator[Warning]], ...] = (_unknown_names, _unknown_paths)
