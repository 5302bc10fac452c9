"""A bound on the exchanges that one process has in flight: the first stage of every plan.

Past it a caller is told to come back (503 with Retry-After) rather than made to wait behind work that cannot finish.
"""

from penstock.core.clock import Clock
from penstock.core.errors import Overloaded
from penstock.core.exchange import Exchange
from penstock.core.ports import CONTINUE, Continue

_RETRY_AFTER_S = 1.0


class InFlightLimit:
    """A stage that takes one of `limit` places, given back at settlement."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._taken = 0

    @property
    def name(self) -> str:
        return "in_flight"

    @property
    def taken(self) -> int:
        """How many exchanges are in flight now."""
        return self._taken

    async def enter(self, exchange: Exchange) -> Continue:
        if self._taken >= self._limit:
            raise Overloaded("Too many requests are in flight: try again shortly.", retry_after_s=_RETRY_AFTER_S)
        self._taken += 1
        exchange.take(_Place(self), at_s=self._clock.monotonic())
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """Nothing to watch: the lease says when the exchange is over."""

    def give_back(self) -> None:
        self._taken -= 1


class _Place:
    """One place, held until settlement; a second settlement would be a defect and must not free another's place."""

    __slots__ = ("_limit",)

    def __init__(self, limit: InFlightLimit) -> None:
        self._limit: InFlightLimit | None = limit

    @property
    def name(self) -> str:
        return "in_flight"

    def settle(self, exchange: Exchange) -> None:
        if self._limit is not None:
            self._limit.give_back()
            self._limit = None
