"""Single-flight: of equal requests that come at the same time one is sent, and the others wait for what it brings.

A flight has one leader at any time.  One that comes to nothing hands on to exactly one of those that wait; one whose
answer is not for others lets all of them go their own way at once.
"""

import asyncio
from collections import deque
from typing import Literal, NamedTuple, TypeAlias

from penstock.cache.entry import Entry
from penstock.core.clock import Clock


class Landed(NamedTuple):
    """What a flight brought.  `is_new` says that it was made just now, and not found."""

    entry: Entry
    is_new: bool


Boarding: TypeAlias = Landed | Literal["lead", "alone"]
"""`lead`: go and bring the answer, and say how it went.  `alone`: go on as if there were no flight."""


class _Waiter(NamedTuple):
    told: "asyncio.Future[Boarding]"
    may_lead: bool


class Flights:
    """Those under way, by key.  Whoever leads calls `land`, `hand_on` or `dissolve`, once.  Used on one event loop."""

    __slots__ = ("_clock", "_flights")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flights: dict[bytes, deque[_Waiter]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def board(self, key: bytes, *, may_lead: bool, wait_s: float) -> Boarding:
        """Lead a new flight, or wait for the one that there is: for `wait_s` at most, and then go `alone`.

        `may_lead` is false for a request that may have an answer and must not make one.  A cancelled wait leaves
        nothing behind.
        """
        waiting = self._flights.get(key)
        if waiting is None:
            if not may_lead:
                return "alone"
            self._flights[key] = deque()
            return "lead"
        told: asyncio.Future[Boarding] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(told, may_lead)
        waiting.append(waiter)

        def give_up() -> None:
            if not told.done():
                told.set_result("alone")

        timer = self._clock.call_at(self._clock.monotonic() + wait_s, give_up)
        try:
            return await told
        except asyncio.CancelledError:
            if told.done() and not told.cancelled() and told.result() == "lead":
                self.hand_on(key)  # it was told to lead and will not live to do it
            raise
        finally:
            timer.cancel()
            if waiter in waiting:
                waiting.remove(waiter)

    def land(self, key: bytes, entry: Entry, *, is_new: bool) -> None:
        """The answer is there: everybody gets it."""
        landed = Landed(entry, is_new)
        for waiter in self._flights.pop(key, ()):
            _tell(waiter, landed)

    def hand_on(self, key: bytes) -> None:
        """The leader has failed: the one that has waited longest leads from now on."""
        waiting = self._flights.get(key, deque[_Waiter]())
        for waiter in waiting:
            if waiter.may_lead and not waiter.told.done():
                waiting.remove(waiter)
                _tell(waiter, "lead")
                return
        self.dissolve(key)

    def dissolve(self, key: bytes) -> None:
        """The answer is not for others: each asks for its own."""
        for waiter in self._flights.pop(key, ()):
            _tell(waiter, "alone")


def _tell(waiter: _Waiter, what: Boarding) -> None:
    if not waiter.told.done():
        waiter.told.set_result(what)
