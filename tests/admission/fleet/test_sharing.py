"""A fleet on simulated time: what one finds the others act upon, limits are divided, and a lost board harms nobody."""

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest
from tests.admission.fleet.memory import MemoryBoard
from tests.admission.fleet.replicas import GOOD, Fleet

from penstock.admission.fleet.board import Finding, Report
from penstock.admission.fleet.link import A_SECOND, BEAT_S, BURST, SILENT_S
from penstock.admission.targets.breaker import BreakerChange, BreakerSnapshot, State
from penstock.core.outcome import FAILED


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def order(board: MemoryBoard, state: str, left_s: float = 0.0) -> None:
    finding = Finding(
        target="t",
        stamp=f"order:{state}",
        after="",
        state=state,  # type: ignore[arg-type]  # one of the two
        age_s=0.0,
        left_s=left_s,
        openings=0,
        reason="upgrade",
        is_ordered=True,
    )
    board.another().exchange(Report(place="ada", findings=(finding,), silent_s=SILENT_S))


def test_what_one_replica_finds_down_the_other_passes_over_without_a_failure_of_its_own() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        fleet.run(2.0)
        await a.fail("t")
        fleet.run(0.3)
        assert b.state("t") == "open"
        assert not await b.call("t", GOOD)
        assert [(name, change.was_remote) for name, change in b.changes] == [("t", True)]
        assert b.gate("t").breaker.reason == "a: 8 calls failed in a row"

    play(scene())


def test_a_probe_that_succeeded_anywhere_closes_it_everywhere() -> None:
    async def scene() -> None:
        fleet = Fleet("abc")
        a, b, c = fleet.replicas
        await a.fail("t")
        fleet.run(0.3)
        assert [replica.state("t") for replica in (a, b, c)] == ["open"] * 3
        fleet.run(7.5)
        await b.call("t", GOOD)
        await b.call("t", GOOD)
        fleet.run(0.3)
        assert [replica.state("t") for replica in (a, b, c)] == ["closed"] * 3

    play(scene())


def test_one_replica_with_a_broken_network_takes_no_target_from_those_for_whom_it_works() -> None:
    async def scene() -> None:
        fleet = Fleet("abc")
        a, b, c = fleet.replicas
        for _ in range(600):
            await a.call("t", FAILED)
            assert await b.call("t", GOOD)
            assert await c.call("t", GOOD)
            fleet.run(0.1)
        assert a.state("t") != "closed"
        assert b.changes == c.changes == []

    play(scene())


def test_a_target_that_goes_down_costs_every_other_replica_one_call() -> None:
    async def scene() -> None:
        fleet = Fleet("abcd")
        for replica in fleet.replicas:
            await replica.call("t", GOOD)
        await fleet.replicas[0].fail("t")
        fleet.run(0.3)
        for replica in fleet.replicas[1:]:
            assert await replica.call("t", FAILED)
            assert not await replica.call("t", FAILED)
        findings = fleet.board.shared.findings
        fleet.run(3.0)
        assert fleet.board.shared.findings == findings, "what all know is not told again"

    play(scene())


def test_a_replica_that_starts_learns_the_present_state() -> None:
    async def scene() -> None:
        fleet = Fleet("a")
        await fleet.replicas[0].fail("t")
        fleet.run(2.0)
        late = fleet.join("b")
        fleet.run(0.1)
        assert late.state("t") == "open"

    play(scene())


def test_clocks_that_disagree_by_an_hour_change_nothing() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        for skew_s in (3600.0, -3600.0):
            fleet.board.shared.skew_s += skew_s
            fleet.run(3.0)
            await a.fail("t")
            fleet.run(1.5)
            assert b.state("t") == "open"
            assert b.gate("t").breaker.retry_after_s < 8.0
            fleet.run(7.5)
            for _ in range(2):
                await b.call("t", GOOD)
            fleet.run(1.0)
            assert (a.state("t"), b.state("t")) == ("closed", "closed")
            fleet.run(60.0)

    play(scene())


def test_a_store_whose_clock_is_moved_frees_nobodys_share_for_longer_than_a_beat() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        await a.call("t", GOOD)
        await b.call("t", GOOD)
        fleet.run(4.0)
        fleet.board.shared.skew_s += 3600.0
        highest = 0.0
        for _ in range(60):
            fleet.run(0.1)
            highest = max(highest, a.sharing.part("t"), b.sharing.part("t"))
        assert highest <= 0.75
        assert (a.sharing.part("t"), b.sharing.part("t")) == (0.5, 0.5)

    play(scene())


def test_a_lost_board_leaves_each_with_its_own_and_hears_it_all_when_it_is_back() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        fleet.run(2.0)
        fleet.board.shared.is_lost = True
        await a.fail("t")
        fleet.run(2.0)
        assert (a.state("t"), b.state("t")) == ("open", "closed")
        fleet.board.shared.is_lost = False
        fleet.run(2.0)
        assert b.state("t") == "open"

    play(scene())


