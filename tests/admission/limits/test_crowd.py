"""A crowd against a budget, through the engine: answers whole and streamed, clients that leave, calls that break off,
fallbacks and hedges.  Never more is admitted than fits, and what is booked is what the ledger has.
"""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest
from tests.admission.limits.scene import deaf, flat_price, utc
from tests.flow.scene import Scene
from tests.flow.test_hedge import learn

from penstock.admission.limits.limit import Budget, Limit
from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.opening import LimitPlace, open_limits
from penstock.config.targets import HedgeSettings, RetrySettings
from penstock.core.chat import ChatRequest
from penstock.core.facts import ExtraCallBilled, Hedged
from penstock.testing.clock import FakeClock

CROWD = 500
WORTH = 100
ANSWER = 10
EACH = 12 + ANSWER
"""What is reserved for a request: its prompt by its length, and its whole answer."""
GENEROUS = HedgeSettings(max_calls=1.0, max_spend=1.0)
PATIENT = RetrySettings(ratio=1.0, floor=10_000)


@dataclass(frozen=True)
class Case:
    """`at_most` requests are let in, which leaves room for extra calls."""

    name: str
    targets: tuple[str, ...] = (f"sim:first=50ms,gap=20ms,tokens={ANSWER}",)
    is_streamed: bool = True
    is_hedged: bool = False
    leaving: bool = False
    at_most: int = WORTH


CASES = (
    Case("unary", is_streamed=False),
    Case("streams"),
    Case("leavers", leaving=True),
    Case("fallback", ("sim:fault=status@503", f"sim:first=50ms,tokens={ANSWER}")),
    Case("broken off", ("sim:fault=reset@0", f"sim:first=50ms,tokens={ANSWER}")),
    Case("broken off unary", ("sim:fault=reset@0", f"sim:first=50ms,tokens={ANSWER}"), is_streamed=False),
    Case("hedged", (f"sim:first=3s,tokens={ANSWER}", f"sim:first=20ms,tokens={ANSWER}"), is_hedged=True, at_most=60),
    Case("hedged without room", (f"sim:first=3s,tokens={ANSWER}", f"sim:first=20ms,tokens={ANSWER}"), is_hedged=True),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_never_more_is_admitted_than_fits_and_the_books_agree(case: Case) -> None:
    async def play() -> None:
        clock = FakeClock()
        stage = open_limits(
            [
                Budget(name="b", per="month", scope=("tenant",), hard_nanousd=WORTH * EACH),
                Limit(name="r", unit="requests", amount=case.at_most, per="month"),
                Limit(name="t", unit="tokens", amount=10**9, per="month", scope=("target",)),
            ],
            store=MemoryStore(clock),
            clock=clock,
            price=flat_price,
            on_notice=deaf,
            zone_of=utc,
            place=LimitPlace(None, 60),
        )
        stage.supply.start()
        first: Scene | None = None
        scenes: list[Scene] = []
        for _ in range(CROWD):
            scene = Scene(
                targets=case.targets,
                is_streamed=case.is_streamed,
                is_hedged=case.is_hedged,
                max_attempts=3,
                hedging=GENEROUS,
                retry_settings=PATIENT,
                guards=(stage,),
                allowance=stage,
                clock=clock,
                beside=first,
            )
            request = scene.exchange.request
            assert isinstance(request, ChatRequest)
            scene.exchange.request = msgspec.structs.replace(request, max_tokens=ANSWER)
            first = first or scene
            scenes.append(scene)
        assert first is not None
        if case.is_hedged:
            await learn(first, case.targets[0], times=60)
        for scene in scenes:
            await scene.begin()
        counters = {each.rule.name: each for each in stage.supply.book.counters if each.rule.name == "b"}
        most = 0
        for step in range(200):
            clock.advance(0.05)
            await clock.settle()
            most = max(most, counters["b"].spent)
            if case.leaving and step == 3:
                for scene in scenes[: WORTH // 2]:
                    scene.handle.client_left()
        for scene in scenes:
            assert scene._task is not None  # pyright: ignore[reportPrivateUsage] - `end` wants the limits' timer gone
            await scene._task  # pyright: ignore[reportPrivateUsage] - as above

        assert most <= WORTH * EACH
        records = [scene.ledger.only() for scene in scenes]
        admitted = [record for record in records if record.attempts]
        refused = [record for record in records if record.outcome_code in {"budget_exhausted", "rate_limited"}]
        assert len(admitted) + len(refused) == CROWD
        assert 0 < len(admitted) <= case.at_most
        known = sum(record.cost_nanousd for record in admitted if record.cost_nanousd is not None)
        unknown = sum(record.cost_nanousd is None for record in admitted)
        assert known <= WORTH * EACH
        booked = counters["b"].spent
        assert known + unknown * EACH <= booked <= known + unknown * 2 * EACH
        assert booked == counters["b"].used <= WORTH * EACH
        if unknown == 0:
            assert booked == known
        extra = sum(isinstance(fact, ExtraCallBilled) for record in admitted for fact in record.facts)
        if case.is_hedged:
            assert sum(isinstance(fact, Hedged) for record in admitted for fact in record.facts) > 0
        assert (extra > 0) == ("broken" in case.name or case.name == "hedged")
        at_targets = [each.spent for each in stage.supply.book.counters if each.rule.name == "t"]
        if unknown == 0:
            assert sum(at_targets) == known
        assert all(gate.in_flight == gate.waiting == 0 for gate in first.gates)

    asyncio.run(play())
