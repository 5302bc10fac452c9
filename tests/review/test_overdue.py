"""Due times, kept by a clock that only the test moves: each step once, whoever is at it and whoever dies."""

import threading
from typing import Any

import psycopg
import pytest
from tests.review.holds import EVERYBODY, NOW, act, connected, decision, hold, keep, reviewer

from penstock.review import queue
from penstock.review.hold import OverdueStep
from penstock.review.queue import Whole
from penstock.review.reviewer import HoldChanged
from penstock.review.take import tick
from penstock.testing.clock import FakeClock

STEPS = (
    OverdueStep(action="raise", priority=8, within_s=600.0),
    OverdueStep(action="escalate", group="leads", within_s=1200.0),
    OverdueStep(action="release", text="Nobody has looked at this yet."),
)


async def whole(url: str, number: int = 1) -> Whole:
    async with connected(url) as connection:
        return await queue.show(connection, f"hold_{number:04}", EVERYBODY)


def tock(url: str, clock: FakeClock) -> list[tuple[str, str]]:
    with psycopg.connect(url) as connection:
        return [(each.id, each.action) for each in tick(connection, now=clock.now())]


async def test_each_step_is_taken_when_it_is_due_and_once(database_url: str) -> None:
    clock = FakeClock(now_s=NOW)
    keep(database_url, [hold(1, overdue=STEPS), hold(2)])
    clock.advance(3599.0)
    assert tock(database_url, clock) == []
    clock.advance(1.0)
    assert tock(database_url, clock) == [("hold_0001", "raise")]
    assert tock(database_url, clock) == []
    row = (await whole(database_url)).row
    assert (row.priority, row.group, row.due_at) == (8, "support", NOW + 4200.0)
    # The worker was away for a while: who gets it next has its whole time all the same.
    clock.advance(5000.0)
    assert tock(database_url, clock) == [("hold_0001", "escalate")]
    assert tock(database_url, clock) == []
    row = (await whole(database_url)).row
    assert (row.group, row.due_at, row.state) == ("leads", clock.now() + 1200.0, "waiting")
    clock.advance(1200.0)
    assert tock(database_url, clock) == [("hold_0001", "release")]
    clock.advance(1e6)
    assert tock(database_url, clock) == []
    found = await whole(database_url)
    assert (found.row.state, found.row.ended_by, found.row.version) == ("expired", "penstock", 4)
    assert found.content["released"] == "Nobody has looked at this yet.\n\nYes, order 1 within 90 days."
    assert [event["kind"] for event in found.events] == ["held", "overdue.raise", "overdue.escalate", "overdue.release"]
    assert (await whole(database_url, 2)).row.state == "waiting"


async def test_the_last_step_may_be_a_text_of_its_own(database_url: str) -> None:
    keep(database_url, [hold(1, overdue=(OverdueStep(action="reject", text="Please call us."),))])
    assert tock(database_url, FakeClock(now_s=NOW + 3600)) == [("hold_0001", "reject")]
    assert (await whole(database_url)).content["released"] == "Please call us."


async def test_what_is_urgent_is_not_made_less_so(database_url: str) -> None:
    keep(database_url, [hold(1, priority=9, overdue=STEPS)])
    tock(database_url, FakeClock(now_s=NOW + 3600))
    assert (await whole(database_url)).row.priority == 9


async def test_whoever_is_at_it_is_left_to_it_until_the_lease_is_over(database_url: str) -> None:
    keep(database_url, [hold(1, overdue=STEPS)])
    async with connected(database_url) as connection:
        await queue.claim(connection, "hold_0001", act(now=NOW + 3590), lease_s=600)
        assert tock(database_url, FakeClock(now_s=NOW + 4189)) == []
        assert tock(database_url, FakeClock(now_s=NOW + 4190)) == [("hold_0001", "raise")]
        row = (await whole(database_url)).row
        assert (row.state, row.claimed_by) == ("waiting", None)


async def test_what_was_decided_in_time_is_never_overdue(database_url: str) -> None:
    keep(database_url, [hold(1, overdue=STEPS)])
    async with connected(database_url) as connection:
        await queue.claim(connection, "hold_0001", act(), lease_s=600)
        await queue.decide(connection, "hold_0001", act(), decision())
    assert tock(database_url, FakeClock(now_s=NOW + 1e6)) == []


async def test_what_was_released_because_it_was_overdue_is_nobodys_to_decide(database_url: str) -> None:
    keep(database_url, [hold(1, overdue=(OverdueStep(action="reject", text="Call us."),))])
    async with connected(database_url) as connection:
        await queue.claim(connection, "hold_0001", act(now=NOW + 3500), lease_s=50)
        tock(database_url, FakeClock(now_s=NOW + 3600))
        with pytest.raises(HoldChanged):
            await queue.decide(connection, "hold_0001", act(now=NOW + 3510), decision(version=2))
    assert (await whole(database_url)).content["released"] == "Call us."


def test_many_workers_take_each_step_once(database_url: str) -> None:
    keep(database_url, [hold(number, overdue=STEPS) for number in range(100)])
    begin, taken = threading.Barrier(4), list[Any]()

    def work() -> None:
        with psycopg.connect(database_url) as connection:
            begin.wait()
            while found := tick(connection, now=NOW + 3600, most=7):
                taken.extend(found)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(each.id for each in taken) == [f"hold_{number:04}" for number in range(100)]
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM hold_events WHERE kind <> 'held'").fetchone() == (100,)
        assert connection.execute("SELECT DISTINCT version FROM holds").fetchall() == [(2,)]


def test_a_worker_that_dies_between_two_steps_has_taken_none(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(database_url, [hold(number, overdue=STEPS[2:]) for number in range(3)])
    worker = psycopg.connect(database_url)
    killer = psycopg.connect(database_url, autocommit=True)
    pid = worker.info.backend_pid
    real, calls = psycopg.Connection.execute, list[str]()

    def execute(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        if self is worker and "INSERT INTO hold_releases" in str(query):
            calls.append("release")
            if len(calls) == 2:  # the first hold is done, of the second half
                real(killer, "SELECT pg_terminate_backend(%s)", (pid,))
        return real(self, query, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", execute)
        with pytest.raises(psycopg.OperationalError):
            tick(worker, now=NOW + 3600)
    assert len(calls) == 2
    counts = "SELECT (SELECT count(*) FROM hold_releases), (SELECT count(*) FROM hold_events WHERE kind <> 'held')"
    assert killer.execute(counts).fetchone() == (0, 0)
    with psycopg.connect(database_url) as second:
        assert len(tick(second, now=NOW + 3600)) == 3
    assert killer.execute(counts).fetchone() == (3, 3)
    killer.close()


async def test_an_escalated_hold_is_its_new_groups_alone(database_url: str) -> None:
    keep(database_url, [hold(1, overdue=STEPS[1:])])
    tock(database_url, FakeClock(now_s=NOW + 3600))
    async with connected(database_url) as connection:
        assert await queue.claim_next(connection, act(reviewer("eva", "support")), lease_s=600) is None
        found = await queue.claim_next(connection, act(reviewer("zoe", "leads")), lease_s=600)
    assert found is not None
