"""A clock that only a test moves.

Give it wherever a `core.clock.Clock` is asked for.  `advance` moves time and fires what has become due; `run_for` does
the same but lets every woken task run before the next timer fires, so that a chain of sleeps elapses as it would on a
real clock; `settle` lets tasks run without moving time.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

_ROUNDS_ON_AN_OPAQUE_LOOP = 50


class FakeTimer:
    """What `FakeClock.call_at` returns; `cancel` may be called at any time, and twice."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Implements `core.clock.Clock`.  Starts at `monotonic_s` and `now_s`, which then move together."""

    __slots__ = ("_heap", "_monotonic_s", "_now_offset_s", "_order")

    def __init__(self, *, monotonic_s: float = 1_000.0, now_s: float = 1_800_000_000.0) -> None:
        self._monotonic_s = monotonic_s
        self._now_offset_s = now_s - monotonic_s
        self._heap: list[tuple[float, int, FakeTimer]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self._monotonic_s

    def now(self) -> float:
        return self._monotonic_s + self._now_offset_s

    @property
    def pending(self) -> int:
        """How many timers wait: a test asserts zero to show that nothing was left behind."""
        return sum(timer.callback is not None for _, _, timer in self._heap)

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeTimer:
        """Fire `callback` once time has reached `when`; if it has already, on the loop's next turn."""
        timer = FakeTimer(when, callback)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        if when <= self._monotonic_s:
            asyncio.get_running_loop().call_soon(self._fire_due)
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait until time has moved on by `seconds`; zero or less waits for one turn of the loop."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_at(self._monotonic_s + seconds, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            timer.cancel()

    def advance(self, seconds: float) -> None:
        """Move time by `seconds`, firing each timer at its own time, in order; timers set meanwhile included.

        Tasks woken by a timer run only once the caller awaits something.  Raises `ValueError` on a negative step.
        """
        end_s = self._end_after(seconds)
        while self._fire_next(end_s):
            pass
        self._monotonic_s = end_s

    async def run_for(self, seconds: float) -> None:
        """Move time by `seconds` and let all tasks run whenever a timer has fired, and at the end."""
        end_s = self._end_after(seconds)
        await self.settle()
        while self._fire_next(end_s):
            await self.settle()
        self._monotonic_s = max(self._monotonic_s, end_s)
        await self.settle()

    async def settle(self) -> None:
        """Return once every task waits for time, for a socket or for another task; time stands still."""
        loop = asyncio.get_running_loop()
        ready = getattr(loop, "_ready", None)
        for _ in range(_ROUNDS_ON_AN_OPAQUE_LOOP if ready is None else 100_000):
            turn: asyncio.Future[bool] = loop.create_future()
            loop.call_soon(lambda turn=turn: turn.set_result(ready is not None and not ready))
            if await turn:
                return

    def _end_after(self, seconds: float) -> float:
        if seconds < 0:
            raise ValueError(f"time does not run backwards: advance({seconds})")
        return self._monotonic_s + seconds

    def _fire_next(self, end_s: float) -> bool:
        while self._heap and self._heap[0][0] <= end_s:
            when, _, timer = heapq.heappop(self._heap)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                self._monotonic_s = max(self._monotonic_s, when)
                callback()
                return True
        return False

    def _fire_due(self) -> None:
        while self._fire_next(self._monotonic_s):
            pass
