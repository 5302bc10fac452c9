"""Whatever of days and months is closed, questions are answered as from the rows by the hour."""

import random
import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.watch.rollups.scene import arrivals, random_record, undo_tallies_of_all

from penstock.core.record import Settled
from penstock.storage.migrate import migrate
from penstock.testing.clock import FakeClock
from penstock.watch.figures.question import Question
from penstock.watch.figures.store import Line, Tally, ask_now, ask_tallies_now
from penstock.watch.figures.sums import Times
from penstock.watch.rollups.closing import RollupClosing, close_one, reopen
from penstock.watch.rollups.keeping import RollupRetention
from penstock.watch.rollups.recount import recount
from penstock.watch.rollups.tables import VERSION
from penstock.watch.store import LedgerWriter

BEGAN = datetime(2026, 8, 20, 13, 30, tzinfo=UTC)
DAYS = 80
BOTH: frozenset[Times] = frozenset({"durations", "firsts"})
NOW = BEGAN + timedelta(days=DAYS)
QUESTIONS = [
    Question(since=BEGAN, until=NOW, times=BOTH),
    Question(since=BEGAN + timedelta(days=3, hours=5), until=NOW - timedelta(days=20, hours=3), by=("assistant",)),
    Question(since=datetime(2026, 9, 1, tzinfo=UTC), until=datetime(2026, 11, 1, tzinfo=UTC), times=BOTH),
    Question(since=datetime(2026, 9, 7, tzinfo=UTC), until=datetime(2026, 9, 7, 23, tzinfo=UTC), by=("key",)),
    Question(since=BEGAN, until=NOW, step="day", times=BOTH),
    Question(since=BEGAN, until=NOW, step="month", by=("tenant",)),
    Question(since=BEGAN, until=NOW, step="month", zone=ZoneInfo("Europe/Berlin")),
    Question(since=BEGAN, until=NOW, step="month", zone=ZoneInfo("Asia/Tokyo"), times=BOTH),
    Question(since=BEGAN, until=NOW, step="day", zone=ZoneInfo("America/New_York"), filters={"tenant": "acme"}),
    *(
        Question(since=BEGAN + timedelta(hours=at), until=NOW, step="day", zone=ZoneInfo(zone), times=BOTH)
        for at, zone in enumerate(
            ("Europe/Berlin", "Europe/Lisbon", "Asia/Dhaka", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Auckland")
        )
    ),
    Question(since=BEGAN, until=NOW, step="day", zone=ZoneInfo("Europe/Berlin"), by=("assistant",), sums=frozenset()),
]
Answers = list[tuple[list[Line], list[Tally]]]


@pytest.fixture
def records() -> list[Settled]:
    rng = random.Random(11)  # noqa: S311 - made records
    length_s = DAYS * 86_400.0
    return [random_record(rng, number, began=BEGAN.timestamp(), spread_s=length_s) for number in range(700)]


def ship(database_url: str, records: list[Settled]) -> None:
    writer = LedgerWriter(database_url)
    writer.insert(arrivals(records))
    writer.close()


def answers(connection: psycopg.Connection) -> Answers:
    """Of every question, with what happened where that is counted so."""
    found: Answers = []
    for question in QUESTIONS:
        tallies = [] if "key" in question.by else ask_tallies_now(connection, question, ["masked:", "saved:"])
        found.append((ask_now(connection, question), sorted(tallies, key=str)))
    return found


def closed(connection: psycopg.Connection) -> dict[str, int]:
    rows = connection.execute("SELECT grain, count(*)::int FROM rollup_closed GROUP BY 1").fetchall()
    return dict(rows)


def latest(connection: psycopg.Connection) -> date | None:
    row = connection.execute("SELECT max(at) FROM rollup_closed").fetchone()
    return None if row is None or row[0] is None else row[0].astimezone(UTC).date()


def test_answers_stay_the_same_while_days_and_months_are_closed(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records)
    with psycopg.connect(database_url, autocommit=True) as connection:
        wanted = answers(connection)
        clock = FakeClock(now_s=NOW.timestamp())
        keeping = RollupRetention(40.0, clock)
        for calls in range(1, 200):
            keeping.tend(connection)
            if calls == 30:
                assert answers(connection) == wanted, "some are closed"
        assert closed(connection) == {"day": DAYS, "month": 3}, "but today, and this month"
        assert answers(connection) == wanted
        read = connection.execute("SELECT sum(exchanges)::int FROM rollup_months WHERE view = 0").fetchone()
        assert read is not None
        assert read[0] > 600


def test_what_comes_late_is_in_every_answer_at_once(database_url: str, records: list[Settled]) -> None:
    """Its day and its month are read by the hour again, until they are closed anew."""
    late = [each for each in records if datetime.fromtimestamp(each.started_at, UTC).day == 12][::2]
    assert len({datetime.fromtimestamp(each.started_at, UTC).month for each in late}) == 2
    ship(database_url, [each for each in records if each not in late])
    with psycopg.connect(database_url, autocommit=True) as connection:
        while close_one(connection, NOW):
            pass
        before = closed(connection)
        ship(database_url, late)
        assert closed(connection) == {"day": before["day"] - 2, "month": before["month"] - 2}
        said = answers(connection)
        while close_one(connection, NOW):
            pass
        assert closed(connection) == before
        assert answers(connection) == said
        recount(database_url, told=lambda _: None)
        assert closed(connection) == {}
        assert answers(connection) == said


def test_what_happened_on_days_closed_before_it_was_kept_of_all_is_told_as_well(
    database_url: str, records: list[Settled]
) -> None:
    ship(database_url, records)
    with psycopg.connect(database_url, autocommit=True) as connection:
        wanted = answers(connection)
        while close_one(connection, NOW):
            pass
        undo_tallies_of_all(connection)
        migrate(database_url)
        assert closed(connection) == {"day": DAYS, "month": 3}
        assert answers(connection) == wanted


def test_a_day_that_is_added_to_again_and_again_rests_and_keeps_no_other_open(
    database_url: str, records: list[Settled]
) -> None:
    """A clock that is a day late: what it reopens is closed anew once an hour, and the days before it meanwhile."""
    ordered = sorted(records, key=lambda each: each.started_at)
    last = datetime.fromtimestamp(ordered[-1].started_at, UTC)
    of_last = [each for each in ordered if datetime.fromtimestamp(each.started_at, UTC).date() == last.date()]
    assert len(of_last) > 2
    ship(database_url, [each for each in ordered if each not in of_last[1:]])
    clock = FakeClock(now_s=(last + timedelta(days=1)).timestamp())
    closing = RollupClosing(clock)
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert closing.tend(connection), "the last day"
        ship(database_url, of_last[1:2])
        for _ in range(5):
            assert closing.tend(connection)
        assert latest(connection) == last.date() - timedelta(days=1), "those before it, and not the one reopened"
        clock.advance(3601)
        assert closing.tend(connection)
        assert latest(connection) == last.date()
        assert closed(connection) == {"day": 6}


def test_nobody_closes_a_day_to_which_somebody_adds(database_url: str, records: list[Settled]) -> None:
    """A writer holds its transaction open: the day stays open until that has ended, and then holds what it wrote."""
    first, *others = sorted(records, key=lambda each: each.started_at)
    ship(database_url, others)
    day = datetime.fromtimestamp(first.started_at, UTC) + timedelta(days=1)
    writing, goes_on = threading.Event(), threading.Event()

    def write() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
            reopen(connection, [int(first.started_at)])
            writing.set()
            assert goes_on.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(30)
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert not close_one(connection, day)
        assert closed(connection) == {}
        goes_on.set()
        thread.join(30)
        assert close_one(connection, day)
        assert closed(connection) == {"day": 1}


def test_a_day_that_an_older_release_closed_is_closed_again(database_url: str, records: list[Settled]) -> None:
    """Beside this one it makes less of a day: what is missing would be counted as nothing."""
    ship(database_url, records)
    with psycopg.connect(database_url, autocommit=True) as connection:
        wanted = answers(connection)
        while close_one(connection, NOW):
            pass
        connection.execute("TRUNCATE rollup_tally_all_days, rollup_tally_all_months")
        connection.execute("DELETE FROM rollup_closed")
        connection.execute(
            "INSERT INTO rollup_closed (grain, at)"
            " SELECT 'day', at FROM rollup_days UNION SELECT 'month', at FROM rollup_months"
        )
        assert answers(connection) == wanted
        while close_one(connection, NOW):
            pass
        assert answers(connection) == wanted
        rows = connection.execute("SELECT DISTINCT version FROM rollup_closed").fetchall()
        kept = connection.execute("SELECT count(*) FROM rollup_tally_all_days").fetchone()
    assert (rows, kept != (0,)) == ([(VERSION,)], True)
