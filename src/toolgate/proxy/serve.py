"""Runs the HTTP edge on uvicorn until told to stop; open streams are ended first, then what is under way may finish."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

import uvicorn

from toolgate.proxy.app import Edge

GRACE_SECONDS = 2


class Server(uvicorn.Server):
    """A uvicorn server that tells the edge before it starts to wait for connections to end."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None], started: Callable[[int], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._started = started

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listen, then say on which port."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._started(self.servers[0].sockets[0].getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """SIGTERM or SIGINT; a second SIGINT does not wait. Unlike uvicorn's own, the signal is not raised again after."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.stop()

    def stop(self) -> None:
        """End open streams, let what is under way finish, stop."""
        self.should_exit = True
        self._stopping()


def server(edge: Edge, host: str, port: int, started: Callable[[int], None]) -> Server:
    """A server for `edge`. `started` is told the port, which matters when `port` is 0."""
    config = uvicorn.Config(
        edge, host=host, port=port, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None,
        server_header=False, timeout_graceful_shutdown=GRACE_SECONDS, timeout_keep_alive=75, backlog=4096,
    )  # fmt: skip
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        loop.call_soon_threadsafe(edge.closing.set)

    def bound(number: int) -> None:
        edge.serve_port(number)
        started(number)

    return Server(config, stopping, bound)
