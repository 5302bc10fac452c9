"""Gates that stand open and an allowance without end: for an engine whose targets nobody guards, as in tests."""

from collections.abc import Sequence
from typing import Final

from penstock.core.exchange import Exchange
from penstock.core.outcome import Outcome
from penstock.core.ports import Allowance, Answered, Gates, Permit, Route, Target


class _OpenPermit:
    waited_s = 0.0

    def heed(self, answer: Answered) -> None:
        """Nobody learns from it."""

    def first_event(self, latency_s: float) -> None:
        """Nobody learns from it."""

    def close(self, outcome: Outcome) -> None:
        """There is no place to give back."""


class _OpenRoute:
    def may_retry(self) -> bool:
        return True

    def may_hedge(self) -> bool:
        return True

    def hedge_after_s(self, target: Target) -> None:
        """Nobody knows what is late."""

    def order(self, targets: Sequence[Target]) -> Sequence[Target]:
        return targets


class _OpenGates:
    def is_up(self, target: Target) -> bool:
        del target
        return True

    async def enter(self, exchange: Exchange, target: Target, *, has_choice: bool = False) -> Permit:
        del exchange, target, has_choice
        return OPEN_PERMIT

    def try_enter(self, exchange: Exchange, target: Target) -> Permit:
        del exchange, target
        return OPEN_PERMIT

    def begin(self, route: Route) -> _OpenRoute:
        del route
        return _OPEN_ROUTE

    def settled(self, exchange: Exchange) -> None:
        """Nobody learns from it."""


class _OpenAllowance:
    async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None:
        """Everything is allowed."""


_OPEN_ROUTE: Final = _OpenRoute()
OPEN_PERMIT: Final[Permit] = _OpenPermit()
OPEN_GATES: Final[Gates] = _OpenGates()
OPEN_ALLOWANCE: Final[Allowance] = _OpenAllowance()
