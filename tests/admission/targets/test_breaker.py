"""The breaker opens on failures and never on throttling, probes one at a time, and speaks with the fleet."""

from heapq import heappop, heappush

import pytest

from penstock.admission.targets.breaker import Breaker, BreakerChange, BreakerSnapshot, Verdict
from penstock.config.targets import BreakerSettings
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock


class Scene:
    def __init__(self, clock: FakeClock | None = None, **settings: float) -> None:
        self.clock = clock or FakeClock()
        self.changes: list[BreakerChange] = []
        self.breaker = Breaker(
            BreakerSettings(**settings),  # type: ignore[arg-type]  # the fields are numbers, and msgspec has them so
            self.clock,
            rng_for("breaker"),
            self.changes.append,
        )

    def calls(self, verdict: Verdict, times: int = 1) -> None:
        for _ in range(times):
            token = self.breaker.try_take()
            assert token is not None
            self.breaker.give(token, verdict)

    def open(self) -> None:
        self.calls("bad", 8)
        assert self.breaker.state == "open"


def test_failures_in_a_row_open_it_and_calls_are_held_back() -> None:
    scene = Scene()
    scene.calls("bad", 7)
    assert scene.breaker.try_take() is not None
    scene.calls("bad")
    assert scene.breaker.state == "open"
    assert scene.breaker.try_take() is None
    assert 4.0 <= scene.breaker.retry_after_s <= 6.0
    assert [(change.before, change.after) for change in scene.changes] == [("closed", "open")]


def test_half_of_many_failing_opens_it_but_not_of_few() -> None:
    scene = Scene()
    for _ in range(9):
        scene.calls("bad")
        scene.calls("good")
    assert scene.breaker.state == "closed"
    scene.calls("good")
    scene.calls("bad")
    assert scene.breaker.state == "open"


def test_six_per_cent_of_failures_do_not_open_it() -> None:
    scene = Scene()
    rng = rng_for("failures")
    for _ in range(20_000):
        scene.calls("bad" if rng.random() < 0.06 else "good")
        scene.clock.advance(0.01)
    assert scene.changes == []


@pytest.mark.parametrize(("good_s", "bad_s"), [(2.0, 0.01), (0.01, 2.0), (1.0, 1.0)])
def test_six_per_cent_of_failures_do_not_open_it_whatever_the_answers_take(good_s: float, bad_s: float) -> None:
    scene = Scene()
    rng = rng_for("failures at once")
    under_way: list[tuple[float, int, Verdict]] = []
    for number in range(20_000):
        scene.clock.advance(0.005)
        while under_way and under_way[0][0] <= number * 0.005:
            _, token, verdict = heappop(under_way)
            scene.breaker.give(token, verdict)
        token = scene.breaker.try_take()
        assert token is not None
        is_bad = rng.random() < 0.06
        heappush(under_way, (number * 0.005 + (bad_s if is_bad else good_s), token, "bad" if is_bad else "good"))
    assert scene.changes == []


def test_an_outage_is_seen_while_answers_from_before_still_come_in() -> None:
    scene = Scene(min_calls=10_000)
    slow = [scene.breaker.try_take() for _ in range(100)]
    sent = 0
    for token in slow:
        assert token is not None
        scene.calls("bad")
        sent += 1
        if scene.breaker.state == "open":
            break
        scene.breaker.give(token, "good")
    assert scene.breaker.state == "open"
    assert sent <= 9, "the first failure, and as many as make a row"


def test_failures_of_long_ago_do_not_count() -> None:
    scene = Scene(consecutive=1_000)
    scene.calls("bad", 19)
    scene.clock.advance(31.0)
    scene.calls("bad")
    assert scene.breaker.state == "closed"


def test_throttling_is_not_being_down() -> None:
    scene = Scene()
    scene.calls("alive", 1_000)
    assert scene.breaker.state == "closed"


def test_one_probe_at_a_time_and_two_good_ones_close_it() -> None:
    scene = Scene()
    scene.open()
    scene.clock.advance(6.1)
    probe = scene.breaker.try_take()
    assert probe is not None
    assert scene.breaker.try_take() is None
    scene.breaker.give(probe, "good")
    assert scene.breaker.state == "half_open"
    scene.calls("good")
    assert scene.breaker.state == "closed"


def test_a_probe_that_was_cancelled_makes_room_for_another() -> None:
    scene = Scene()
    scene.open()
    scene.clock.advance(6.1)
    scene.calls("none")
    assert scene.breaker.state == "half_open"
    assert scene.breaker.try_take() is not None


def test_each_failed_probe_doubles_the_wait_up_to_its_bound() -> None:
    scene = Scene()
    scene.open()
    waits: list[float] = []
    for _ in range(8):
        waits.append(scene.breaker.retry_after_s)
        scene.clock.advance(scene.breaker.retry_after_s)
        scene.calls("bad")
    for number, wait_s in enumerate(waits):
        wanted_s = min(15.0, 5.0 * 2.0**number)
        assert 0.8 * wanted_s <= wait_s <= 1.2 * wanted_s
    assert len({round(wait_s / min(15.0, 5.0 * 2.0**n), 6) for n, wait_s in enumerate(waits)}) == 8, "with jitter"


