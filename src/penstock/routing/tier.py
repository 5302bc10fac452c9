"""What a budget without room still lets through: a request at a cheaper tier, or an answer from the cache alone.

Stands behind the limits, which set `exchange.budget_action`, and behind the cache, which may answer before it.
"""

from penstock.core.clock import Clock
from penstock.core.errors import BudgetExhausted
from penstock.core.exchange import Exchange
from penstock.core.facts import RouteChosen
from penstock.core.ports import CONTINUE, Continue


class TierStage:
    """The stage that carries out what a budget allows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def name(self) -> str:
        return "tier"

    async def enter(self, exchange: Exchange) -> Continue:
        """Go over to the cheaper route.  Raises `BudgetExhausted` where there is none, or only the cache may answer."""
        match exchange.budget_action:
            case None:
                return CONTINUE
            case "cache_only":
                raise BudgetExhausted("The budget is used up: only answers that are cached are given.")
            case "cheaper_tier":
                route = exchange.route.cheaper if exchange.route is not None else None
                if route is None:
                    raise BudgetExhausted("The budget is used up, and this model has no cheaper one in its place.")
                exchange.route = route
                names = tuple(target.name for target in route.targets)
                at_s = self._clock.monotonic() - exchange.began_s
                exchange.facts.append(RouteChosen(at_s=at_s, route=route.name, targets=names))
                return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """It has nothing to say of the answer."""
