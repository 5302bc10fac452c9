"""A second opinion: another answer is asked for while the first is set aside, whole and unseen.

The engine runs it (`Engine._second`).  Whichever is given, both are paid for, and the record says whose it is.
"""

from asyncio import timeout
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.core.chat import Request
from penstock.core.clock import Clock
from penstock.core.errors import PenstockError
from penstock.core.events import Event
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import SecondOpinion
from penstock.core.ports import AskAgain, KeepFirst

if TYPE_CHECKING:
    from penstock.core.ports import Route, Target

Failed = PenstockError | AskAgain | KeepFirst | TimeoutError
"""Why the answer that was set aside is given after all."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the exchange stood when its first answer was set aside."""

    request: Request
    route: "Route | None"
    target: "Target | None"
    first_event_s: float | None
    hold_reasons: tuple[HoldReason, ...]
    is_refused: bool
    confidence: float | None

    @classmethod
    def of(cls, exchange: Exchange) -> "Standing":
        return cls(
            exchange.request,
            exchange.route,
            exchange.target,
            exchange.first_event_s,
            tuple(exchange.hold_reasons),
            exchange.is_refused,
            exchange.confidence,
        )

    def restore(self, exchange: Exchange, reason: Failed) -> None:
        """What was said of the other answer is said of nothing any more.

        Only where that one was heard and was no better is the route the first one's again: else no cache takes what is
        given for the best that there is.
        """
        exchange.request = self.request
        if isinstance(reason, KeepFirst):
            exchange.route = self.route
        exchange.target = self.target
        exchange.first_event_s = self.first_event_s
        exchange.hold_reasons[:] = self.hold_reasons
        exchange.is_refused = self.is_refused
        exchange.confidence = self.confidence


class Unseen:
    """A `core.ports.Sink` for what nobody sees before it is whole: then all of it goes on, or nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def write(self, events: Sequence[Event]) -> None:
        self.events += events

    def complete(self, exchange: Exchange) -> None:
        """The client's own sink is told."""

    async def close(self, exchange: Exchange) -> None:
        """As `complete`."""


@asynccontextmanager
async def within(seconds: float, clock: Clock) -> AsyncGenerator[None]:
    """Raises `TimeoutError` once so much time has passed."""
    async with timeout(None) as limit:
        timer = clock.call_at(clock.monotonic() + seconds, lambda: limit.reschedule(0.0))
        try:
            yield
        finally:
            timer.cancel()


def note(exchange: Exchange, clock: Clock, reason: Failed | None) -> None:
    """Leave the fact: without a `reason` the second answer is given."""
    match reason:
        case None:
            why = None
        case KeepFirst():
            why = "no_better"
        case TimeoutError():
            why = "timeout"
        case AskAgain():
            why = reason.reason
        case PenstockError():
            why = reason.code
    at_s = clock.monotonic() - exchange.began_s
    exchange.facts.append(SecondOpinion(at_s=at_s, is_given=reason is None, why=why))