def test_a_probe_that_succeeded_while_the_board_was_away_closes_it_everywhere_afterwards() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        await a.fail("t")
        fleet.run(7.5)
        fleet.board.shared.is_lost = True
        for _ in range(2):
            await a.call("t", GOOD)
        fleet.run(2.0)
        assert (a.state("t"), b.state("t")) == ("closed", "half_open")
        fleet.board.shared.is_lost = False
        fleet.run(2.0)
        assert b.state("t") == "closed"

    play(scene())


def test_a_finding_from_before_an_outage_does_not_undo_what_was_found_since() -> None:
    async def scene() -> None:
        fleet = Fleet("abc")
        a, b, c = fleet.replicas
        fleet.run(2.0)
        a.is_alive = False  # its way to the board is cut, not its way to the target
        await a.fail("t")
        fleet.run(20.0)
        await b.fail("t")
        fleet.run(8.0)
        for _ in range(2):
            await b.call("t", GOOD)
        fleet.run(1.0)
        a.is_alive = True
        fleet.run(3.0)
        assert [replica.state("t") for replica in (a, b, c)] == ["closed"] * 3

    play(scene())


def test_what_a_store_has_forgotten_it_is_told_again() -> None:
    async def scene() -> None:
        fleet = Fleet("a")
        await fleet.replicas[0].fail("t")
        fleet.run(1.0)
        fleet.board.shared.states.clear()
        fleet.run(3.2)
        assert fleet.board.shared.states["t"].finding.state == "open"

    play(scene())


def test_flapping_targets_make_no_storm() -> None:
    """Ten replicas, each of which sees fifty targets go down and come up all the time."""

    async def scene() -> None:
        fleet = Fleet("abcdefghij")
        seconds = 60
        for step in range(seconds * 10):
            for replica in fleet.replicas:
                for number in range(50):
                    replica.sharing.changed(f"t{number}", _flap(number, step))
            fleet.run(0.1)
        board = fleet.board.shared
        said = sum(replica.board.exchanges for replica in fleet.replicas)
        heard = board.notices
        assert said <= len(fleet.replicas) * (BURST + seconds * (A_SECOND + 1.0 / BEAT_S))
        assert (said + heard) / seconds < 100

    play(scene())


def _flap(number: int, step: int) -> BreakerChange:
    after: State = "open" if (step + number) % 2 else "closed"
    return BreakerChange(
        before="closed",
        after=after,
        reason="flapping",
        was_remote=False,
        snapshot=BreakerSnapshot(state=after, age_s=0.0, left_s=5.0, openings=1),
    )


def test_an_operators_order_reaches_all_and_outlives_a_good_probe() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        await a.call("t", GOOD)
        order(fleet.board, "open", left_s=600.0)
        fleet.run(0.3)
        assert (a.state("t"), b.state("t")) == ("open", "open")
        fleet.run(500.0)
        assert not await b.call("t", GOOD)
        late = fleet.join("c")
        fleet.run(0.2)
        assert late.state("t") == "open"
        order(fleet.board, "closed")
        fleet.run(1.7)
        assert [replica.state("t") for replica in fleet.replicas] == ["closed"] * 3

    play(scene())


def test_announced_limits_are_divided_among_those_who_call_and_given_back_by_the_dead() -> None:
    async def scene() -> None:
        fleet = Fleet("abc")
        a, b, c = fleet.replicas
        for replica in (a, b):
            await replica.call("t", GOOD)
        await c.call("u", GOOD)
        fleet.run(3.5)
        assert [replica.sharing.part("t") for replica in (a, b)] == [0.5, 0.5]
        assert c.sharing.part("t") == 1 / 3, "a newcomer's part is kept free for it"
        assert c.sharing.part("u") == 1.0
        await c.call("t", GOOD)
        fleet.run(3.5)
        assert [replica.sharing.part("t") for replica in (a, b, c)] == [1 / 3] * 3
        c.is_alive = False
        parts: list[float] = []
        for _ in range(10):
            for replica in (a, b):
                await replica.call("t", GOOD)
            fleet.run(1.0)
            parts.append(a.sharing.part("t"))
        assert parts[-1] == pytest.approx(0.5, rel=0.06)
        assert parts == sorted(parts)
        assert all(after - before <= 0.1 for before, after in pairwise(parts)), "smoothly"

    play(scene())


def test_one_who_has_not_called_for_a_minute_has_no_part() -> None:
    async def scene() -> None:
        fleet = Fleet("ab")
        a, b = fleet.replicas
        await a.call("t", GOOD)
        await b.call("t", GOOD)
        fleet.run(3.5)
        assert a.sharing.part("t") == 0.5
        fleet.run(50.0)
        await a.call("t", GOOD)
        fleet.run(20.0)
        assert a.sharing.part("t") == 1.0

    play(scene())


def test_the_parts_of_all_who_call_never_exceed_the_whole_once_they_know_of_each_other() -> None:
    async def scene() -> None:
        fleet = Fleet("a")
        for name in "bcdef":
            for replica in fleet.replicas:
                await replica.call("t", GOOD)
            fleet.run(3.5)
            newcomer = fleet.join(name)
            fleet.run(0.2)
            await newcomer.call("t", GOOD)
            fleet.run(2 * BEAT_S + 0.3)
            assert sum(replica.sharing.part("t") for replica in fleet.replicas) <= 1.0 + 1e-9

    play(scene())
