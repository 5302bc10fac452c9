"""How much a route may call beyond what it was asked for, so that failures are not answered with a storm.

`flow.attempt` asks before every retry and every hedge.  One object for each route; it belongs to one event loop.
"""

import math

from penstock.config.targets import HedgeSettings, RetrySettings
from penstock.core.clock import Clock

_SETTLES = 0.1


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
    """Retries within their part of all calls; hedges within theirs, and within their part of all that is spent.

    Call `request` once for each exchange, `spent` with what its answer cost, and `hedged` once for each `try_hedge`
    that was granted, when it is known what the call that lost has cost.
    """

    __slots__ = ("_answer_nanousd", "_calls", "_hedge_calls", "_hedge_nanousd", "_hedge_spend", "_hedges_under_way")

    def __init__(self, settings: RetrySettings, hedging: HedgeSettings, clock: Clock) -> None:
        half_life_s = settings.half_life_s
        self._calls = ExtraLoad(ratio=settings.ratio, floor=settings.floor, half_life_s=half_life_s, clock=clock)
        self._hedge_calls = ExtraLoad(ratio=hedging.max_calls, floor=0.0, half_life_s=half_life_s, clock=clock)
        self._hedge_spend = ExtraLoad(ratio=hedging.max_spend, floor=0.0, half_life_s=half_life_s, clock=clock)
        self._hedges_under_way = 0
        self._answer_nanousd = 0.0
        self._hedge_nanousd: float | None = None

    def request(self) -> None:
        self._calls.want(1.0)
        self._hedge_calls.want(1.0)

    def try_retry(self) -> bool:
        """Take one extra call; False where the budget is used up, and then there must be none."""
        if not self._calls.has_room(1.0):
            return False
        self._calls.spend(1.0)
        return True

    def try_hedge(self) -> bool:
        """Take one hedge.  What it will cost is expected from those before it, and of the first from whole answers."""
        expected = self._answer_nanousd if self._hedge_nanousd is None else self._hedge_nanousd
        if not self._hedge_calls.has_room(1.0):
            return False
        if not self._hedge_spend.has_room(expected * (self._hedges_under_way + 1)):
            return False
        self._hedge_calls.spend(1.0)
        self._hedges_under_way += 1
        return True

    def hedged(self, lost_nanousd: int | None) -> None:
        """What the call that lost has cost: 0 where none did, and as expected where it is None, not known."""
        self._hedges_under_way -= 1
        known = self._hedge_nanousd
        if lost_nanousd is None:
            lost_nanousd = round(self._answer_nanousd if known is None else known)
        self._hedge_nanousd = lost_nanousd if known is None else known + _SETTLES * (lost_nanousd - known)
        self._hedge_spend.spend(lost_nanousd)

    def spent(self, cost_nanousd: int) -> None:
        """What a request's own answer cost, all that is extra left out."""
        known = self._answer_nanousd
        self._answer_nanousd = known + _SETTLES * (cost_nanousd - known) if known else float(cost_nanousd)
        self._hedge_spend.want(cost_nanousd)
