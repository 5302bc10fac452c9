"""Two providers that each fail 6 % of their calls and go down for a minute in turn; beside it, one of them alone."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.resilience.site import MAX_ATTEMPTS, Settings, Site, play, route_to
from evaluation.resilience.traffic import Caller
from penstock.core.facts import AttemptFailed, RetryDenied
from penstock.core.record import Settled
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

PERIOD_S = 240.0
ANSWER = "first=lognormal(400ms/1500ms),gap=30ms,tokens=24,per_event=6"
FAULTS = "fault=status@500|status@503|reset@0|cut@1|throttle,rate=6%"
OUTAGE = "outage=240s/60s"
CALLER = Caller(rate=20.0, burst=3.0, burst_s=20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """What became of the requests.  `causes` are those of the requests that failed."""

    requests: int
    succeeded: int
    calls: int
    causes: Counter[str]
    denied: int
    p50_s: float
    p99_s: float

    @property
    def share(self) -> float:
        return self.succeeded / self.requests

    @property
    def extra(self) -> float:
        """Calls beyond one for each request, as a part of the requests."""
        return self.calls / self.requests - 1.0


def two_providers(
    requests: int, seed: int, *, max_attempts: int | None = None, outage: str = OUTAGE, faults: str = FAULTS
) -> Survived:
    """The outages are half a period apart: they never overlap."""
    return asyncio.run(_run(requests, seed, providers=2, max_attempts=max_attempts, items=(faults, outage)))


def one_provider(requests: int, seed: int, *, outage: str = "") -> Survived:
    """One provider, one attempt: what an application meets that calls it directly."""
    return asyncio.run(_run(requests, seed, providers=1, max_attempts=1, items=(FAULTS, outage)))


async def _run(requests: int, seed: int, *, providers: int, max_attempts: int | None, items: Sequence[str]) -> Survived:
    clock = FakeClock()
    model = f"sim:{','.join(filter(None, (ANSWER, *items)))}"
    made: list[ScriptedProvider] = []
    for number in range(providers):
        made.append(ScriptedProvider(name=f"provider-{number}", clock=clock, seed=1000 * seed + number))
        clock.advance(PERIOD_S / 2.0)
    attempts = max_attempts or MAX_ATTEMPTS
    site = Site(clock, route_to([(each, model) for each in made], max_attempts=attempts), Settings(seed=seed))
    await play(clock, [(site, each) for each in CALLER.first(requests, seed)])
    return survived(site.records, sum(each.calls for each in made))


def survived(records: Sequence[Settled], calls: int) -> Survived:
    good = sorted(each.duration_s for each in records if each.outcome == "completed")
    bad = [each for each in records if each.outcome != "completed"]
    return Survived(
        requests=len(records),
        succeeded=len(good),
        calls=calls,
        causes=Counter(_cause(each) for each in bad),
        denied=sum(any(type(fact) is RetryDenied for fact in each.facts) for each in records),
        p50_s=good[len(good) // 2],
        p99_s=good[len(good) * 99 // 100],
    )


def _cause(record: Settled) -> str:
    failed = [fact.code for fact in record.facts if type(fact) is AttemptFailed]
    denied = " (denied)" if any(type(fact) is RetryDenied for fact in record.facts) else ""
    return f"{record.outcome_code}: {len(failed)} calls{denied}"
