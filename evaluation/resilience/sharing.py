"""A flood beside somebody who asks normally: the batch class beside the interactive one, and tenants of one class."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.resilience.server import RoomyProvider
from evaluation.resilience.site import Settings, Site, play, route_to
from evaluation.resilience.traffic import Asked, Caller
from penstock.config.targets import ConcurrencySettings, GateSettings
from penstock.core.record import Settled
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

PLACES = 24
BATCH_SHARE = 0.1
FLOOD = 50.0
_ANSWER = "sim:first=lognormal(600ms/1800ms),gap=30ms,tokens=24,per_event=12"
_HOLD_S = 0.9
_CAPACITY = PLACES / _HOLD_S
"""Calls a second, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What one tenant saw: of its requests, those that were answered, and the 95th percentile of how long it took."""

    requests: int
    answered: int
    p95_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flooded:
    """The same requests of the interactive tenant, alone and beside the flood; `busy` is the part of places in use."""

    alone: Felt
    beside: Felt
    flood: Felt
    busy: float

    @property
    def moved(self) -> float:
        return self.beside.p95_s / self.alone.p95_s - 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What two tenants got of the answers while both wanted more than there was, and what their weights say."""

    got: float
    due: float

    @property
    def off(self) -> float:
        return abs(self.got / self.due - 1.0)


def batch_flood(seed: int, *, minutes: float = 5.0) -> Flooded:
    """The interactive tenant asks for about two fifths of the places, the batch tenant for 50 times its share."""
    seconds = 60.0 * minutes
    calm = Caller(tenant="calm", rate=0.4 * _CAPACITY, priority="interactive").for_seconds(seconds, seed)
    flood = Caller(tenant="flood", rate=FLOOD * BATCH_SHARE * _CAPACITY, priority="batch").for_seconds(seconds, seed)
    alone, _ = asyncio.run(_run([calm], seconds, seed))
    beside, busy = asyncio.run(_run([calm, flood], seconds, seed))
    return Flooded(alone=felt(alone, "calm"), beside=felt(beside, "calm"), flood=felt(beside, "flood"), busy=busy)


def two_tenants(seed: int, *, weight: float, minutes: float = 5.0) -> Shared:
    """Equal priority, both asking for more than all there is, one of them for ten times as much as the other."""
    seconds = 60.0 * minutes
    loud = Caller(tenant="loud", rate=12.0 * _CAPACITY, priority="standard")
    heavy = Caller(tenant="heavy", rate=1.2 * _CAPACITY, priority="standard", weight=weight)
    asked = [each.for_seconds(seconds, seed) for each in (loud, heavy)]
    records, _ = asyncio.run(_run(asked, seconds, seed))
    counts = [felt(records, tenant).answered for tenant in ("loud", "heavy")]
    return Shared(got=counts[1] / sum(counts), due=weight / (1.0 + weight))


async def _run(asked: Sequence[Sequence[Asked]], seconds: float, seed: int) -> tuple[list[Settled], float]:
    clock = FakeClock()
    provider = RoomyProvider(ScriptedProvider(clock=clock, seed=seed), clock, places=PLACES)
    route = route_to([(provider, _ANSWER)])
    gates = GateSettings(concurrency=ConcurrencySettings(initial=PLACES, most=PLACES))
    site = Site(clock, route, Settings(gates=gates, seed=seed))
    arrivals = sorted((each for some in asked for each in some), key=lambda each: each.at_s)
    await play(clock, [(site, each) for each in arrivals], until_s=seconds)
    return site.records, provider.busy_s / (PLACES * seconds)


def felt(records: Sequence[Settled], tenant: str) -> Felt:
    """Those that were still under way at the end are left out."""
    own = [each for each in records if each.tenant == tenant and each.outcome != "shutdown"]
    times = sorted(each.duration_s for each in own if each.outcome == "completed")
    return Felt(requests=len(own), answered=len(times), p95_s=times[len(times) * 95 // 100] if times else 0.0)