def test_calls_from_before_it_opened_are_no_probes() -> None:
    scene = Scene()
    late = [scene.breaker.try_take() for _ in range(5)]
    scene.open()
    scene.clock.advance(6.1)
    assert scene.breaker.state == "half_open"
    for token in late:
        assert token is not None
        scene.breaker.give(token, "good")
    assert scene.breaker.state == "half_open"
    probe = scene.breaker.try_take()
    assert probe is not None
    assert scene.breaker.try_take() is None, "their ends did not free a probe's place"


def test_the_fleet_shares_an_open_breaker_and_its_closing() -> None:
    clock = FakeClock()
    ours, theirs = Scene(clock), Scene(clock)
    clock.advance(1.0)
    ours.open()
    theirs.breaker.apply(ours.breaker.snapshot())
    assert theirs.breaker.state == "open"
    assert 1.0 <= theirs.breaker.retry_after_s / ours.breaker.retry_after_s <= 1.2, "who found it probes first"
    assert [change.was_remote for change in theirs.changes] == [True]
    clock.advance(6.1)
    ours.calls("good", 2)
    theirs.breaker.apply(ours.breaker.snapshot())
    assert theirs.breaker.state == "closed"


def test_old_news_of_the_fleet_changes_nothing() -> None:
    clock = FakeClock()
    ours, theirs = Scene(clock), Scene(clock)
    old = ours.breaker.snapshot()
    clock.advance(1.0)
    theirs.open()
    theirs.breaker.apply(old)
    assert theirs.breaker.state == "open"


def test_what_another_process_says_does_not_close_us_out_for_longer_than_the_settings_do() -> None:
    here = Scene()
    here.breaker.apply(BreakerSnapshot(state="open", age_s=0.0, left_s=3600.0, openings=1))
    assert here.breaker.state == "open"
    assert here.breaker.retry_after_s <= 144.0


def test_a_process_that_has_just_started_believes_what_was_found_before() -> None:
    here = Scene()
    here.breaker.apply(BreakerSnapshot(state="open", age_s=3.0, left_s=2.0, openings=1))
    assert here.breaker.state == "open"


def test_a_probe_that_succeeded_elsewhere_closes_it_also_where_it_became_half_open_since() -> None:
    here = Scene()
    here.open()
    here.clock.advance(6.1)
    assert here.breaker.state == "half_open"
    here.breaker.apply(BreakerSnapshot(state="closed", age_s=0.5, left_s=0.0, openings=0))
    assert here.breaker.state == "closed"


def test_a_probe_that_failed_elsewhere_does_not_silence_ours() -> None:
    here = Scene()
    here.open()
    here.clock.advance(6.1)
    probe = here.breaker.try_take()
    assert probe is not None
    here.breaker.apply(BreakerSnapshot(state="open", age_s=0.0, left_s=10.0, openings=2))
    here.breaker.give(probe, "good")
    here.calls("good")
    assert here.breaker.state == "closed"


DOWN_ELSEWHERE = BreakerSnapshot(state="open", age_s=0.0, left_s=5.0, openings=1)


def test_what_works_for_us_is_not_taken_away_by_another_process_until_a_call_of_ours_fails() -> None:
    here = Scene()
    here.calls("good", 3)
    here.breaker.apply(DOWN_ELSEWHERE)
    assert here.breaker.state == "closed"
    here.calls("bad")
    assert here.breaker.state == "open"
    assert [change.was_remote for change in here.changes] == [True], "the fleet knows already"


def test_a_good_call_refutes_what_another_process_found_and_one_from_before_does_not() -> None:
    here = Scene()
    here.calls("good", 3)
    early = here.breaker.try_take()
    assert early is not None
    here.breaker.apply(DOWN_ELSEWHERE)
    here.breaker.give(early, "good")
    here.calls("bad")
    assert here.breaker.state == "open", "the good call was sent before"
    here = Scene()
    here.calls("good", 3)
    here.breaker.apply(DOWN_ELSEWHERE)
    here.calls("good")
    here.calls("bad", 7)
    assert here.breaker.state == "closed"


def test_what_worked_long_ago_is_no_evidence() -> None:
    here = Scene()
    here.calls("good", 3)
    here.clock.advance(31.0)
    here.breaker.apply(DOWN_ELSEWHERE)
    assert here.breaker.state == "open"


def test_a_warning_ends_with_the_time_for_which_it_was_given() -> None:
    here = Scene()
    here.calls("good", 3)
    here.breaker.apply(DOWN_ELSEWHERE)
    here.clock.advance(7.0)
    here.calls("bad")
    assert here.breaker.state == "closed"


def test_an_operators_order_holds_whatever_we_know_and_for_as_long_as_it_says() -> None:
    here = Scene()
    here.calls("good", 3)
    here.breaker.apply(BreakerSnapshot(state="open", age_s=0.0, left_s=3600.0, openings=0, is_ordered=True), "upgrade")
    assert (here.breaker.state, here.breaker.reason) == ("open", "upgrade")
    here.clock.advance(3599.0)
    assert here.breaker.try_take() is None
    here.clock.advance(1.1)
    assert here.breaker.state == "half_open"
    here.breaker.apply(BreakerSnapshot(state="closed", age_s=9.0, left_s=0.0, openings=0, is_ordered=True))
    assert here.breaker.state == "closed"
