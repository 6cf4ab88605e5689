"""What goes into a decision and what comes out: plain data shared by the policy core and everything around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from toolgate.limits.model import Spend

Kind: TypeAlias = Literal["tool", "resource", "prompt"]
RiskClass: TypeAlias = Literal["Read", "Write", "Execute", "Destructive", "Financial", "Unclassified"]
RiskLevel: TypeAlias = Literal["Low", "Medium", "High", "Critical"]


class Effect(StrEnum):
    """What happens to the call: forwarded, refused, or held until people approve it."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"


class Code(StrEnum):
    """Why a call was not simply allowed. Stable and documented: agents and dashboards rely on them."""

    NO_POLICY = "no_policy"
    HIDDEN = "hidden"
    DEFAULT_DENY = "default_deny"
    ACTION_DENY = "action_deny"
    ARGUMENTS_INVALID = "arguments_invalid"
    REQUIRE_FAILED = "require_failed"
    DENY_IF = "deny_if"
    LIMIT_EXCEEDED = "limit_exceeded"
    APPROVAL_PENDING = "approval_pending"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_EXPIRED = "approval_expired"
    DEFINITION_CHANGED = "definition_changed"
    UNAVAILABLE = "unavailable"
    BAD_REQUEST = "bad_request"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call, a resource read (`name` is the URI) or a prompt fetch, as parsed from the wire."""

    kind: Kind
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known around a call. `now` is microseconds since the Unix epoch, UTC, read once per call.

    `session_id` is None where the client has no MCP session; `tool_class` is Unclassified when the definition is unknown.
    """

    now: int
    org_id: str = "org"
    server_id: str = "server"
    grant_id: str = "grant"
    grant_label: str = ""
    grant_tags: tuple[str, ...] = ()
    session_id: str | None = None
    tool_class: RiskClass = "Unclassified"
    tool_risk: RiskLevel | None = None


@dataclass(frozen=True, slots=True)
class ApprovalTerms:
    """How a held call is approved: seconds the call is held, seconds an approval stays good, approvals needed."""

    wait: int = 30
    ttl: int = 900
    approvers: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one call.

    `rule` is a JSON Pointer into the document, or `(no policy)`, `(hidden)`, `(default deny)`, `(default allow)`.
    `spends` must all be reserved before an allowed call (or a held one, once approved) is forwarded. `unevaluated` names
    the rules that could not be evaluated and therefore counted against the call.
    """

    effect: Effect
    rule: str
    code: Code | None = None
    message: str = ""
    policy_version: int = 0
    spends: tuple[Spend, ...] = ()
    approval: ApprovalTerms | None = None
    unevaluated: tuple[str, ...] = ()
    retry_after: int | None = None
