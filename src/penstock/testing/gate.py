"""A place where scripted answers wait until a test lets them go on."""

import asyncio

from penstock.core.clock import Clock


class Gate:
    """Holds every answer at one event index; -1 is before its head.  Open until `hold_at`."""

    __slots__ = ("_at", "_changed", "_waiting")

    def __init__(self) -> None:
        self._at: int | None = None
        self._waiting: list[asyncio.Future[bool]] = []
        self._changed = asyncio.Event()

    def hold_at(self, index: int) -> None:
        self._at = index

    def release(self) -> None:
        self._at = None
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(True)

    def is_held(self, index: int) -> bool:
        return self._at == index

    def stop_before(self, index: int, stop: int) -> int:
        """The end of a batch that begins at `index` and may reach to `stop`, cut short where answers are held."""
        return self._at if self._at is not None and index < self._at < stop else stop

    async def passes(self, index: int, clock: Clock, deadline_s: float | None) -> bool:
        """Wait while this index is held.  False where the deadline came first."""
        if self._at != index:
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        timer = None
        if deadline_s is not None:
            timer = clock.call_at(deadline_s, lambda: None if waiter.done() else waiter.set_result(False))
        self._waiting.append(waiter)
        self._changed.set()
        try:
            return await waiter
        finally:
            self._waiting.remove(waiter)
            if timer is not None:
                timer.cancel()

    async def wait_held(self, number: int) -> None:
        """Return once `number` answers wait here."""
        while len(self._waiting) < number:
            self._changed.clear()
            await self._changed.wait()
