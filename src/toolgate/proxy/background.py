"""Work that must finish but that no client waits for, such as recording an outcome. Shutdown waits for all of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from toolgate.errors import ToolgateError

log = structlog.get_logger(__name__)


class Background:
    """Holds tasks until they are done; a failure is logged, never lost."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` to its end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ToolgateError):
            log.error("not_recorded", reason=str(error))
        elif error is not None:
            log.error("background_failure", exc_info=error)

    async def drain(self) -> None:
        """Wait until nothing is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)
