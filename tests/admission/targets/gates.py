"""Gates with a fixed number of places, and calls that wait at them."""

import asyncio
from collections.abc import Coroutine

from penstock.admission.targets.gate import TargetGate
from penstock.admission.targets.permit import Permit
from penstock.config.targets import BreakerSettings, ConcurrencySettings, GateSettings, Priority, QueueSettings
from penstock.core.outcome import Succeeded
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock

WELL = Succeeded(1.0, 1.0)


def fixed(places: int, **queue: int) -> GateSettings:
    return GateSettings(
        concurrency=ConcurrencySettings(initial=places, least=places, most=places),
        queue=QueueSettings(**queue),  # type: ignore[arg-type]  # counts only
        breaker=BreakerSettings(consecutive=8),
    )


def task(call: Coroutine[object, object, Permit]) -> asyncio.Task[Permit]:
    return asyncio.get_running_loop().create_task(call)


async def worker(at: TargetGate, clock: FakeClock, tenant: str, priority: Priority, *, seed: int = 0) -> Permit:
    """Calls without end."""
    rng = rng_for(tenant, seed)
    while True:
        permit = await at.enter(tenant=tenant, deadline_s=1e9, priority=priority)
        service_s = rng.lognormvariate(-0.125, 0.5)
        await clock.sleep(service_s)
        permit.close(Succeeded(service_s, service_s))
