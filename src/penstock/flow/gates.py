"""Gates that stand open: for an engine whose targets nobody guards, as in tests and in `explain`."""

from typing import Final

from penstock.core.exchange import Exchange
from penstock.core.outcome import Outcome
from penstock.core.ports import Answered, Gates, Permit, Route, Target


class _OpenPermit:
    waited_s = 0.0

    def heed(self, answer: Answered) -> None:
        """Nobody learns from it."""

    def first_event(self, latency_s: float) -> None:
        """Nobody learns from it."""

    def close(self, outcome: Outcome) -> None:
        """There is no place to give back."""


class _OpenGates:
    def is_up(self, target: Target) -> bool:
        del target
        return True

    async def enter(self, exchange: Exchange, target: Target) -> Permit:
        del exchange, target
        return OPEN_PERMIT

    def request(self, route: Route) -> None:
        """Retries have no budget here."""

    def may_retry(self, route: Route) -> bool:
        del route
        return True


OPEN_PERMIT: Final[Permit] = _OpenPermit()
OPEN_GATES: Final[Gates] = _OpenGates()
