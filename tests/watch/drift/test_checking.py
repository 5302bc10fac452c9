"""From the ledger to an alert: every exchange counts once, and each change is told once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest
from tests.watch.drift.hours import hours_of, sums_of

from penstock.config.drift import DriftSettings
from penstock.storage.pool import connect
from penstock.testing.clock import FakeClock
from penstock.watch.drift import store
from penstock.watch.drift.checking import Checking

HOUR = 25_600 * 24
"""A midnight of 2040: a control plane that runs beside the test takes nothing of it for old."""
WEEK = 168
SETTINGS = DriftSettings()


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="test") as connection:
        connection.autocommit = True
        yield connection


def exchanges(database: psycopg.Connection, hour: int, count: int, *, minute: int = 0, model: str = "m") -> None:
    database.execute(
        "INSERT INTO ledger (started_at, duration_s, input_tokens, output_tokens, cache_read_tokens,"
        " cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, dialect,"
        " operation, model, outcome, usage_accuracy, cost_accuracy, config_hash, facts) SELECT"
        " %s, 0.5, 100, 10, 0, 0, 0, 7, 1, false, gen_random_uuid()::text, 't', 'k', 'openai-chat', 'chat', %s,"
        " 'completed', 'exact', 'exact', 'h', '[{\"fact\": \"claims_traced\", \"claims\": 2, \"supported\": 1}]'"
        " FROM generate_series(1, %s)",
        [datetime.fromtimestamp(hour * 3600, UTC) + timedelta(minutes=minute), model, count],
    )


def counts(database: psycopg.Connection) -> list[tuple[int, str, int, int]]:
    rows = database.execute("SELECT hour, assistant, exchanges, features FROM drift_hours ORDER BY 1, 2").fetchall()
    return [(hour - HOUR, assistant, number, features["groundedness"][0]) for hour, assistant, number, features in rows]


def past(database: psycopg.Connection, hours: int, *, changed_at: int) -> None:
    pieces = hours_of(lambda hour: 0.81 if hour >= changed_at else 0.9, hours=hours, count=60)
    rows = [
        (HOUR + hour, sums.count, "support", msgspec.json.encode({"groundedness": sums}).decode())
        for hour, sums in sums_of(pieces).items()
    ]
    with database.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO drift_hours (hour, exchanges, assistant, features) VALUES (%s, %s, %s, %s)", rows
        )


def clock_at(hour: int) -> FakeClock:
    return FakeClock(now_s=hour * 3600 + 301)


def test_an_hour_is_summed_up_whole_however_often(database: psycopg.Connection) -> None:
    exchanges(database, HOUR, 5)
    exchanges(database, HOUR, 3, minute=59, model="n")
    exchanges(database, HOUR + 1, 2)  # the running hour
    clock = clock_at(HOUR + 1)
    checking = Checking(SETTINGS, clock)
    checking.tend(database)
    checking.tend(database)
    assert counts(database) == [(0, "m", 5, 5), (0, "n", 3, 3)]
    exchanges(database, HOUR, 1)  # came late: its journal waited
    Checking(SETTINGS, clock).tend(database)
    assert counts(database) == [(0, "m", 6, 6), (0, "n", 3, 3)]


def test_of_a_flood_the_first_of_every_slice_are_read(database: psycopg.Connection) -> None:
    exchanges(database, HOUR, store.MOST_IN_SLICE + 50)
    exchanges(database, HOUR, 10, minute=30)
    assert store.sum_up(database, HOUR, now=0.0) == store.MOST_IN_SLICE + 10


def test_a_change_is_found_and_told_once_whoever_looks(database: psycopg.Connection) -> None:
    at = 8 * WEEK + 12
    past(database, at + 72, changed_at=at)
    for hour in (at + 1, at + 24, at + 25, at + 48, at + 72):
        for _ in range(2):  # two control planes, or one that began anew
            Checking(SETTINGS, clock_at(HOUR + hour)).tend(database)
    ((assistant, finding),) = store.read_findings(database, 0)
    assert (assistant, finding.feature, finding.found) == ("support", "groundedness", HOUR + at + 24)
    alerts = database.execute("SELECT id, kind, severity, subject, text, facts FROM alerts").fetchall()
    ((identity, kind, severity, subject, text, facts),) = alerts
    assert (identity, kind) == (f"drift.found:support:groundedness:{finding.found}", "drift.found")
    assert (severity, subject) == ("warning", "support")
    assert "groundedness fell from 0.9" in text
    assert facts["since"] == finding.since


def test_nothing_is_written_of_a_finding_whose_alert_cannot_be(database: psycopg.Connection) -> None:
    at = 8 * WEEK + 12
    past(database, at + 24, changed_at=at)
    database.execute("ALTER TABLE alerts RENAME TO away")
    with pytest.raises(psycopg.errors.UndefinedTable):
        Checking(SETTINGS, clock_at(HOUR + at + 24)).tend(database)
    assert store.read_findings(database, 0) == []
    database.execute("ALTER TABLE away RENAME TO alerts")
    Checking(SETTINGS, clock_at(HOUR + at + 24)).tend(database)
    assert len(store.read_findings(database, 0)) == 1


def test_one_looks_at_a_time_and_none_where_it_is_off(database: psycopg.Connection, database_url: str) -> None:
    exchanges(database, HOUR, 5)
    with connect(database_url, name="other") as other:
        assert store.is_alone(other)
        Checking(SETTINGS, clock_at(HOUR + 1)).tend(database)
    Checking(DriftSettings(enabled=False), clock_at(HOUR + 1)).tend(database)
    assert counts(database) == []


def test_what_is_old_is_forgotten(database: psycopg.Connection) -> None:
    past(database, 24, changed_at=24)
    Checking(SETTINGS, clock_at(HOUR + 24 + SETTINGS.keep_days * 24 - 12)).tend(database)
    assert database.execute("SELECT count(*) FROM drift_hours").fetchone() == (12,)
