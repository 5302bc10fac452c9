"""Rules over a real database: told once by however many judge, over restarts, and never of what is not there."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.watch.alerts.conftest import TERMS, make_webhook
from tests.watch.alerts.receiver import receiving
from tests.watch.rules.scene import Scene, failed, rules

from penstock.config.alerts import RuleSettings
from penstock.storage.pool import connect
from penstock.testing.clock import FakeClock
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.rules.rule import Rule

FAULTS = """{faults: {figure: fault_rate, by: [assistant], above: 0.5, min_exchanges: 10, window_s: 300, for_s: 120,
    resolve_after_s: 180}}"""
GONE = "{gone: {kind: absence, figure: exchanges, by: [assistant], min_exchanges: 5, window_s: 300}}"


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    made = Scene(database_url)
    yield made
    made.close()


def kinds(scene: Scene) -> list[str]:
    return [kind.removeprefix("rule.") for kind, _ in scene.told()]


def test_a_rule_fires_once_it_has_held_and_is_over_once_it_has_not(scene: Scene) -> None:
    one = scene.evaluator(rules(FAULTS))
    scene.minutes(one, count=4, each=lambda: scene.settle(5, outcome="upstream_failed"))
    assert kinds(scene) == []  # ten exchanges since the second minute, which is not two minutes yet
    scene.minutes(one, count=4, each=lambda: scene.settle(5, outcome="upstream_failed"))
    assert kinds(scene) == ["firing"]
    scene.minutes(one, count=12, each=lambda: scene.settle(30))
    assert kinds(scene) == ["firing", "resolved"]
    (_, firing), (_, resolved) = scene.told()
    assert firing.startswith("rule:faults:support:")
    assert resolved == f"{firing}:resolved"
    assert "fault rate is 100 % within 5 min, above 50 %" in scene.texts()[0]
    scene.minutes(one, count=9, each=lambda: scene.settle(30, outcome="deadline"))
    assert kinds(scene) == ["firing", "resolved", "firing"]
    assert len({alert for _, alert in scene.told()}) == 3


def test_neither_a_restart_nor_a_second_control_plane_repeats_or_forgets(scene: Scene) -> None:
    made = rules(FAULTS)
    bad = lambda: scene.settle(10, outcome="failed")  # noqa: E731 - as it is called
    scene.minutes(scene.evaluator(made), scene.evaluator(made, plane="two"), count=3, each=bad)
    for _ in range(6):  # each minute by processes that have just started, at once
        bad()
        scene.clock.advance(60.0)
        barrier = threading.Barrier(3)

        def judge(name: str, barrier: threading.Barrier = barrier) -> None:
            with connect(scene.url, name="test") as connection:
                connection.autocommit = True
                barrier.wait()
                scene.evaluator(made, plane=name).tend(connection)

        threads = [threading.Thread(target=judge, args=(f"p{number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kinds(scene) == ["firing"]
    scene.minutes(scene.evaluator(made), count=12, each=lambda: scene.settle(40))
    assert kinds(scene) == ["firing", "resolved"]


def test_what_has_not_settled_is_not_judged(scene: Scene) -> None:
    one = scene.evaluator(rules("{any: {figure: faults, above: 0, window_s: 60}}"))
    scene.minutes(one)
    scene.settle(3, ago_s=1.0, outcome="failed")
    scene.minutes(one)
    assert kinds(scene) == []
    scene.minutes(one, count=2)
    assert kinds(scene) == ["firing"]


def test_a_minute_that_is_over_is_not_judged_again_by_a_slower_clock(scene: Scene) -> None:
    made = rules("{any: {figure: faults, above: 0, window_s: 60, resolve_after_s: 0}}")
    one = scene.evaluator(made)
    scene.minutes(one)
    scene.minutes(one, each=lambda: scene.settle(1, ago_s=150.0, outcome="failed"))
    assert kinds(scene) == ["firing"]
    behind = Scene(scene.url, FakeClock(now_s=scene.clock.now() - 120.0))
    behind.minutes(behind.evaluator(made, plane="behind"))
    assert kinds(scene) == ["firing"]


def test_no_traffic_is_told_where_there_was_some(scene: Scene) -> None:
    one = scene.evaluator(rules(GONE))
    scene.minutes(one, count=12, each=lambda: scene.settle(3))
    assert kinds(scene) == []
    scene.minutes(one, count=7)
    assert kinds(scene) == ["firing"]
    scene.minutes(one, count=9, each=lambda: scene.settle(3))
    assert kinds(scene) == ["firing", "resolved"]


def test_a_gap_a_late_journal_and_a_wrong_clock_are_no_absence(scene: Scene) -> None:
    def catch_up(minutes: int) -> None:
        scene.settle(3, minutes=minutes)

    made = rules(GONE)
    one = scene.evaluator(made)
    scene.minutes(one, count=12, each=lambda: scene.settle(3))
    scene.gauges["journal_age_s"] = 400.0  # everything waits in the journal, which is not shipped
    scene.minutes(one, count=8)
    assert kinds(scene) == []
    scene.gauges.clear()
    scene.minutes(one, count=1, each=lambda: catch_up(8))
    scene.minutes(one, count=3, each=lambda: scene.settle(3))
    assert kinds(scene) == []
    scene.clock.advance(3600.0)  # nobody judged, and nothing was shipped: it comes now
    scene.settle(3, ago_s=600.0, minutes=60)
    scene.minutes(one, count=4)
    assert kinds(scene) == []
    scene.minutes(one, count=3, each=lambda: catch_up(14))
    assert kinds(scene) == []
    wrong = scene.evaluator(made, plane="ahead", skew_s=7200.0)  # its clock is two hours ahead of the database's
    scene.minutes(wrong, count=3)
    assert kinds(scene) == []
    assert "+7200 s off the database's" in wrong.problems()[0]
    scene.settle(50, ago_s=-3600.0)  # of a data plane whose clock is an hour ahead
    scene.minutes(scene.evaluator(made), count=12)
    assert kinds(scene) == []


def test_a_budget_burns_only_where_both_windows_burn(scene: Scene) -> None:
    one = scene.evaluator(rules("{}", "{up: {kind: availability, target: 0.99, assistant: support}}", ready_made=True))
    scene.minutes(one)
    scene.settle(5, ago_s=38 * 60.0, minutes=20, outcome="failed")  # a third of an hour of faults that is over
    scene.settle(15, ago_s=38 * 60.0, minutes=20)
    scene.minutes(one, count=3, each=lambda: scene.settle(20))
    assert kinds(scene) == []
    scene.minutes(one, count=4, each=lambda: scene.settle(20, outcome="upstream_failed"))
    firing = {alert.split(":")[1] for _, alert in scene.told()}
    assert {"objective-up-fast", "objective-up-slow"} <= firing


def test_the_ready_made_rules_are_quiet_where_all_is_well_and_where_there_is_nothing(scene: Scene) -> None:
    one = scene.evaluator(rules("{}", ready_made=True))
    scene.minutes(one, count=3)
    scene.settle(1, outcome="failed")
    scene.minutes(one, count=8, each=lambda: scene.settle(6))
    assert scene.told() == []
    assert one.problems() == ()
    scene.minutes(one, count=3, each=lambda: scene.settle(1, outcome="failed", facts=failed("upstream_auth_failed")))
    assert [alert.split(":")[1] for _, alert in scene.told()] == ["provider-keys"]


def test_a_gauge_is_of_each_control_plane(scene: Scene) -> None:
    made = rules("{backlog: {gauge: journal_age_s, above: 300}}")
    scene.gauges["journal_age_s"] = 500.0
    scene.minutes(scene.evaluator(made), scene.evaluator(made, plane="two"), count=2)
    assert sorted(alert.split(":")[2] for _, alert in scene.told()) == ["one", "two"]


def test_a_rule_that_fails_holds_up_no_other_and_is_named(scene: Scene) -> None:
    one = scene.evaluator(rules("{a: {figure: faults, above: 0}, b: {tally: 'attempt_failed:', above: 0}}"))
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE rollup_minutes RENAME TO hidden")
        connection.execute("CREATE VIEW rollup_minutes AS SELECT * FROM hidden WHERE 1 / 0 = 1")
    scene.minutes(one)
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute("DROP VIEW rollup_minutes")
        connection.execute("ALTER TABLE hidden RENAME TO rollup_minutes")
    assert ["rule a cannot be judged" in problem for problem in one.problems()] == [True]
    scene.minutes(one, count=2, each=lambda: scene.settle(1, facts=failed("timeout")))
    assert [alert.split(":")[1] for _, alert in scene.told()] == ["b"]
    assert one.problems() == ()


def test_names_of_callers_are_only_names(scene: Scene) -> None:
    hostile = "<!channel> {value}\r\nBcc: x@example.com " + "x" * 500
    one = scene.evaluator(rules("{a: {figure: faults, by: [assistant], above: 0, text: '{group} has {value}'}}"))
    scene.minutes(one, count=2, each=lambda: scene.settle(1, outcome="failed", model=hostile))
    ((_, alert),), (text,) = scene.told(), scene.texts()
    assert text.startswith("assistant <!channel> {value}��Bcc: x@example.com")
    assert text.endswith("… has 1")
    assert len(alert) < 300


def silence(scene: Scene, minutes: float, **what: str) -> None:
    now = datetime.fromtimestamp(scene.clock.now(), UTC)
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO alert_silences (id, rule, until, reason, made_at, made_by)"
            " VALUES (%s, %s, %s, 'x', %s, 'ada')",
            (f"sil_{scene.clock.now()}", what["rule"], now + timedelta(minutes=minutes), now),
        )


def test_a_silenced_rule_is_told_when_the_silence_is_over_and_it_still_fires(scene: Scene) -> None:
    made = rules("{any: {figure: faults, above: 0, window_s: 60, resolve_after_s: 0}}")
    one = scene.evaluator(made)
    scene.minutes(one)
    with receiving() as receiver:
        deliverer = Deliverer([make_webhook(receiver)], lambda: PostgresAlerts(scene.url), TERMS, clock=scene.clock)

        def turn() -> None:
            deliverer.turn()
            deliverer.join()

        silence(scene, 30, rule="any")
        scene.settle(1, outcome="failed")
        scene.minutes(one)
        turn()
        with psycopg.connect(scene.url, autocommit=True) as connection:
            connection.execute("UPDATE alert_silences SET ended_at = until, ended_by = 'ada'")
        scene.minutes(one)
        turn()
        assert kinds(scene) == ["firing", "resolved"]
        assert receiver.messages == []  # nor that it is over: nobody was told that it fires
        silence(scene, 25, rule="any")
        scene.minutes(one, count=2, each=lambda: scene.settle(1, outcome="failed"))
        turn()
        scene.minutes(one, count=25, each=lambda: scene.settle(1, outcome="failed") or turn())
        turn()
        assert len(receiver.messages) == 1
        assert scene.told()[-1][1].endswith(":again:2")


@dataclass(frozen=True)
class Usual:
    """Of the hours before, their mean and what is within three times of it."""

    is_anomalous: bool
    expected: float | None
    low: float | None
    high: float | None


def usual(series: Sequence[tuple[float, float]], at: float) -> Usual:
    before = [value for time, value in series if time < at]
    mean = sum(before) / len(before)
    return Usual(series[-1] == (at, series[-1][1]) and series[-1][1] > 3 * mean, mean, mean / 3, 3 * mean)


def test_an_hour_that_is_not_usual_is_told_of(scene: Scene) -> None:
    settings = RuleSettings(kind="anomaly", figure="exchanges", by=("assistant",), window_s=3600.0)
    one = scene.evaluator((Rule(name="odd", settings=settings),), anomalies=usual)
    into_hour_s = scene.clock.now() % 3600.0
    for hour in range(1, 8):
        scene.settle(5, ago_s=into_hour_s + 3600.0 * hour - 1800.0)
    scene.minutes(one, count=7)
    assert kinds(scene) == []
    scene.settle(40, ago_s=-60.0)
    scene.clock.advance(3600.0)
    scene.settle(1)
    scene.minutes(one, count=7)
    assert kinds(scene) == ["firing"]
    assert "is 40, which is not usual at this hour: 15 would be the bound" in scene.texts()[0]
