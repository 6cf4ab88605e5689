"""stdio to an upstream (MCP, transports): one child process a link, one JSON-RPC message a line, many requests at once."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.errors import BadRequest, Unavailable
from toolgate.mcp import messages
from toolgate.mcp.messages import Id, Interim, Reply
from toolgate.proxy.transports.child import Child
from toolgate.proxy.transports.minting import Minted
from toolgate.proxy.transports.port import Link, SessionLost, Sink, Target

MOST_KEPT = 100
NOBODY = messages.error_reply(-32601, "nobody is there to answer this")


class StdioTransport:
    """Starts a child process for every link."""

    async def open(self, target: Target) -> Link:
        """A link to a fresh child. Raises Unavailable (nothing sent) when it cannot be started."""
        return StdioLink(target, await Child.start(target))


@dataclass(slots=True, eq=False)
class _Pending:
    """A request under way."""

    answer: asyncio.Future[Reply]
    interim: Sink


class StdioLink:
    """One conversation with one child."""

    def __init__(self, target: Target, child: Child) -> None:
        self._target = target
        self._child = child
        self._minted = Minted()
        self._pending: dict[int, _Pending] = {}
        self._listener: Sink | None = None
        self._kept: deque[Interim] = deque(maxlen=MOST_KEPT)
        self._ended = asyncio.Event()
        self._closing = False
        self._reader = asyncio.get_running_loop().create_task(self._read())

    @property
    def alive(self) -> bool:
        """False once the child is gone."""
        return not self._ended.is_set() and not self._closing

    async def request(
        self, method: str, params: Mapping[str, Any] | None, interim: Sink, headers: Mapping[str, str] = {}
    ) -> Reply:
        """Send a request and wait for its answer."""
        request_id, minted = self._minted.begin(params)
        pending = _Pending(asyncio.get_running_loop().create_future(), interim)
        self._pending[request_id] = pending
        try:
            self._write(messages.request_bytes(request_id, method, minted))
            await self._child.drain()
            async with asyncio.timeout(self._target.timeouts.total):
                reply = await pending.answer
        except TimeoutError:
            self._cancel(method, request_id)
            raise Unavailable(f"the server `{self._target.name}` took too long", sent=True) from None
        except asyncio.CancelledError:
            self._cancel(method, request_id)
            raise
        finally:
            del self._pending[request_id]
            self._minted.end(request_id)
        return reply

    def _write(self, line: bytes) -> None:
        if not self.alive:
            raise SessionLost(self._child.epitaph(), sent=False)
        self._child.write(line)

    def _cancel(self, method: str, request_id: int) -> None:
        if method != "initialize" and self.alive and self._child.running:
            self._child.write(messages.notification_bytes("notifications/cancelled", {"requestId": request_id}))

    async def notify(self, method: str, params: Mapping[str, Any] | None, headers: Mapping[str, str] = {}) -> None:
        """Send a notification."""
        self._write(messages.notification_bytes(method, params))
        await self._child.drain()

    async def respond(self, request_id: Id, reply: Reply) -> None:
        """Send the answer to a request of the server's."""
        self._write(messages.reply_bytes(request_id, reply))
        await self._child.drain()

    async def listen(self, interim: Sink, last_event_id: str | None = None) -> None:
        """Deliver what belongs to no request until the child ends; a later listener takes over."""
        self._listener = interim
        try:
            while self._kept:
                await interim(self._kept.popleft())
            await self._ended.wait()
        finally:
            if self._listener is interim:
                self._listener = None

    async def _read(self) -> None:
        """Everything the child says, until it ends; then whoever still waits learns of it."""
        reason = ""
        try:
            while (line := await self._child.line()) is not None:
                await self._take(line)
        except Unavailable as error:
            reason = str(error)
        finally:
            self._ended.set()
            await self._child.last_words()
            self._fail(Unavailable(reason or self._child.epitaph(), sent=True))
            if not self._closing:
                await self._child.end()
            await self._child.discard()

    def _fail(self, error: Unavailable) -> None:
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)

    async def _take(self, line: bytes) -> None:
        try:
            read = messages.read_server_all(line)
        except BadRequest:
            return  # servers print banners; what is no message is nobody's
        for message in read:
            if isinstance(message, Interim):
                await self._route(message)
            else:
                self._answered(*message)

    def _answered(self, request_id: Id, reply: Reply) -> None:
        """An answer with an id that nobody waits for is dropped."""
        pending = self._pending.get(request_id) if isinstance(request_id, int) else None
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(reply)

    async def _route(self, message: Interim) -> None:
        about = self._minted.request_of(message)
        if about is not None and about in self._pending:
            await self._pending[about].interim(self._minted.restored(message))
        elif self._listener is not None:
            await self._listener(message)
        elif self._pending:
            await next(reversed(self._pending.values())).interim(message)
        elif message.id is None:
            self._kept.append(message)
        elif message.method == "ping":
            await self.respond(message.id, messages.result_reply({}))
        else:
            await self.respond(message.id, NOBODY)

    async def close(self) -> None:
        """End the child and everything it started."""
        self._closing = True
        await self._child.end()
        await asyncio.wait({self._reader})
