"""Runs the HTTP edge on uvicorn until told to stop; open streams are ended first, then what is under way may finish."""

import asyncio
import signal
import socket
from types import FrameType

import uvicorn

from toolgate.errors import Unavailable
from toolgate.proxy.app import Edge

GRACE_SECONDS = 2
BACKLOG = 4096


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises Unavailable when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # from here on connections wait instead of being refused, so the address may be announced
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise Unavailable(f"cannot listen on {host}:{port}: {reason}; choose another port") from None
    return listener


class Server(uvicorn.Server):
    """A uvicorn server that tells the edge before it starts to wait for connections to end."""

    def __init__(self, config: uvicorn.Config, edge: Edge, listener: socket.socket) -> None:
        super().__init__(config)
        self._edge = edge
        self._listener = listener
        self._loop = asyncio.get_running_loop()

    async def run_until_stopped(self) -> None:
        """Serve on the listening socket."""
        await self.serve(sockets=[self._listener])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """SIGTERM or SIGINT; a second SIGINT does not wait. Unlike uvicorn's own, the signal is not raised again after."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.stop()

    def stop(self) -> None:
        """End open streams, let what is under way finish, stop."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._edge.closing.set)


def server(edge: Edge, listener: socket.socket) -> Server:
    """A server for `edge` on a socket that listens."""
    config = uvicorn.Config(
        edge, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS, timeout_keep_alive=75, backlog=BACKLOG,
    )  # fmt: skip
    edge.serve_port(listener.getsockname()[1])
    return Server(config, edge, listener)
