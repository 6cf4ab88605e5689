"""Streamable HTTP to an upstream (MCP, transports): each message a POST, answered with JSON or with events."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from toolgate.errors import BadRequest, Unavailable
from toolgate.mcp import messages
from toolgate.mcp.messages import Id, Interim, Reply
from toolgate.mcp.sse import Decoder
from toolgate.proxy.transports.http_client import Answer, HttpClient
from toolgate.proxy.transports.minting import Minted
from toolgate.proxy.transports.port import Link, NoStream, SessionLost, Sink, Target, UpstreamRefused

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
STREAM = {"Accept": "text/event-stream"}
NEVER = frozenset({
    "authorization", "cookie", "host", "content-length", "content-type", "transfer-encoding", "connection", "accept",
    "accept-encoding", "mcp-session-id",
})  # fmt: skip
CLOSE_SECONDS = 2.0
CANCEL_SECONDS = 2.0


class HttpTransport:
    """Opens links over HTTP; connections are pooled per upstream, across links."""

    def __init__(self) -> None:
        self._clients: dict[str, tuple[Target, HttpClient]] = {}

    async def open(self, target: Target) -> Link:
        """A link; nothing is sent yet."""
        known, client = self._clients.get(target.name, (None, None))
        if client is None or known != target:
            client = HttpClient(target)
            self._clients[target.name] = (target, client)
        return HttpLink(target, client)


class HttpLink:
    """One conversation. After `initialize` it carries the session's id and protocol version."""

    def __init__(self, target: Target, client: HttpClient) -> None:
        self._target = target
        self._client = client
        self._minted = Minted()
        self._session: dict[str, str] = {}
        self._lost = False

    @property
    def alive(self) -> bool:
        """False once the session is lost."""
        return not self._lost

    def _headers(self, extra: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
        for name in extra:
            if name.lower() in NEVER or name.lower() in (own.lower() for own in self._target.headers):
                raise Unavailable(f"the header `{name}` is not a client's to set", sent=False)
        return {**base, **self._session, **extra}

    async def request(
        self, method: str, params: Mapping[str, Any] | None, interim: Sink, headers: Mapping[str, str] = {}
    ) -> Reply:
        """POST a request; what comes before the answer goes to `interim`."""
        if self._lost:
            raise SessionLost(f"the session with the server `{self._target.name}` has ended", sent=False)
        request_id, minted = self._minted.begin(params)
        body = messages.request_bytes(request_id, method, minted)
        try:
            async with asyncio.timeout(self._target.timeouts.total):
                answer = await self._client.request("POST", self._headers(headers, JSON), body)
                try:
                    reply = await self._answer(answer, request_id, interim)
                finally:
                    answer.close()
        except TimeoutError:
            raise self._client.failed("took too long", sent=True) from None
        except asyncio.CancelledError:
            await self._cancelled(method, request_id)
            raise
        finally:
            self._minted.end(request_id)
        if method == "initialize":
            self._opened(answer, reply)
        return reply

    async def _answer(self, answer: Answer, request_id: int, interim: Sink) -> Reply:
        if answer.headers.get("content-type", "").lower().startswith("text/event-stream") and answer.status == 200:
            return await self._events(answer, request_id, interim)
        body = await answer.body(self._target.timeouts.idle)
        reply = self._only_reply(body, request_id)
        if reply is not None and (answer.status < 400 or reply.error is not None):
            return reply
        if answer.status == 404 and self._session:
            self._lost = True
            raise SessionLost(f"the server `{self._target.name}` has lost the session", sent=True)
        raise self._refused(answer.status)

    def _only_reply(self, body: bytes, request_id: int) -> Reply | None:
        """The answer in a JSON body. An error without an id is about this request: nothing else was asked."""
        try:
            for message in messages.read_server_all(body):
                if not isinstance(message, Interim) and message[0] == request_id:
                    return message[1]
            return None
        except BadRequest:
            return _anonymous_error(body)

    def _refused(self, status: int) -> UpstreamRefused:
        reason = {401: "did not accept the gateway's credentials", 403: "did not accept the gateway's credentials"}.get(
            status, f"answered with HTTP {status} and no message"
        )
        return UpstreamRefused(f"the server `{self._target.name}` {reason}", status)

    async def _events(self, answer: Answer, request_id: int, interim: Sink) -> Reply:
        decoder = Decoder(self._target.max_answer)
        async for chunk in answer.chunks(self._target.timeouts.idle):
            for event in self._decoded(decoder, chunk):
                for message in self._messages(event):
                    if isinstance(message, Interim):
                        await interim(self._minted.restored(message))
                    elif message[0] == request_id:
                        return message[1]
        raise self._client.failed("ended its answer before it was complete", sent=True)

    def _decoded(self, decoder: Decoder, chunk: bytes) -> list[bytes]:
        try:
            return [event.data for event in decoder.feed(chunk) if event.event == "message" and event.data]
        except BadRequest as error:
            raise self._client.failed(str(error).removeprefix("the server "), sent=True) from None

    def _messages(self, data: bytes) -> list[tuple[Id, Reply] | Interim]:
        try:
            return messages.read_server_all(data)
        except BadRequest:
            raise self._client.failed("sent something that is no JSON-RPC message", sent=True) from None

    def _opened(self, answer: Answer, reply: Reply) -> None:
        """Remember the session of a successful `initialize`."""
        if reply.result is None:
            return
        try:
            version = msgspec.json.decode(reply.result).get("protocolVersion")
        except (msgspec.DecodeError, AttributeError):
            version = None
        session = answer.headers.get("mcp-session-id")
        self._session = {"Mcp-Session-Id": session} if session and session.isascii() and session.isprintable() else {}
        if isinstance(version, str) and version.isascii() and version.isprintable():
            self._session["MCP-Protocol-Version"] = version

    async def _cancelled(self, method: str, request_id: int) -> None:
        """In the session era a lost connection is no cancellation, so say it."""
        if method == "initialize" or not self._session:
            return
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.notify("notifications/cancelled", {"requestId": request_id})
        except (Unavailable, TimeoutError):
            return

    async def notify(self, method: str, params: Mapping[str, Any] | None, headers: Mapping[str, str] = {}) -> None:
        """POST a notification."""
        await self._post(messages.notification_bytes(method, params), headers)

    async def respond(self, request_id: Id, reply: Reply) -> None:
        """POST the answer to a request of the server's."""
        await self._post(messages.reply_bytes(request_id, reply), {})

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> None:
        answer = await self._client.request("POST", self._headers(headers, JSON), body)
        try:
            if answer.status == 404 and self._session:
                self._lost = True
                raise SessionLost(f"the server `{self._target.name}` has lost the session", sent=True)
            if answer.status >= 400:
                raise self._refused(answer.status)
            if not answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
                await answer.body(self._target.timeouts.first_byte)
        finally:
            answer.close()

    async def listen(self, interim: Sink, last_event_id: str | None = None) -> None:
        """GET the stream of what the server says unasked, until the server ends it."""
        extra = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        answer = await self._client.request("GET", self._headers(extra, STREAM))
        try:
            if answer.status == 404 and self._session:
                self._lost = True
                raise SessionLost(f"the server `{self._target.name}` has lost the session", sent=True)
            if answer.status != 200 or not answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
                raise NoStream(f"the server `{self._target.name}` offers no stream")
            decoder = Decoder(self._target.max_answer)
            async for chunk in answer.chunks(self._target.timeouts.idle):
                for data in self._decoded(decoder, chunk):
                    for message in self._messages(data):
                        if isinstance(message, Interim):
                            await interim(self._minted.restored(message))
        finally:
            answer.close()

    async def close(self) -> None:
        """DELETE the session, if there is one, without insisting."""
        if self._lost or "Mcp-Session-Id" not in self._session:
            self._lost = True
            return
        self._lost = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                answer = await self._client.request("DELETE", self._headers({}, {}))
                answer.close()
        except (Unavailable, TimeoutError):
            return


class _Failure(msgspec.Struct):
    jsonrpc: str
    error: msgspec.Raw


def _anonymous_error(body: bytes) -> Reply | None:
    """The error in a JSON-RPC answer whose id is null, as servers send it when they refuse before reading the id."""
    try:
        return Reply(error=msgspec.Raw(bytes(msgspec.json.decode(body, type=_Failure).error)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
