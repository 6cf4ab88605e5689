"""A parsed policy: the document as frozen data, nothing added and nothing lost (`parse(dump(p)) == p`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from toolgate.limits.model import Scope, Window

Action: TypeAlias = Literal["allow", "deny", "require_approval"]


@dataclass(frozen=True, slots=True)
class Condition:
    """`{"path", "op", "value"}`; `value` as given."""

    path: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `require`, `deny_if` or `approve_if`."""

    conditions: tuple[Condition, ...]
    name: str | None = None
    on_deny: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota. `max` is a whole number or one with at most six decimals, as given."""

    counter: str
    window: Window
    max: int | float
    scope: Scope | None = None
    increment_from: str | None = None
    on_deny: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The shorthand `{"max", "window"}`: one sliding limit per agent session."""

    max: int
    window: int


@dataclass(frozen=True, slots=True)
class Approval:
    """How a held call is approved; absent members keep their defaults."""

    wait: int | None = None
    ttl: int | None = None
    approvers: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A rule body. `{}` allows."""

    action: Action | None = None
    reason: str | None = None
    arguments: Any = None
    require: tuple[Entry, ...] | None = None
    deny_if: tuple[Entry, ...] | None = None
    approve_if: tuple[Entry, ...] | None = None
    limits: tuple[Limit, ...] | None = None
    rate_limit: RateLimit | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole document. Mappings keep the order of the document, which breaks ties between globs."""

    default: Literal["allow", "deny"]
    version: str = "1"
    description: str | None = None
    show_unlisted: bool | None = None
    hide: tuple[str, ...] | None = None
    all_tools: Body | None = None
    classes: Mapping[str, Body] | None = field(default=None, hash=False)
    tools: Mapping[str, Body] | None = field(default=None, hash=False)
    resources: Mapping[str, Body] | None = field(default=None, hash=False)
    prompts: Mapping[str, Body] | None = field(default=None, hash=False)
