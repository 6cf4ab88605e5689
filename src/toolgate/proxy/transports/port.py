"""What a transport to an upstream must do. Every transport runs `tests/proxy/transports/transport_contract.py`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from toolgate.errors import NotFound, Unavailable
from toolgate.mcp.messages import Id, Interim, Reply

Sink: TypeAlias = Callable[[Interim], Awaitable[None]]
"""Takes a server's notification or request, in order. Awaiting it is the back-pressure."""


class SessionLost(Unavailable):
    """The upstream no longer knows this conversation, and did not act on the request: open another and ask again."""


class NoStream(NotFound):
    """The upstream offers no stream of unsolicited messages."""


class UpstreamRefused(Unavailable):
    """An HTTP status that carries no JSON-RPC answer."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text, sent=True)
        self.status = status


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `first_byte` is to the first byte of an answer, `idle` between bytes of a stream, `total` for a call."""

    connect: float = 5.0
    first_byte: float = 300.0
    idle: float = 300.0
    total: float = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream as configured, with every `${ENV}` resolved. Exactly one of `url` and `command` is set.

    `headers`, `environment` and the words of `command` hold secrets: they are never logged, stored or put into an error.
    """

    name: str
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: str | None = None
    timeouts: Timeouts = Timeouts()
    allow_private: bool = True
    max_answer: int = 64 * 1024 * 1024


class Link(Protocol):
    """One conversation with an upstream, on behalf of one client session (or one grant, for clients without sessions).

    - `request` MUST mint its own JSON-RPC id, and its own progress token where `params._meta.progressToken` is present
      (interim progress notifications carry the caller's token again). It MUST hand every message that belongs to this
      request to `interim`, in order, and return the upstream's answer. An answer with an unknown id MUST be dropped.
      `headers` are extra HTTP headers (mirrors, protocol version), ignored where the transport has none.
    - It MUST raise `Unavailable` with `sent=False` only when no byte of the request left the process, and with one
      sentence for whoever called: upstream name, what happened, nothing secret.
    - When the task that awaits `request` is cancelled it MUST tell the upstream (session era: notifications/cancelled
      with the id it minted; stateless over HTTP: by hanging up), except for `initialize`.
    - `listen` MUST deliver messages that belong to no request until the upstream ends it; it raises `NoStream` where the
      upstream offers none. Messages that nobody listens for MAY be kept, to a bound, or dropped, except that a
      server's request goes to the newest request in flight when nobody listens.
    - `alive` MUST turn False once the link can serve no further request (child exited, session lost).
    """

    @property
    def alive(self) -> bool:
        """False once a new link must be opened."""

    async def request(
        self, method: str, params: Mapping[str, Any] | None, interim: Sink, headers: Mapping[str, str] = {}
    ) -> Reply:
        """Send a request and return its answer."""

    async def notify(self, method: str, params: Mapping[str, Any] | None, headers: Mapping[str, str] = {}) -> None:
        """Send a notification."""

    async def respond(self, request_id: Id, reply: Reply) -> None:
        """Send a client's answer to a request that the upstream made."""

    async def listen(self, interim: Sink, last_event_id: str | None = None) -> None:
        """Deliver unsolicited messages until the upstream ends the stream."""

    async def close(self) -> None:
        """End the conversation: DELETE the session, or end the child and everything it started. Never raises."""


class Transport(Protocol):
    """Opens links to one kind of upstream."""

    async def open(self, target: Target) -> Link:
        """Open a link without any handshake. Raises `Unavailable` with `sent=False`."""
