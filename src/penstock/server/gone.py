"""Seeing that the client has left, within a tenth of a second, without paying for it on every short request.

Waiting for a disconnect takes a task, and most exchanges with a fast answer are over before anyone could leave.  So one
sweep, every `SWEEP_S` while there is anything to watch, starts a task only for those that it meets a second time.
"""

import asyncio

from penstock.core.clock import Clock
from penstock.flow.stop import Stop
from penstock.server.rsgi import HttpProtocol
from penstock.server.tasks import TaskSet

SWEEP_S = 0.03


class Watch:
    """One exchange under watch; made by `DisconnectWatch.begin`."""

    __slots__ = ("protocol", "stop", "task")

    def __init__(self, protocol: HttpProtocol, stop: Stop) -> None:
        self.protocol = protocol
        self.stop = stop
        self.task: asyncio.Task[None] | None = None


class DisconnectWatch:
    """Tells an exchange's `stop` when its client closes the connection.  Every `begin` is followed by one `end`."""

    __slots__ = ("_clock", "_fresh", "_is_sweeping", "_older", "_tasks")

    def __init__(self, *, clock: Clock, tasks: TaskSet) -> None:
        self._clock = clock
        self._tasks = tasks
        self._fresh: set[Watch] = set()
        self._older: set[Watch] = set()
        self._is_sweeping = False

    def begin(self, protocol: HttpProtocol, stop: Stop) -> Watch:
        watch = Watch(protocol, stop)
        self._fresh.add(watch)
        if not self._is_sweeping:
            self._is_sweeping = True
            self._clock.call_at(self._clock.monotonic() + SWEEP_S, self._sweep)
        return watch

    def end(self, watch: Watch) -> None:
        if watch.task is None:
            self._fresh.discard(watch)
            self._older.discard(watch)
        else:
            watch.task.cancel()

    def _sweep(self) -> None:
        """Runs on the timer.  An exchange goes unwatched for at most two sweeps."""
        for watch in self._older:
            watch.task = self._tasks.spawn(_wait(watch))
        self._older, self._fresh = self._fresh, set()
        self._is_sweeping = bool(self._older)
        if self._is_sweeping:
            self._clock.call_at(self._clock.monotonic() + SWEEP_S, self._sweep)


async def _wait(watch: Watch) -> None:
    await watch.protocol.client_disconnect()
    watch.stop.client_left()
