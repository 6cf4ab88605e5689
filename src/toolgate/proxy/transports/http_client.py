"""An HTTP/1.1 client for the call path: pooled connections, streamed bodies, precise about what was sent.

No redirects, no proxies from the environment, no compression, one address check at connect (`address`).
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolgate.errors import Unavailable
from toolgate.proxy.transports import address
from toolgate.proxy.transports.connection import Connection, Response
from toolgate.proxy.transports.port import Target

MOST_IDLE = 64
IDLE_SECONDS = 4.0
"""Below the shortest keep-alive in wide use (5 s), so that a connection is not written to as the server closes it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a URL leads."""

    host: str
    port: int
    tls: bool
    authority: str
    path: str


def origin_of(url: str) -> Origin:
    """The parts of an http(s) URL."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls, parts.netloc, target)


class Answer:
    """A response being read. Always `close` it: an unread rest ends the connection."""

    def __init__(self, client: "HttpClient", connection: Connection, response: Response) -> None:
        self._client = client
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = response.headers

    async def chunks(self, idle: float) -> AsyncIterator[bytes]:
        """The body, as it comes. Raises Unavailable when it breaks off or pauses longer than `idle` seconds."""
        response = self._response
        while True:
            while response.chunks:
                yield self._connection.take(response)
            if response.error is not None:
                raise self._client.failed(response.error, sent=True)
            if response.complete:
                return
            await self._client.wait(response, idle, "stopped sending in the middle of its answer")

    async def body(self, idle: float) -> bytes:
        """The whole body."""
        parts = [chunk async for chunk in self.chunks(idle)]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give the connection back, or end it."""
        self._client.release(self._connection, self._response)


class HttpClient:
    """Connections to one upstream."""

    def __init__(self, target: Target, resolver: address.Resolver = address.resolve) -> None:
        self._target = target
        self._resolver = resolver
        self._origin = origin_of(target.url or "")
        self._idle: deque[Connection] = deque()
        self._tls = ssl.create_default_context() if self._origin.tls else None
        self._fixed = self._lines({**target.headers, "Host": self._origin.authority, "Accept-Encoding": "identity"})

    @staticmethod
    def _lines(headers: Mapping[str, str]) -> bytes:
        lines = []
        for name, value in headers.items():
            line = f"{name}: {value}"
            if not line.isprintable() and any(c in line for c in "\r\n\0"):
                raise Unavailable("a header holds a line break", sent=False)
            lines.append(line.encode("utf-8") + b"\r\n")
        return b"".join(lines)

    def failed(self, reason: str, *, sent: bool) -> Unavailable:
        """One sentence about the upstream."""
        return Unavailable(f"the server `{self._target.name}` {reason}", sent=sent)

    async def request(
        self, method: str, headers: Mapping[str, str], body: bytes = b"", first_byte: float | None = None
    ) -> Answer:
        """Send a request and wait for the head of the answer. Raises Unavailable, precise about `sent`."""
        head = f"{method} {self._origin.path} HTTP/1.1\r\n".encode() + self._fixed + self._lines(headers)
        if body or method == "POST":
            head += b"Content-Length: %d\r\n" % len(body)
        connection = await self._connection()
        response = connection.send(head + b"\r\n" + body)
        try:
            while not response.status and response.error is None:
                await self.wait(response, first_byte or self._target.timeouts.first_byte, "did not answer in time")
        except BaseException:
            connection.abort()
            raise
        if response.error is not None:
            connection.abort()
            raise self.failed(response.error, sent=True)
        if 300 <= response.status < 400:
            connection.abort()
            raise self.failed("answered with a redirect, which is not followed; configure the final address", sent=True)
        return Answer(self, connection, response)

    async def wait(self, response: Response, seconds: float, reason: str) -> None:
        """Wait until something of the answer comes in."""
        response.waiter = waiter = asyncio.get_running_loop().create_future()
        handle = asyncio.get_running_loop().call_later(seconds, _time_out, waiter)
        try:
            await waiter
        except TimeoutError:
            raise self.failed(reason, sent=True) from None
        finally:
            handle.cancel()
            response.waiter = None

    async def _connection(self) -> Connection:
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.abort()
        return await self._connect()

    async def _connect(self) -> Connection:
        name, origin = self._target.name, self._origin
        try:
            async with asyncio.timeout(self._target.timeouts.connect):
                chosen = await address.choose(
                    origin.host, origin.port, allow_private=self._target.allow_private, name=name, resolver=self._resolver
                )
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(name, self._target.max_answer), chosen, origin.port,
                    ssl=self._tls, server_hostname=origin.host if self._tls else None,
                )  # fmt: skip
        except TimeoutError:
            raise self.failed("could not be connected to in time", sent=False) from None
        except ssl.SSLError as error:
            raise self.failed(f"has no acceptable certificate ({error.reason})", sent=False) from None
        except OSError as error:
            raise self.failed(f"cannot be connected to: {(error.strerror or str(error)).lower()}", sent=False) from None
        return connection

    def release(self, connection: Connection, response: Response) -> None:
        """Keep a connection whose answer was read whole; end any other."""
        if response.complete and not response.chunks and connection.usable and len(self._idle) < MOST_IDLE:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.abort()

    def close(self) -> None:
        """End every idle connection."""
        while self._idle:
            self._idle.pop().abort()


def _time_out(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
