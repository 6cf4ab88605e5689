"""JSON-RPC messages as MCP uses them: the data, strict parsing of a client's, tolerant reading of a server's, encoding.

Client messages are parsed whole by `strictjson` and re-serialised. Server messages keep `result`, `error` and `params` as
the raw JSON they came in (they are the server's own words and nobody decides on them), in an envelope of our own.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

Id: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Request:
    """A request from a client. `params` is the decoded object (empty when absent: see `has_params`)."""

    id: Id
    method: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification from a client."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """A client's answer to a server's request (session era only). Exactly one of `result` and `error` is set."""

    id: Id
    result: Any = None
    error: Any = None


ClientMessage: TypeAlias = Request | Notification | Response


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to a request, or the gateway's own: raw JSON of `result` or of `error`, exactly one set."""

    result: msgspec.Raw | None = None
    error: msgspec.Raw | None = None


@dataclass(frozen=True, slots=True)
class Interim:
    """A server's notification (`id` None) or request (`id` set), with `params` as raw JSON (None when absent)."""

    method: str
    params: msgspec.Raw | None = None
    id: Id | None = None
