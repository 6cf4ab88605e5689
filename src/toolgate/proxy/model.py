"""What travels through the pipeline: an exchange in, an answer out, and who is asking."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from toolgate.mcp.messages import Interim
from toolgate.policy.compile import Compiled

Headers: TypeAlias = list[tuple[bytes, bytes]]
"""Names in lower case, in the order received (as ASGI gives them)."""

ToClient: TypeAlias = Callable[[Interim], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Principal:
    """A grant as it stands now: who asks, on which server, under which policy (None: everything is denied)."""

    org_id: str
    grant_id: str
    label: str
    tags: tuple[str, ...]
    server_id: str
    server: str
    policy_id: str | None
    policy: Compiled | None


@dataclass(slots=True)
class Exchange:
    """One client message and the way back.

    `interim` delivers what the server says before its answer. `local` is set by an edge that has no tokens to check
    (`toolgate wrap`: whoever started the process is the grant), and which therefore carries no HTTP mirrors either.
    """

    server: str
    body: bytes
    interim: ToClient
    headers: Headers = field(default_factory=list)
    local: str | None = None

    def header(self, name: bytes) -> str | None:
        """The first header called `name` (lower case), or None. The edge has refused duplicates that matter."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the edge sends last: an HTTP status, a JSON-RPC message or nothing, and the session it opened."""

    status: int
    body: bytes | None = None
    session_id: str | None = None
