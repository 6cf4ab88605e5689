"""One HTTP/1.1 connection to an upstream: an asyncio protocol over httptools, one exchange at a time.

Bodies come out as chunks through a small queue with back-pressure; whatever is malformed, too large or redirected ends the
connection.
"""

import asyncio
from collections import deque
from typing import Any, cast

import httptools

from toolgate.errors import Unavailable

LARGEST_HEAD = 64 * 1024
PAUSE_BYTES = 1024 * 1024


class Response:
    """What is known of an answer so far. `chunks` holds what nobody has read yet."""

    __slots__ = ("chunks", "complete", "error", "headers", "held", "keep_alive", "size", "status", "waiter")

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: deque[bytes] = deque()
        self.held = 0
        self.size = 0
        self.complete = False
        self.keep_alive = False
        self.error: str | None = None
        self.waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Something changed."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class Connection(asyncio.Protocol):
    """A connection. `busy` while an exchange is under way; `usable` while another may begin."""

    def __init__(self, name: str, largest: int) -> None:
        self._name = name
        self._largest = largest
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._response: Response | None = None
        self._head = 0
        self._paused = False
        self.usable = True
        self.written = False
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        # what asyncio promises for streams, though uvloop's class does not derive from it
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Gone. A body that ends with the connection ends here."""
        self.usable = False
        response = self._response
        if response is None or response.complete or response.error is not None:
            return
        if response.status and self._until_close(response):
            response.complete = True
        else:
            response.error = "closed the connection before its answer was complete"
        response.wake()

    @staticmethod
    def _until_close(response: Response) -> bool:
        return "content-length" not in response.headers and "transfer-encoding" not in response.headers

    def send(self, data: bytes) -> Response:
        """Begin an exchange: the request goes out in one write."""
        if self._transport is None or not self.usable:
            raise Unavailable(f"the connection to `{self._name}` is closed", sent=False)
        self._response = response = Response()
        self._parser = httptools.HttpResponseParser(self)
        self._head = 0
        self.written = True
        self._transport.write(data)
        return response

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        response = self._response
        if response is None or response.complete:
            self.abort()  # the server speaks without being asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(response, "tried to change the protocol")
        except httptools.HttpParserError:
            self._fail(response, "sent something that is not HTTP/1.1")
        response.wake()

    def _fail(self, response: Response, reason: str) -> None:
        if response.error is None and not response.complete:
            response.error = reason
        self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        response = self._response
        assert response is not None  # noqa: S101 - the parser runs only within an exchange
        self._head += len(name) + len(value) + 4
        key = name.decode("latin-1").lower()
        if self._head > LARGEST_HEAD:
            self._fail(response, "sent too many headers")
        elif key in response.headers and key in ("content-length", "transfer-encoding", "content-type", "mcp-session-id"):
            self._fail(response, f"sent `{key}` twice")
        else:
            response.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is known."""
        response = self._response
        assert response is not None  # noqa: S101 - as above
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            response.headers.clear()
            return
        response.status = status
        response.keep_alive = self._parser.should_keep_alive()
        if response.headers.get("content-encoding", "identity") != "identity":
            self._fail(response, "sent a compressed answer, though asked not to")

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        response = self._response
        assert response is not None  # noqa: S101 - as above
        response.size += len(data)
        if response.size > self._largest and not response.headers.get("content-type", "").startswith("text/event-stream"):
            self._fail(response, f"sent an answer of more than {self._largest} bytes")
            return
        response.chunks.append(data)
        response.held += len(data)
        if response.held > PAUSE_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole (an interim 1xx answer is not it)."""
        response = self._response
        assert response is not None  # noqa: S101 - as above
        if response.status:
            response.complete = True
            self.usable = self.usable and response.keep_alive

    def take(self, response: Response) -> bytes:
        """The next piece that is held; reading goes on when little is."""
        chunk = response.chunks.popleft()
        response.held -= len(chunk)
        if self._paused and response.held < PAUSE_BYTES // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    def abort(self) -> None:
        """Close at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()
