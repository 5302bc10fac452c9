"""One target is ten times as slow for a tenth of its calls: what a second call beside a late one saves and costs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.resilience.site import Settings, Site, play, route_to
from evaluation.resilience.traffic import Caller
from penstock.core.facts import ExtraCallBilled, Hedged
from penstock.core.record import Settled
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

_ANSWER = "first=lognormal(500ms/900ms),gap=10ms,tokens=100,per_event=25"
_SLOW = "fault=slow_first@4500ms,rate=10%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How long until the first event; `spend` is what the calls that lost cost, as a part of what the answers did."""

    requests: int
    answered: int
    p50_s: float
    p99_s: float
    hedges: int
    spend: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """The same requests without and with hedging, all of its settings at their defaults."""

    without: Waited
    hedged: Waited

    @property
    def saved(self) -> float:
        """By how much the 99th percentile came down."""
        return 1.0 - self.hedged.p99_s / self.without.p99_s


def slow_target(requests: int, seed: int, *, streamed: float = 0.5) -> Hedging:
    without, hedged = (
        asyncio.run(_run(requests, seed, streamed=streamed, is_hedged=is_hedged)) for is_hedged in (False, True)
    )
    return Hedging(without=without, hedged=hedged)


async def _run(requests: int, seed: int, *, streamed: float, is_hedged: bool) -> Waited:
    clock = FakeClock()
    slow = ScriptedProvider(name="slow", clock=clock, seed=1000 * seed)
    even = ScriptedProvider(name="even", clock=clock, seed=1000 * seed + 1)
    targets = [(slow, f"sim:{_ANSWER},{_SLOW}"), (even, f"sim:{_ANSWER}")]
    site = Site(clock, route_to(targets, is_hedged=is_hedged), Settings(seed=seed))
    caller = Caller(rate=20.0, words=200, streamed=streamed)
    await play(clock, [(site, each) for each in caller.first(requests, seed)])
    return _waited(site.records)


def _waited(records: Sequence[Settled]) -> Waited:
    times = sorted(each.first_event_s for each in records if each.first_event_s is not None)
    facts = [fact for each in records for fact in each.facts]
    extra = sum(fact.cost_nanousd or 0 for fact in facts if type(fact) is ExtraCallBilled)
    total = sum(each.cost_nanousd or 0 for each in records)
    return Waited(
        requests=len(records),
        answered=sum(each.outcome == "completed" for each in records),
        p50_s=times[len(times) // 2],
        p99_s=times[len(times) * 99 // 100],
        hedges=sum(type(fact) is Hedged for fact in facts),
        spend=extra / (total - extra),
    )
