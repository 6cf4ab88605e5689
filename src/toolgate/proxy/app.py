"""The HTTP edge, as a bare ASGI application: routes, framing checks, JSON or server-sent events as the answer needs.

There is one default-deny entry: a path that is not in the table is 404, a method that a path does not have is 405, a
Host or Origin that is not allowed is refused before anything is read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog

from toolgate.errors import BadRequest, ToolgateError, Unavailable
from toolgate.mcp import headers as http_headers
from toolgate.mcp import messages, sse, strictjson
from toolgate.mcp.messages import Interim
from toolgate.proxy import reply
from toolgate.proxy.model import Answer, Exchange, Headers
from toolgate.proxy.pipeline import Pipeline

log = structlog.get_logger(__name__)

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

ONCE = frozenset(
    {
        b"authorization", b"content-length", b"content-type", b"host", b"last-event-id", b"mcp-method", b"mcp-name",
        b"mcp-protocol-version", b"mcp-session-id", b"origin", b"transfer-encoding",
    }
)  # fmt: skip
"""Headers that must not be repeated: two readers of the request could each believe another one."""

JSON = (b"content-type", b"application/json")
STREAM = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PING_SECONDS = 15.0
LISTEN_SECONDS = 0.5
"""How long an upstream may take to refuse a stream before the client is told that it has one."""


@dataclass(slots=True)
class Edge:
    """What the HTTP edge needs: the pipeline, who may address it, and how to say that it is well.

    `hosts` are the `Host` values served (with port); `origins` the browser origins allowed. An empty set allows none:
    requests without an `Origin` are not from a browser and pass.
    """

    pipeline: Pipeline
    hosts: set[str]
    origins: frozenset[str]
    ready: Callable[[], Awaitable[str | None]]
    max_body: int = 4 * 1024 * 1024
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def serve_port(self, port: int) -> None:
        """Take over the port that the system chose, for the loopback names served."""
        self.hosts |= {f"{name}:{port}" for name in LOOPBACK if any(host.startswith(f"{name}:") for host in self.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] != "http":
            return
        try:
            check_request(scope, self.hosts, self.origins)
        except BadRequest as error:
            await respond(send, await self.pipeline.refuse("", error))
            return
        await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        probe = PROBES.get(path)
        if probe is not None:
            await probe(self, scope, send)
            return
        prefix, _, server = path.rstrip("/").rpartition("/")
        if prefix != "/mcp":
            await respond(send, _plain(404, "no such page; servers are at /mcp/<server>/"))
            return
        handler = METHODS.get(scope["method"])
        if handler is None:
            await respond(send, _plain(405, "use POST, GET or DELETE"), [(b"allow", b"POST, GET, DELETE")])
            return
        await handler(self, server, scope, receive, send)

    async def post(self, server: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A client's message: answered with JSON, or with a stream once the server has something to say before."""
        try:
            http_headers.check_post_headers(scope["headers"])
            body = await read_body(receive, self.max_body)
        except BadRequest as error:
            await respond(send, await self.pipeline.refuse(server, error))
            return
        stream = Stream(send)
        exchange = Exchange(server, body, stream.interim, scope["headers"])
        try:
            answer = await self._while_connected(exchange, receive)
        except asyncio.CancelledError:
            if not self.closing.is_set():
                raise
            answer = reply.failure(Unavailable("the gateway is shutting down", sent=True), None)
        except Exception:
            # the outermost edge: a fault of ours is an answer like any other, and told in the log
            log.exception("internal_error")
            answer = reply.failure(ToolgateError("internal error; the gateway's log has more"), None)
        if answer is None:
            return
        if stream.started:
            await stream.finish(answer.body)
        else:
            await respond(send, answer)

    async def _while_connected(self, exchange: Exchange, receive: Receive) -> Answer | None:
        """The answer, or None when a client of the stateless era hung up, which cancels its request."""
        if exchange.header(b"mcp-session-id") is not None:
            # session era: a lost connection is not a cancellation
            return await self.pipeline.post(exchange)
        work = asyncio.ensure_future(self.pipeline.post(exchange))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
        await asyncio.wait({work})
        return None if work.cancelled() else work.result()

    async def get(self, server: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The stream of what the server says unasked. Ends when the client hangs up or the gateway shuts down."""
        stream = Stream(send)
        exchange = Exchange(server, b"", stream.interim, scope["headers"])
        work = asyncio.ensure_future(self.pipeline.listen(exchange, stream.interim))
        ends = [asyncio.ensure_future(_disconnected(receive)), asyncio.ensure_future(self.closing.wait())]
        await asyncio.wait({work, *ends}, timeout=LISTEN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        while not work.done() and not any(end.done() for end in ends):
            await stream.ping()
            await asyncio.wait({work, *ends}, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, *ends):
            task.cancel()
        await asyncio.wait({work})
        answer = Answer(200) if work.cancelled() else work.result()
        if stream.started or answer.status == 200:
            await stream.finish(None)
        else:
            await respond(send, answer)

    async def delete(self, server: str, scope: Scope, _receive: Receive, send: Send) -> None:
        """End of a session."""
        exchange = Exchange(server, b"", Stream(send).interim, scope["headers"])
        await respond(send, await self.pipeline.delete(exchange))

    async def healthz(self, _scope: Scope, send: Send) -> None:
        """Alive: the process answers."""
        await respond(send, _plain(200, "ok"))

    async def readyz(self, _scope: Scope, send: Send) -> None:
        """Ready: calls can be counted and recorded."""
        trouble = "shutting down" if self.closing.is_set() else await self.ready()
        await respond(send, _plain(200, "ready") if trouble is None else _plain(503, trouble))

    async def metrics(self, _scope: Scope, send: Send) -> None:
        """Prometheus exposition."""
        await respond(send, Answer(200, self.pipeline.calls.metrics.text()), [(b"content-type", b"text/plain; version=0.0.4")])


METHODS = {"POST": Edge.post, "GET": Edge.get, "DELETE": Edge.delete}
PROBES = {"/healthz": Edge.healthz, "/readyz": Edge.readyz, "/metrics": Edge.metrics}


class Stream:
    """Server-sent events to one client; nothing is sent until there is something to say."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def interim(self, message: Interim) -> None:
        """One message, at once."""
        await self._write(sse.encode_event(messages.interim_bytes(message)))

    async def ping(self) -> None:
        """A comment, which keeps idle connections open on the way."""
        await self._write(b": \n\n")

    async def finish(self, body: bytes | None) -> None:
        """The answer, if any, and the end."""
        await self._write(sse.encode_event(body) if body is not None else b"", more=False)

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        if not self.started:
            self.started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": STREAM})
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


def check_request(scope: Scope, hosts: set[str], origins: frozenset[str]) -> None:
    """Refuse what two readers could read differently, and hosts and origins that are not ours (DNS rebinding)."""
    headers: Headers = scope["headers"]
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in ONCE and name in seen:
            raise BadRequest(f"the header `{name.decode('latin-1')}` is given twice")
        if b"_" in name:
            raise BadRequest("header names with an underscore are not accepted")
        seen.add(name)
    if b"transfer-encoding" in seen and b"content-length" in seen:
        raise BadRequest("both `Content-Length` and `Transfer-Encoding` are given")
    values = dict(headers)
    host = values.get(b"host", b"").decode("latin-1").lower()
    if host not in hosts:
        raise BadRequest("this host name is not served here; add it to `allowed_hosts`", http_status=421)
    origin = values.get(b"origin")
    if origin is not None and origin.decode("latin-1").lower() not in origins:
        raise BadRequest("this origin is not allowed; add it to `allowed_origins`", http_status=403)


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises BadRequest (413) past it."""
    parts: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BadRequest("the client hung up")
        part = event.get("body", b"")
        size += len(part)
        if size > limit:
            raise BadRequest(f"the body is larger than {limit} bytes", http_status=413)
        parts.append(part)
        if not event.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def respond(send: Send, answer: Answer, extra: Headers | None = None) -> None:
    """A whole response: JSON when there is a body, nothing else."""
    body = answer.body or b""
    headers = [(b"content-length", str(len(body)).encode()), *(extra or ([JSON] if body else []))]
    if answer.status == 401:
        # a bare challenge (RFC 9110 section 15.5.2): a grant's URL advertises no OAuth, which clients would prefer to a token
        headers.append((b"www-authenticate", b'Bearer realm="toolgate"'))
    if answer.session_id is not None:
        headers.append((b"mcp-session-id", answer.session_id.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _plain(status: int, text: str) -> Answer:
    return Answer(status, strictjson.dumps({"message": text}))
