"""What every store must do, asked of all of them: the conformance suite of `SliceStore`."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from tests.admission.limits.conftest import STORES

from penstock.admission.limits.limit import LARGEST_AMOUNT
from penstock.admission.limits.slices import FINAL_BATCH, Ask, Reply, SliceStore
from penstock.testing.chance import rng_for

pytestmark = pytest.mark.parametrize("address", STORES, indirect=True)


class Process:
    """One process's side: numbers its batches."""

    def __init__(self, store: SliceStore, lease: str) -> None:
        self._store = store
        self.lease = lease
        self.batches = count(1)

    def ask(self, **fields: Any) -> Reply:
        given: dict[str, Any] = {"key": "limit:1@60", "amount": 100, "keep": 0, "used": 0}
        return self.asks([Ask(**(given | fields))])[0]

    def asks(self, asks: Sequence[Ask], batch: int | None = None) -> tuple[Reply, ...]:
        return self._store.exchange(self.lease, next(self.batches) if batch is None else batch, asks).replies


def test_it_tells_the_time(store: SliceStore) -> None:
    first = store.exchange("a", 1, []).now
    assert first > 1_700_000_000
    assert store.exchange("a", 2, []).now >= first


def test_it_grants_what_is_needed_and_never_more_than_there_is(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    assert a.ask(least=10, need=70).held == 70
    assert b.ask(least=10, need=70).held == 30
    refused = a.ask(keep=70, least=1, need=1)
    assert (refused.held, refused.granted, refused.is_starving) == (70, 100, True)


def test_it_grants_all_of_the_least_or_nothing(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=95, need=95)
    assert b.ask(least=6, need=50).held == 0
    assert b.ask(least=5, need=50).held == 5


def test_what_is_asked_ahead_is_a_quarter_of_the_rest_at_most(store: SliceStore) -> None:
    a = Process(store, "a")
    assert a.ask(least=20, need=20, ahead=1000).held == 40
    assert a.ask(keep=40, ahead=1000).held == 55
    assert a.ask(keep=55, ahead=2).held == 57


def test_nothing_is_given_ahead_while_somebody_starves(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=90, need=90)
    assert b.ask(least=20, need=20).is_starving
    reply = a.ask(keep=50, ahead=20)
    assert (reply.held, reply.is_starving) == (50, True)
    assert b.ask(least=20, need=20).held == 20


def test_what_is_given_back_can_be_had_by_others(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=100, need=100)
    a.ask(keep=30, used=30)
    reply = b.ask(least=70, need=70)
    assert (reply.held, reply.granted, reply.used) == (70, 100, 30)


def test_a_debt_is_booked_beyond_the_amount(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=100, need=100)
    assert a.ask(keep=120, used=120).granted == 120
    assert b.ask(least=1, need=1).held == 0


def test_a_repeated_batch_changes_nothing(store: SliceStore) -> None:
    a = Process(store, "a")
    ask = [Ask(key="limit:1@60", amount=100, keep=0, used=0, least=30, need=30)]
    assert a.asks(ask, batch=7)[0].held == 30
    assert a.asks(ask, batch=7)[0].held == 30
    assert Process(store, "b").ask(least=1, need=100).held == 70


def test_a_late_batch_changes_nothing(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.asks([Ask(key="limit:1@60", amount=100, keep=0, used=0, least=60, need=60)], batch=1)
    a.asks([Ask(key="limit:1@60", amount=100, keep=60, used=40)], batch=3)
    reply = a.asks([Ask(key="limit:1@60", amount=100, keep=0, used=0)], batch=2)[0]
    assert (reply.held, reply.used) == (60, 40)
    assert b.ask(least=1, need=100).held == 40


def test_a_grant_whose_reply_was_lost_goes_back_with_the_next_batch(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=80, need=80)  # and nobody hears the reply
    assert a.ask(keep=0, least=10, need=10).held == 10
    assert b.ask(least=1, need=100).held == 90


def test_a_dead_processs_rest_goes_back_and_nothing_of_its_own_comes_after(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=80, need=80)
    a.asks([Ask(key="limit:1@60", amount=0, keep=25, used=25, expires_s=0)], batch=FINAL_BATCH)
    a.ask(keep=80, used=0, least=20, need=20)
    reply = b.ask(least=1, need=100)
    assert (reply.held, reply.used) == (75, 25)


def test_what_was_parted_with_stays_used(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=40, need=40)
    a.ask(keep=40, used=40, is_final=True)
    assert a.ask(least=10, need=10).granted == 50
    reply = b.ask(least=1, need=100)
    assert (reply.held, reply.granted, reply.used) == (50, 100, 40)


def test_a_message_from_before_the_leave_comes_to_nothing(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    early = [Ask(key="limit:1@60", amount=100, keep=0, used=0, least=40, need=40)]
    a.asks(early, batch=1)
    a.asks([Ask(key="limit:1@60", amount=100, keep=30, used=30, is_final=True)], batch=3)
    a.asks(early, batch=1)
    reply = a.asks([Ask(key="limit:1@60", amount=100, keep=0, used=0, least=50, need=50)], batch=2)[0]
    assert (reply.granted, reply.used) == (30, 30)
    assert a.asks([Ask(key="limit:1@60", amount=100, keep=0, used=0, least=10, need=10)], batch=4)[0].held == 10
    assert b.ask(least=1, need=100).held == 60


def test_a_smaller_amount_grants_nothing_until_there_is_room(store: SliceStore) -> None:
    a = Process(store, "a")
    a.ask(least=80, need=80)
    assert a.ask(amount=50, keep=80, least=1, need=1).held == 80
    assert a.ask(amount=50, keep=49, least=1, need=5).held == 50


def test_a_notice_is_given_to_one_process_until_it_is_confirmed(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    a.ask(least=60, need=60)
    assert a.ask(keep=60, used=60, crossed=0b0011).due == 0b0011
    assert b.ask(crossed=0b0011).due == 0
    assert a.ask(keep=60, used=60, crossed=0b0011).due == 0b0011
    assert a.ask(keep=60, used=60, crossed=0b0011, confirmed=0b0011).due == 0
    assert b.ask(crossed=0b0111).due == 0
    assert a.ask(keep=60, used=60, crossed=0b0111).due == 0b0100


def test_counters_do_not_touch_each_other(store: SliceStore) -> None:
    a = Process(store, "a")
    asks = [
        Ask(key=f"limit:{number}@60", amount=100, keep=0, used=0, least=number, need=number) for number in range(50)
    ]
    assert [reply.held for reply in a.asks(asks)] == list(range(50))


def test_the_largest_amounts_are_counted_exactly(store: SliceStore) -> None:
    a, b = Process(store, "a"), Process(store, "b")
    most = LARGEST_AMOUNT
    assert a.ask(amount=most, least=1, need=most - 1).held == most - 1
    assert b.ask(amount=most, least=2, need=2).held == 0
    assert b.ask(amount=most, least=1, need=2).held == 1


def test_whatever_is_asked_the_sum_stays_within_the_amount(store: SliceStore) -> None:
    """Random processes that keep, use, ask, repeat and die; without debts no sum may exceed the amount."""
    rng = rng_for(7)
    held = dict.fromkeys("abcd", 0)
    processes = {name: Process(store, name) for name in held}
    for step in range(150):
        name = rng.choice("abcd")
        keep = rng.randint(0, held[name])
        need = rng.randint(1, 60)
        reply = processes[name].ask(
            keep=keep, used=rng.randint(0, keep), least=rng.randint(0, need), need=need, ahead=rng.randint(0, 50)
        )
        held[name] = reply.held
        assert reply.held >= keep, step
        assert sum(held.values()) == reply.granted <= 100, step
