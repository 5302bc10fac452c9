"""How much a route may call beyond what it was asked for, so that failures are not answered with a storm.

`flow.attempt` asks before every retry and every hedge.  One object for each route; it belongs to one event loop.
"""

import math

from penstock.config.targets import RetrySettings
from penstock.core.clock import Clock


class ExtraLoad:
    """Keeps what is extra within `ratio` of what was wanted, over the last few half-lives.

    Both sums decay alike, so the bound holds at every moment and not only on average since the start.  Up to `floor`
    is allowed however little was wanted.
    """

    __slots__ = ("_clock", "_decay_every_s", "_decayed_at_s", "_extra", "_floor", "_half_life_s", "_ratio", "_wanted")

    def __init__(self, *, ratio: float, floor: float, half_life_s: float, clock: Clock) -> None:
        self._ratio = ratio
        self._floor = floor
        self._half_life_s = half_life_s
        self._decay_every_s = half_life_s / 8.0
        self._clock = clock
        self._decayed_at_s = clock.monotonic()
        self._wanted = 0.0
        self._extra = 0.0

    def want(self, amount: float) -> None:
        """Note what a caller asked for: it feeds the budget."""
        self._decay()
        self._wanted += amount

    def has_room(self, amount: float) -> bool:
        self._decay()
        return self._extra + amount <= max(self._floor, self._ratio * self._wanted)

    def spend(self, amount: float) -> None:
        """Note what was extra; a negative amount gives back what was estimated too high."""
        self._extra = max(0.0, self._extra + amount)

    def _decay(self) -> None:
        elapsed_s = self._clock.monotonic() - self._decayed_at_s
        if elapsed_s < self._decay_every_s:
            return
        kept = math.exp2(-elapsed_s / self._half_life_s)
        self._wanted *= kept
        self._extra *= kept
        self._decayed_at_s += elapsed_s


class RetryBudget:
    """Retries and hedges together within `ratio` of all calls; hedges also within their ratio of all spend.

    Call `request` once for each exchange that makes a first attempt and `spent` with what its answer cost.
    """

    __slots__ = ("_calls", "_hedge_calls", "_hedge_spend")

    def __init__(self, settings: RetrySettings, clock: Clock, *, hedge_ratio: float = 0.05) -> None:
        half_life_s = settings.half_life_s
        self._calls = ExtraLoad(ratio=settings.ratio, floor=settings.floor, half_life_s=half_life_s, clock=clock)
        self._hedge_calls = ExtraLoad(ratio=hedge_ratio, floor=0.0, half_life_s=half_life_s, clock=clock)
        self._hedge_spend = ExtraLoad(ratio=hedge_ratio, floor=0.0, half_life_s=half_life_s, clock=clock)

    def request(self) -> None:
        self._calls.want(1.0)
        self._hedge_calls.want(1.0)

    def spent(self, cost_nanousd: int) -> None:
        """What a request's own answer cost, hedges left out."""
        self._hedge_spend.want(cost_nanousd)

    def try_retry(self) -> bool:
        """Take one extra call; False where the budget is used up, and then there must be none."""
        if not self._calls.has_room(1.0):
            return False
        self._calls.spend(1.0)
        return True

    def try_hedge(self, estimated_nanousd: int | None) -> bool:
        """Take one extra call that may cost as much as `estimated_nanousd`; where that is unknown, calls are counted.

        Whoever got True says with `hedged` what the loser really cost.
        """
        meter, amount = self._hedge(estimated_nanousd)
        if not (self._calls.has_room(1.0) and meter.has_room(amount)):
            return False
        self._calls.spend(1.0)
        meter.spend(amount)
        return True

    def hedged(self, *, estimated_nanousd: int | None, cost_nanousd: int) -> None:
        """Correct the estimate of a hedge by the cost of the call that lost."""
        if estimated_nanousd is not None:
            self._hedge_spend.spend(cost_nanousd - estimated_nanousd)

    def _hedge(self, estimated_nanousd: int | None) -> tuple[ExtraLoad, float]:
        if estimated_nanousd is None:
            return self._hedge_calls, 1.0
        return self._hedge_spend, float(estimated_nanousd)
