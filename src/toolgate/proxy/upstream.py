"""An upstream as the pipeline sees it: a link that has been introduced, kept alive, and spoken to in its own era.

Owns the handshake with the server (`initialize` or `server/discover`), the re-introduction after a server lost its
session or a child process died, and the translation between the client's era and the server's (`mcp.eras` says how).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from toolgate import __version__
from toolgate.errors import BadRequest, Unavailable
from toolgate.mcp import eras, headers, messages
from toolgate.mcp.eras import Era
from toolgate.mcp.messages import Id, Interim, Reply, Request
from toolgate.proxy.model import Headers
from toolgate.proxy.transports.port import Link, SessionLost, Sink, Target, Transport, UpstreamRefused

CLIENT_INFO = {"name": "toolgate", "version": __version__}
DISCOVER_SECONDS = 10.0
NO_BACK_CHANNEL = messages.error_reply(-32601, "this client cannot be asked anything")


class Upstream:
    """One conversation with a server, for one client session or for all stateless clients of one grant.

    `introduction` is what the client said in `initialize`, or None when the gateway introduces itself. Whoever opens an
    upstream must call `open` before anything else; every method raises `Unavailable` when the server cannot be reached.
    """

    def __init__(self, target: Target, transport: Transport, introduction: dict[str, Any] | None = None) -> None:
        self._target = target
        self._transport = transport
        self._introduction = introduction
        self._link: Link | None = None
        self._reopening = asyncio.Lock()
        self.era = Era.SESSION
        self.hello = Reply()
        self.listeners = 0

    @property
    def client_era(self) -> Era:
        """The era of the clients this conversation serves."""
        return Era.STATELESS if self._introduction is None else Era.SESSION

    async def open(self) -> Reply:
        """Open the link and introduce the client. Returns the server's answer, in the client's era's shape."""
        link = await self._transport.open(self._target)
        try:
            hello = await self._discover(link) if self._introduction is None else None
            if not link.alive:
                # some servers end at a first message that they do not know
                await link.close()
                link = await self._transport.open(self._target)
            self.hello = hello or await self._introduce(link)
        except BaseException:
            await link.close()
            raise
        self._link = link
        return self.hello

    async def _introduce(self, link: Link) -> Reply:
        if self._introduction is None:
            return await self._initialize(link, _own_introduction())
        reply = await self._initialize(link, self._introduction)
        if reply.error is None:
            return reply
        discovered = await self._discover(link)
        if discovered is None or discovered.result is None:
            return reply
        version = str(self._introduction.get("protocolVersion", ""))
        result = eras.initialize_from_discover(self._object(discovered.result), version)
        return messages.result_reply(result)

    async def _discover(self, link: Link) -> Reply | None:
        """The server's `server/discover` answer, or None when it does not speak the stateless era."""
        params = eras.to_stateless_params({}, eras.STATELESS_VERSION, CLIENT_INFO, {})
        request = Request(0, "server/discover", params)
        mirrors = headers.upstream_headers(request, Era.STATELESS, eras.STATELESS_VERSION)
        try:
            async with asyncio.timeout(DISCOVER_SECONDS):
                reply = await link.request(request.method, request.params, _nobody, mirrors)
        except (UpstreamRefused, TimeoutError):
            return None
        except Unavailable:
            if link.alive:
                raise
            return None
        if reply.result is None or not eras.speaks_stateless(reply.result):
            return None
        self.era = Era.STATELESS
        return reply

    async def _initialize(self, link: Link, introduction: Mapping[str, Any]) -> Reply:
        """Initialize the server's session. For a stateless client the answer is turned into a discovery."""
        try:
            reply = await link.request("initialize", introduction, _nobody)
        except UpstreamRefused as refusal:
            return messages.error_reply(-32603, str(refusal))
        if reply.result is None:
            return reply
        self.era = Era.SESSION
        if self._introduction is not None:
            return reply
        await link.notify("notifications/initialized", None)
        return messages.result_reply(eras.discover_from_initialize(self._object(reply.result)))

    def _object(self, result: msgspec.Raw) -> dict[str, Any]:
        """The server's answer to a handshake. Raises Unavailable when it is no object."""
        try:
            return msgspec.json.decode(result, type=dict[str, Any])
        except msgspec.DecodeError:
            raise Unavailable(f"the server `{self._target.name}` answered the handshake with something else") from None

    async def _connected(self) -> Link:
        link = self._link
        if link is not None and link.alive:
            return link
        async with self._reopening:
            link = self._link
            if link is not None and link.alive:
                return link
            if link is not None:
                await link.close()
            return await self._reopen()

    async def _reopen(self) -> Link:
        """Introduce the client again, as it did at first, to a server that forgot it."""
        reply = await self.open()
        link = self._link
        if link is None or reply.error is not None:
            raise Unavailable(f"the server `{self._target.name}` refused to open its session again; initialize anew")
        if self._introduction is not None and self.era is Era.SESSION:
            await link.notify("notifications/initialized", None)
        return link

    async def request(self, request: Request, client_headers: Headers, interim: Sink) -> Reply:
        """Send a client's request, translated if need be, and return the answer in the client's era's shape."""
        try:
            return await self._request(await self._connected(), request, client_headers, interim)
        except SessionLost:
            # the server answered that it does not know the session, so it did not act on the request
            return await self._request(await self._connected(), request, client_headers, interim)

    async def ask(self, request: Request) -> Reply:
        """Ask something for the gateway itself, in whatever era the server speaks."""
        link = await self._connected()
        if self.era is Era.SESSION:
            return await link.request(request.method, request.params or None, _nobody)
        params = eras.to_stateless_params(request.params, eras.STATELESS_VERSION, CLIENT_INFO, {})
        mirrors = headers.upstream_headers(request, Era.STATELESS, eras.STATELESS_VERSION)
        return await link.request(request.method, params, _nobody, mirrors)

    async def _request(self, link: Link, request: Request, client_headers: Headers, interim: Sink) -> Reply:
        if self.client_era is self.era:
            extra = headers.upstream_headers(request, self.era, client_headers=client_headers)
            return await link.request(request.method, request.params or None, interim, extra)
        if self.era is Era.SESSION:
            params = eras.to_session_params(request.params)
            reply = await link.request(request.method, params or None, self._without_requests(link, interim))
            return eras.lift_reply(request.method, reply)
        params = eras.to_stateless_params(request.params, eras.STATELESS_VERSION, CLIENT_INFO, {})
        bridged = Request(request.id, request.method, params)
        extra = headers.upstream_headers(bridged, Era.STATELESS, eras.STATELESS_VERSION)
        return eras.lower_reply(request.method, await link.request(bridged.method, params, interim, extra))

    def _without_requests(self, link: Link, interim: Sink) -> Sink:
        """Answer the server's requests on behalf of a client that cannot be asked; pass everything else."""

        async def pass_on(message: Interim) -> None:
            if message.id is None:
                await interim(message)
            elif message.method == "ping":
                await link.respond(message.id, messages.result_reply({}))
            else:
                await link.respond(message.id, NO_BACK_CHANNEL)

        return pass_on

    async def notify(self, method: str, params: Mapping[str, Any] | None) -> None:
        """Pass a client's notification on, where the server's era knows any."""
        if self.era is Era.SESSION:
            await (await self._connected()).notify(method, params)

    async def respond(self, answer_to: Id, reply: Reply) -> None:
        """Pass on a client's answer to a request the server made. Without a live link nobody waits for it."""
        if self.era is not Era.SESSION or self._link is None or not self._link.alive:
            raise BadRequest("no request of this server is waiting for an answer")
        await self._link.respond(answer_to, reply)

    async def listen(self, interim: Sink, last_event_id: str | None = None) -> None:
        """Deliver what belongs to no request, until the server ends the stream. Raises NotFound without one."""
        link = await self._connected()
        self.listeners += 1
        try:
            await link.listen(interim, last_event_id)
        finally:
            self.listeners -= 1

    async def close(self) -> None:
        """End the conversation."""
        if self._link is not None:
            await self._link.close()


def _own_introduction() -> dict[str, Any]:
    return {"protocolVersion": eras.SESSION_VERSION, "capabilities": {}, "clientInfo": CLIENT_INFO}


async def _nobody(_message: Interim) -> None:
    """Takes what a server says during a handshake: nobody can be told yet."""
