"""Client sessions: ids bound to their grant by a MAC, a cap, an idle expiry, and the upstream each one talks to.

Clients of the stateless era have no session of their own; they share one per grant, which is found by the grant's id.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from toolgate.errors import NotFound, Unavailable
from toolgate.mcp.messages import Id
from toolgate.proxy.upstream import Upstream

MICROSECONDS = 1_000_000


@dataclass(slots=True, eq=False)
class Session:
    """One client conversation. `id` is None for the one that a grant's stateless clients share."""

    id: str | None
    grant_id: str
    server: str
    upstream: Upstream
    used: int
    running: dict[Id, list[asyncio.Task[object]]] = field(default_factory=dict)
    cancelled: set[asyncio.Task[object]] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, request_id: Id, task: asyncio.Task[object]) -> None:
        """Remember that `task` answers the client's `request_id`; several may, since some clients reuse ids."""
        self.running.setdefault(request_id, []).append(task)

    def end(self, request_id: Id, task: asyncio.Task[object]) -> None:
        """Forget it again."""
        tasks = self.running.get(request_id, [])
        if task in tasks:
            tasks.remove(task)
        if not tasks:
            self.running.pop(request_id, None)
        self.cancelled.discard(task)

    def cancel(self, request_id: Id) -> None:
        """The client no longer wants `request_id`: its oldest request under that id is cancelled."""
        for task in self.running.get(request_id, [])[:1]:
            self.cancelled.add(task)
            task.cancel()


class Sessions:
    """Every live session of this process."""

    def __init__(self, key: bytes, *, cap: int = 10_000, cap_per_grant: int = 1_000, idle: float = 3600.0) -> None:
        self._key = key
        self._cap = cap
        self._cap_per_grant = cap_per_grant
        self._idle = int(idle * MICROSECONDS)
        self._by_id: dict[str, Session] = {}
        self._shared: dict[str, Session] = {}
        self._opening: dict[str, asyncio.Lock] = {}

    def __len__(self) -> int:
        return len(self._by_id) + len(self._shared)

    def __iter__(self) -> Iterator[Session]:
        return iter([*self._by_id.values(), *self._shared.values()])

    def room(self, grant_id: str) -> None:
        """Raise Unavailable when one more session would pass a cap."""
        mine = sum(1 for session in self._by_id.values() if session.grant_id == grant_id)
        if len(self._by_id) >= self._cap or mine >= self._cap_per_grant:
            raise Unavailable("too many open sessions; close one (DELETE) or wait for idle ones to expire")

    def add(self, grant_id: str, server: str, upstream: Upstream, now: int) -> Session:
        """Register a session under a fresh id that only this grant can use."""
        nonce = secrets.token_bytes(16)
        session_id = _text(nonce) + "." + _text(self._mac(nonce, grant_id))
        session = Session(session_id, grant_id, server, upstream, now)
        self._by_id[session_id] = session
        return session

    def get(self, session_id: str, grant_id: str, server: str, now: int) -> Session:
        """The session, if it is alive and this grant's. Raises NotFound (404: the client must initialize again)."""
        session = self._by_id.get(session_id)
        if session is None or session.server != server or not self._owned(session_id, grant_id):
            raise NotFound("no such session; send `initialize` to open one")
        session.used = now
        return session

    def shared(self, grant_id: str) -> Session | None:
        """The session that the stateless clients of a grant share, if it is open."""
        return self._shared.get(grant_id)

    def share(self, grant_id: str, server: str, upstream: Upstream, now: int) -> Session:
        """Register the session that the stateless clients of a grant share."""
        session = self._shared[grant_id] = Session(None, grant_id, server, upstream, now)
        return session

    def opening(self, grant_id: str) -> asyncio.Lock:
        """Held while a grant's shared session is opened, so that a burst of first requests opens one."""
        return self._opening.setdefault(grant_id, asyncio.Lock())

    async def remove(self, session: Session) -> None:
        """End a session and its upstream conversation."""
        if session.id is None:
            if self._shared.get(session.grant_id) is session:
                del self._shared[session.grant_id]
                self._opening.pop(session.grant_id, None)
        else:
            self._by_id.pop(session.id, None)
        session.closed.set()
        await session.upstream.close()

    async def remove_where(self, gone: Callable[[Session], bool]) -> None:
        """End the sessions that `gone` says so of."""
        for session in [session for session in self if gone(session)]:
            await self.remove(session)

    async def expire(self, now: int) -> int:
        """End the sessions that nobody used for the idle time. Returns how many."""
        idle = [s for s in self if not s.running and not s.upstream.listeners and now - s.used > self._idle]
        for session in idle:
            await self.remove(session)
        return len(idle)

    async def close(self) -> None:
        """End every session."""
        await asyncio.gather(*(self.remove(session) for session in self))

    def _mac(self, nonce: bytes, grant_id: str) -> bytes:
        return hmac.digest(self._key, nonce + grant_id.encode(), hashlib.sha256)[:16]

    def _owned(self, session_id: str, grant_id: str) -> bool:
        nonce, _, mac = session_id.partition(".")
        return hmac.compare_digest(_text(self._mac(_bytes(nonce), grant_id)), mac)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
