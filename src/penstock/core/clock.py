"""Time as a port, so that tests move it instead of waiting for it."""

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """`monotonic` (seconds) for durations and deadlines, `now` (Unix seconds) for records."""

    def monotonic(self) -> float: ...
    def now(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` on the event loop once `monotonic()` has reached `when`."""
        ...

    async def sleep(self, seconds: float) -> None: ...


def age(seconds: float) -> str:
    """`85 s`, `12 min`, `23.9 h`, `16 days`: how long something lasts, as people say it."""
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    if seconds < 3570:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


_COARSE_FROM_S = 2.0
_TICKS_A_SECOND = 8


class _CoarseTimer:
    """One entry of the wheel; cancelling takes it out at once, so that what was cancelled holds no memory."""

    __slots__ = ("_bucket", "callback")

    def __init__(self, bucket: "dict[_CoarseTimer, None]", callback: Callable[[], None]) -> None:
        self._bucket = bucket
        self.callback = callback

    def cancel(self) -> None:
        self._bucket.pop(self, None)


class SystemClock:
    """The real one.  Its timers belong to one event loop.

    A timer two seconds or more away fires up to an eighth of a second late: nearly all such timers are cancelled (a
    deadline, a timeout), and an entry in a wheel costs a third of a timer of the loop.
    """

    __slots__ = ("_buckets", "_heap", "_timer", "_timer_tick")

    def __init__(self) -> None:
        self._buckets: dict[int, dict[_CoarseTimer, None]] = {}
        self._heap: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_tick = 0

    # As they are, since both are asked dozens of times for each request.
    monotonic = staticmethod(time.monotonic)
    now = staticmethod(time.time)  # noqa: TID251 - this is the port's real side

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        now = time.monotonic()
        if when - now < _COARSE_FROM_S:
            return asyncio.get_running_loop().call_later(max(0.0, when - now), callback)
        tick = int(when * _TICKS_A_SECOND) + 1
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._open_bucket(tick, now)
        timer = _CoarseTimer(bucket, callback)
        bucket[timer] = None
        return timer

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the port's real side

    def _open_bucket(self, tick: int, now: float) -> "dict[_CoarseTimer, None]":
        bucket: dict[_CoarseTimer, None] = {}
        self._buckets[tick] = bucket
        heapq.heappush(self._heap, tick)
        if self._timer is None or tick < self._timer_tick:
            self._arm(tick, now)
        return bucket

    def _arm(self, tick: int, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_tick = tick
        delay_s = max(0.0, tick / _TICKS_A_SECOND - now)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._turn)

    def _turn(self) -> None:
        """Fire what is due and wait for the next bucket.  A callback may set and cancel timers."""
        self._timer = None
        now = time.monotonic()
        due = int(now * _TICKS_A_SECOND)
        while self._heap and self._heap[0] <= due:
            bucket = self._buckets.pop(heapq.heappop(self._heap))
            while bucket:
                timer, _ = bucket.popitem()
                timer.callback()
        if self._heap:
            self._arm(self._heap[0], now)
