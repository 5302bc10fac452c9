"""The bound on exchanges in flight: never passed, and every place comes back."""

import asyncio

import pytest

from penstock.admission.inflight import InFlightLimit
from penstock.core.chat import ChatRequest
from penstock.core.errors import Overloaded
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.testing.clock import FakeClock


def exchange(number: int) -> Exchange:
    return Exchange(
        id=ExchangeId(f"ex_{number}"),
        principal=Principal("acme", "key_1"),
        request=ChatRequest(dialect="openai-chat", model="sim", messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=1_000.0,
        deadline_s=1_060.0,
        gone_policy="abort",
    )


def test_the_exchange_past_the_limit_is_told_to_come_back_and_takes_no_place() -> None:
    limit = InFlightLimit(2, FakeClock())
    entered = [exchange(1), exchange(2)]
    for each in entered:
        asyncio.run(limit.enter(each))
    late = exchange(3)
    with pytest.raises(Overloaded) as caught:
        asyncio.run(limit.enter(late))
    assert (caught.value.status, caught.value.retry_after_s) == (503, 1.0)
    assert (late.leases, limit.taken) == ([], 2)
    entered[0].leases[0].settle(entered[0])
    asyncio.run(limit.enter(late))
    assert limit.taken == 2


def test_a_place_settled_twice_frees_only_itself() -> None:
    limit = InFlightLimit(5, FakeClock())
    first, second = exchange(1), exchange(2)
    for each in (first, second):
        asyncio.run(limit.enter(each))
    first.leases[0].settle(first)
    first.leases[0].settle(first)
    assert limit.taken == 1
