"""The stdio edge: a client's lines in, answers out, one line each (MCP, stdio transport).

Used by `toolgate wrap`. Whoever started the process is the grant; everything else goes through the same pipeline.
"""

import asyncio
from collections.abc import Awaitable, Callable

from toolgate.mcp import messages
from toolgate.mcp.messages import Interim
from toolgate.proxy.background import Background
from toolgate.proxy.model import Answer, Exchange, Headers
from toolgate.proxy.pipeline import Pipeline

Write = Callable[[bytes], Awaitable[None]]


class StdioEdge:
    """One client on a pair of pipes, speaking to one server as one grant."""

    def __init__(self, pipeline: Pipeline, server: str, grant: str, write: Write) -> None:
        self._pipeline = pipeline
        self._server = server
        self._grant = grant
        self._write = write
        self._work = Background()
        self._headers: Headers = []
        self._listening: asyncio.Task[Answer] | None = None

    async def run(self, lines: asyncio.StreamReader, limit: int) -> None:
        """Serve until the client closes its end. Every line is handled on its own, so that a held call blocks nobody."""
        while True:
            try:
                line = await lines.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                line = end.partial
                if not line:
                    break
            except asyncio.LimitOverrunError:
                await self._refuse_overlong(lines, limit)
                continue
            if line.strip():
                await self._take(line.strip())
        await self._finish()

    async def _take(self, line: bytes) -> None:
        if b'"initialize"' in line and not self._headers:
            # the session must exist before the messages that follow it are looked at
            await self._handle(line)
        else:
            self._work.start(self._handle(line))

    async def _handle(self, line: bytes) -> None:
        exchange = Exchange(self._server, line, self._interim, list(self._headers), local=self._grant)
        answer = await self._pipeline.post(exchange)
        if answer.session_id is not None:
            self._headers = [(b"mcp-session-id", answer.session_id.encode())]
            self._listening = asyncio.ensure_future(self._listen())
        if answer.body is not None:
            await self._line(answer.body)

    async def _listen(self) -> Answer:
        exchange = Exchange(self._server, b"", self._interim, list(self._headers), local=self._grant)
        return await self._pipeline.listen(exchange, self._interim)

    async def _interim(self, message: Interim) -> None:
        await self._line(messages.interim_bytes(message))

    async def _line(self, body: bytes) -> None:
        await self._write(body + b"\n")

    async def _refuse_overlong(self, lines: asyncio.StreamReader, limit: int) -> None:
        """Skip to the end of the line, then refuse it as one."""
        while True:
            try:
                await lines.readuntil(b"\n")
                break
            except asyncio.LimitOverrunError as error:
                await lines.readexactly(error.consumed)
            except asyncio.IncompleteReadError:
                break
        await self._handle(b" " * (limit + 1))

    async def _finish(self) -> None:
        """The client is gone: let what is under way finish, then stop listening."""
        await self._work.drain()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
