"""Exchanges that a limit is asked for."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.admission.limits.scene import Scene

from penstock.admission.limits.limit import Limit
from penstock.core.errors import BudgetExhausted, RateLimited
from penstock.core.exchange import Exchange

FIVE_A_MINUTE = Limit(name="rpm", unit="requests", amount=5, per="minute", scope=("tenant",))


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


async def admitted(scene: Scene, times: int, **fields: Any) -> list[Exchange]:
    """Those of `times` requests at once that were let in."""
    made = [scene.exchange(**fields) for _ in range(times)]
    outcomes = await asyncio.gather(*(scene.enter(each) for each in made), return_exceptions=True)
    for outcome in outcomes:
        assert isinstance(outcome, Exchange | RateLimited | BudgetExhausted), outcome
    return [each for each in outcomes if isinstance(each, Exchange)]
