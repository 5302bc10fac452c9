"""Answers are looked at once and judged once, whoever dies, and judging costs no more than its budget."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg
import pytest
from tests.records import completed
from tests.watch.contents.test_kept import DAY_S, NOW, OPENING, Fixed, exchange, made, taken
from tests.watch.rollups.scene import arrivals

from penstock.app.contents.masking import OneWay
from penstock.app.contents.plane import folded
from penstock.app.quality.words import words_of
from penstock.config import read
from penstock.config.quality import QualityPolicy
from penstock.console.quality.keeping import QualityKeeping
from penstock.core.facts import ClaimsTraced, Ended
from penstock.core.record import Settled
from penstock.watch.contents import store as contents
from penstock.watch.contents.outbox import Maker
from penstock.watch.quality import judging as judged
from penstock.watch.quality import store
from penstock.watch.quality.checks import Checks, Found
from penstock.watch.quality.judging import Judging, Reply
from penstock.watch.quality.looking import Looking
from penstock.watch.quality.seen import Seen, Told
from penstock.watch.quality.sums import VIEWS
from penstock.watch.store import LedgerWriter

POLICY = QualityPolicy(sample=1.0, checks=("empty", "cut", "refusal", "grounded"), judged=1.0)
GRADED = msgspec.json.encode({"choices": [{"message": {"content": '{"grade": 1, "reason": "wrong"}'}}]})


def settled(number: int, *, at: float = NOW, **more: object) -> Settled:
    record = completed(
        id=exchange(number, at),
        started_at=at,
        duration_s=1.0,
        first_event_s=0.5,
        model="help",
        input_tokens=1,
        output_tokens=1,
        facts=(Ended(at_s=1.0, end="completed"),),
    )
    return msgspec.structs.replace(record, **more)


def ledger(url: str, *records: Settled) -> None:
    writer = LedgerWriter(url)
    writer.insert(arrivals(records))
    writer.close()


def looking(policy: QualityPolicy = POLICY) -> Looking:
    return Looking(OPENING.sealed, Checks(words_of(read(None, {}))), lambda _: policy, Fixed())


@pytest.fixture
def came(database_url: str) -> Callable[..., None]:
    """Contents come, as often as the test says."""

    def come(*said: str, times: int = 1, at: float = NOW) -> None:
        keeping = QualityKeeping(looking(), None, Fixed(), lambda _: None, keep_days=90)
        rows = [made(taken(number, "why?", text, at=at)) for number, text in enumerate(said)]
        for _ in range(times):
            with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
                contents.write(connection, rows, now=NOW)
                keeping.came(connection, [row.id for row in rows])

    return come


def look(url: str, *, policy: QualityPolicy = POLICY) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return looking(policy).look(connection)


def rows(url: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type] # a test's own


def test_each_answer_is_looked_at_once_and_sums_are_of_its_scores(database_url: str, came: Callable[..., None]) -> None:
    came("Because.", "", "I'm sorry, but I can't help with that.", "Because it is so.")
    assert look(database_url) == 0  # the ledger does not know them yet: they wait
    traced = ClaimsTraced(at_s=0.9, claims=2, supported=1, contradicted=0, not_found=1, action="allow", mode="enforce")
    blocked = settled(3, outcome="blocked")
    ledger(database_url, settled(0, facts=(traced,)), settled(1), settled(2), blocked)
    assert look(database_url) == 4
    came("Because.", "", "I'm sorry, but I can't help with that.", times=2)  # a control plane has died, and another
    assert look(database_url) == 0
    with psycopg.connect(database_url, autocommit=True) as connection:  # two of them at once, and this one is late
        told = Told(
            exchange=exchange(1),
            tenant="acme",
            assistant="help",
            release="",
            target="sim/sim",
            at=datetime.fromtimestamp(NOW, UTC),
            outcome="completed",
        )
        store.write(connection, [(told, [Found("answer", 0, "empty")])])
    single = 'SELECT exchange, "check", score, verdict FROM quality_scores ORDER BY 1, 2'
    assert rows(database_url, single) == [
        (exchange(0), "answer", 500, "ungrounded"),
        (exchange(0), "grounded", 500, "ungrounded"),
        (exchange(1), "answer", 0, "empty"),
        (exchange(1), "empty", 0, "empty"),
        (exchange(2), "answer", 50, "refusal"),
        (exchange(2), "refusal", 50, "refusal"),
    ]
    summed = (
        """SELECT answers, passed, scores, squares FROM quality_hours WHERE "check" = 'answer' AND view = %s"""
        " ORDER BY scores"
    )
    by_check = "SELECT sum(answers)::int FROM quality_hours WHERE \"check\" = 'cut' AND view = %s"
    for view in VIEWS:
        found = rows(database_url, summed, view.number)
        assert found == [(1, 0, 0, 0), (1, 0, 50, 2500), (1, 1, 500, 250_000)], "each has a verdict of its own"
        assert rows(database_url, by_check, view.number) == [(3,)]
    assert rows(database_url, "SELECT count(*) FROM quality_queue") == [(0,)]
    assert rows(database_url, "SELECT answers FROM quality_lengths") == [(2,)]


def test_only_the_sample_is_looked_at_and_what_is_gone_or_cannot_be_opened_holds_up_nothing(
    database_url: str, came: Callable[..., None]
) -> None:
    came("Because.", "So.")
    ledger(database_url, settled(0), settled(1))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM contents WHERE id = %s", (exchange(1),))  # erased meanwhile
        connection.execute("UPDATE contents SET key_id = 'other' WHERE id = %s", (exchange(0),))
    assert look(database_url) == 2
    assert rows(database_url, "SELECT count(*) FROM quality_scores") == [(0,)]
    came("Because.")
    assert look(database_url, policy=msgspec.structs.replace(POLICY, sample=0.0)) == 1
    assert rows(database_url, "SELECT count(*) FROM quality_scores") == [(0,)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        store.queue(connection, [exchange(0)], now=NOW)
        store.purge(connection, now=NOW + 2 * DAY_S, keep_days=90, most=10)
    assert rows(database_url, "SELECT count(*) FROM quality_queue") == [(0,)]


class ScriptedCourt:
    """Costs 1,000 a call at most; `replies` are what it says, one after the other."""

    def __init__(self, *replies: Reply | BaseException) -> None:
        self.replies = list(replies)
        self.asked: list[Seen] = []

    def most_nanousd(self, seen: Seen) -> int:
        del seen
        return 1_000

    def ask(self, seen: Seen) -> Reply:
        self.asked.append(seen)
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply


def judging(court: ScriptedCourt, budget: int) -> Judging:
    return Judging(court, looking().open, Fixed(), budget_nanousd=budget)


def test_judging_keeps_to_its_budget_and_judges_nothing_twice(database_url: str, came: Callable[..., None]) -> None:
    came(*[f"Because of {number}." for number in range(6)])
    ledger(database_url, *[settled(number) for number in range(6)])
    look(database_url)
    court = ScriptedCourt(
        Reply(200, GRADED, exchange(90)), KeyboardInterrupt(), Reply(200, b"{}", None), Reply(429, b"", None)
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        with pytest.raises(KeyboardInterrupt):
            judging(court, 3_500).judge(connection)
        assert len(court.asked) == 2
        assert judging(court, 3_500).judge(connection) == 1  # 3,000 are set aside: no room for a fourth
        assert judging(court, 3_500).judge(connection) == 0
        # The ledger says what the first one cost: 700.  Then there is room for one more.
        ledger(database_url, settled(90))
        assert judging(court, 3_700).judge(connection) == 1
        assert judging(court, 3_700).judge(connection) == 0
    assert len({each.told.exchange for each in court.asked}) == len(court.asked) == 4
    assert rows(database_url, "SELECT nanousd, calls FROM quality_spent") == [(3_700, 4)]
    states = "SELECT state, count(*) FROM quality_judged GROUP BY 1 ORDER BY 1"
    assert rows(database_url, states) == [
        ("asked", 1),
        ("judged", 1),
        ("refused", 1),
        ("unreadable", 1),
        ("waiting", 2),
    ]
    told = """SELECT score, verdict FROM quality_scores WHERE "check" = 'judge'"""
    assert rows(database_url, told) == [(250, "judged_wrong")]


def test_a_judge_is_shown_nothing_unmasked(tmp_path: Path, database_url: str) -> None:
    """What it is shown comes out of the sealed contents alone, which are masked."""
    mask = OneWay(read(None, {"PENSTOCK__DATA_DIR": str(tmp_path)})).of("acme")
    found = taken(1, "write to ann@example.com", "I have written to ann@example.com.")
    row = Maker(folded, lambda _: mask, OPENING.sealed).row(found)
    ledger(database_url, settled(1))
    court = ScriptedCourt(Reply(200, GRADED, None))
    with psycopg.connect(database_url, autocommit=True) as connection:
        with connection.transaction():
            contents.write(connection, [row], now=NOW)
            store.queue(connection, [row.id], now=NOW)
        looking().look(connection)
        judging(court, 10_000).judge(connection)
        dump = repr(connection.execute("SELECT * FROM quality_scores, quality_judged, quality_hours").fetchall())
    [seen] = court.asked
    assert "<EMAIL_ADDRESS>" in seen.question
    assert "ann@" not in seen.question + seen.choices[0].text + dump


@pytest.mark.parametrize("statement", [store._TAKE, judged._WAITING])  # pyright: ignore[reportPrivateUsage]
def test_what_waits_is_looked_up_and_nobody_reads_all_of_the_ledger(
    came: Callable[..., None], database_url: str, statement: LiteralString
) -> None:
    """Whatever the planner knows: it is asked every second, and a ledger has millions of rows."""
    ledger(database_url, *(settled(number) for number in range(500)))
    came("good", "better")
    read = "SELECT sum(seq_tup_read), sum(idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname LIKE 'ledger%'"
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO quality_judged (exchange, at, state) SELECT id, 1, 'waiting' FROM contents")
        connection.commit()
        assert connection.execute(statement, {"now": NOW, "most": 100}).fetchone() is not None
        told = connection.execute(read).fetchone()
    assert told is not None
    assert told[0] == 0
    assert 0 < told[1] <= 2
