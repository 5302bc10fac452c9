"""The one place in the data plane where tasks are started: someone holds them and hears when they fail."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog


class TaskSet:
    """Tasks beside the request tasks (disconnect watchers, keep-alive comments).  `aclose` cancels what is left."""

    __slots__ = ("_log", "_loop", "_tasks")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("penstock.server")

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("background task failed", exc_info=error)

    async def aclose(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
