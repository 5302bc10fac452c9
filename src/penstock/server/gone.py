"""Seeing that the client has left, within a tenth of a second, without paying for it on every short request."""

import asyncio

from penstock.core.clock import Clock, Timer
from penstock.flow.stop import Stop
from penstock.server.rsgi import HttpProtocol
from penstock.server.tasks import TaskSet

FIRST_LOOK_S = 0.02
"""Most exchanges with a fast answer end before this, and never start a watcher."""


class DisconnectWatch:
    """Tells `stop` when the client closes its connection.  `close` ends the watch; it is called once."""

    __slots__ = ("_protocol", "_stop", "_task", "_tasks", "_timer")

    def __init__(self, protocol: HttpProtocol, stop: Stop, *, clock: Clock, tasks: TaskSet) -> None:
        self._protocol = protocol
        self._stop = stop
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer = clock.call_at(clock.monotonic() + FIRST_LOOK_S, self._look)

    def _look(self) -> None:
        self._task = self._tasks.spawn(self._watch())

    async def _watch(self) -> None:
        await self._protocol.client_disconnect()
        self._stop.client_left()

    def close(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
