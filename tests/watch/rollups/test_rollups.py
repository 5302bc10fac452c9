"""The sums are those of the rows, whatever the batches, the order, and whoever ships twice."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from tests.watch.rollups.scene import BEGAN, arrivals, random_record, undo_tallies_of_all

from penstock import storage
from penstock.core.errors import MalformedRequest
from penstock.core.record import Settled
from penstock.storage.migrate import migrate
from penstock.testing.clock import FakeClock
from penstock.watch.figures import store as figures
from penstock.watch.figures.catalog import FIGURES
from penstock.watch.figures.question import Question
from penstock.watch.figures.store import Line, ask, ask_now, ask_tallies_now
from penstock.watch.rollups import store
from penstock.watch.rollups import views as module
from penstock.watch.rollups.batch import SUMS
from penstock.watch.rollups.keeping import RollupRetention
from penstock.watch.rollups.pricing import LENGTHS
from penstock.watch.rollups.recount import recount
from penstock.watch.rollups.views import COLUMNS, GRAINS, OTHER, VIEWS, Dimension, View
from penstock.watch.store import LedgerWriter

SINCE = datetime.fromtimestamp(BEGAN, UTC) - timedelta(hours=2)
UNTIL = datetime.fromtimestamp(BEGAN, UTC) + timedelta(hours=6)
WHOLE_DAY = {"since": SINCE - timedelta(days=1), "until": UNTIL + timedelta(days=1)}

LENGTH_CLASSES = [(shorter + (shorter > 0), longer) for shorter, longer in pairwise((0, *LENGTHS))]
PRICING = f"""
    CASE WHEN target IS NULL OR input_tokens + output_tokens = 0 THEN '' WHEN cost_nanousd IS NULL THEN 'unknown_cost'
        WHEN cache_read_tokens + cache_write_tokens > input_tokens OR reasoning_tokens > output_tokens
            THEN 'parts_exceed_whole'
        WHEN facts @> '[{{"fact": "extra_call_billed"}}]' THEN 'several_calls'
        {" ".join(f"WHEN input_tokens <= {most} THEN '{least}-{most}'" for least, most in LENGTH_CLASSES)}
        ELSE '1000001-' END
"""
FROM_ROWS = """
    count(*), sum(attempts), NULL, sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
    sum(cache_write_tokens), sum(reasoning_tokens), coalesce(sum(cost_nanousd), 0),
    count(*) FILTER (WHERE cost_nanousd IS NULL), count(*) FILTER (WHERE usage_accuracy = 'estimated')
"""


@pytest.fixture
def records() -> list[Settled]:
    rng = random.Random(7)  # noqa: S311 - made records
    return [random_record(rng, number) for number in range(1200)]


def ship(database_url: str, records: Iterable[Settled], *, batch: int = 100) -> None:
    writer = LedgerWriter(database_url)
    kept = arrivals(list(records))
    for start in range(0, len(kept), batch):
        writer.insert(kept[start : start + batch])
    writer.close()


def rolled_up(connection: psycopg.Connection, view: View, table: str) -> dict[tuple[Any, ...], tuple[int, ...]]:
    names = ", ".join(f"s.{name}" for name in view.dimensions)
    sums = ", ".join(f"sum(r.{name})" for name in SUMS)
    width = 1 + len(view.dimensions)
    places = ", ".join(str(place + 1) for place in range(width))
    query = (
        f"SELECT r.at, {names}, {sums} FROM {table} AS r JOIN rollup_series AS s ON s.id = r.series"  # noqa: S608
        f" WHERE r.view = %s GROUP BY {places}"
    )
    rows = connection.execute(query, (view.number,)).fetchall()  # type: ignore[arg-type]
    return {tuple(row[:width]): tuple(row[width:]) for row in rows}


def recomputed(connection: psycopg.Connection, view: View, unit: str) -> dict[tuple[Any, ...], tuple[int | None, ...]]:
    names = ", ".join(f"coalesce({PRICING if name == 'pricing' else COLUMNS[name]}, '')" for name in view.dimensions)
    places = ", ".join(str(place + 1) for place in range(1 + len(view.dimensions)))
    query = f"SELECT date_trunc('{unit}', started_at), {names}, {FROM_ROWS} FROM ledger GROUP BY {places}"  # noqa: S608
    width = 1 + len(view.dimensions)
    return {tuple(row[:width]): tuple(row[width:]) for row in connection.execute(query).fetchall()}  # type: ignore[arg-type]


def assert_sums_are_those_of_the_rows(database_url: str, *, but_for: str = "") -> None:
    """By every dimension of every view, or by all but one."""
    with psycopg.connect(database_url) as connection:
        for whole in VIEWS:
            view = replace(whole, dimensions=tuple(name for name in whole.dimensions if name != but_for))
            for grain in view.grains:
                found = rolled_up(connection, view, f"rollup_{grain}s")
                wanted = recomputed(connection, view, grain)
                assert found.keys() == wanted.keys()
                for key, sums in wanted.items():
                    told = found[key][: len(sums)]
                    assert [a for a, b in zip(told, sums, strict=True) if b is not None] == [
                        each for each in sums if each is not None
                    ]


def test_the_sums_of_every_view_are_those_of_the_rows(database_url: str, records: list[Settled]) -> None:
    shuffled = random.Random(1).sample(records, len(records))  # noqa: S311 - an order
    ship(database_url, shuffled[:500], batch=7)
    ship(database_url, shuffled[500:], batch=350)
    assert_sums_are_those_of_the_rows(database_url)


def test_what_is_shipped_twice_is_counted_once(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records[:300])
    ship(database_url, records[200:400], batch=200)  # a shipper that died before it could note the first hundred
    ship(database_url, records[:300], batch=300)
    assert_sums_are_those_of_the_rows(database_url)


def test_of_what_the_database_refuses_nothing_is_counted(database_url: str, records: list[Settled]) -> None:
    """A batch that fails leaves neither rows nor sums."""
    spoilt = msgspec.structs.replace(records[5], cost_nanousd=2**70)
    with pytest.raises(Exception, match="out of range"):
        ship(database_url, [*records[:5], spoilt])
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM rollup_minutes").fetchone() == (0,)


def test_many_ship_at_once(database_url: str, records: list[Settled]) -> None:
    """Whoever ships adds to the same rows as the others, and nobody waits for one who waits for him."""
    failed: list[BaseException] = []

    def run(part: list[Settled]) -> None:
        try:
            ship(database_url, part, batch=25)
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=run, args=(records[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert_sums_are_those_of_the_rows(database_url)


@pytest.mark.parametrize(
    ("by", "step"),
    [((), None), (("assistant",), "hour"), (("tenant", "target"), "day"), (("key",), None), (("outcome",), "minute")],
)
def test_figures_are_those_of_the_rows(
    database_url: str, records: list[Settled], by: tuple[Dimension, ...], step: Any
) -> None:
    ship(database_url, records)
    with psycopg.connect(database_url) as connection:
        lines = ask_now(connection, Question(since=SINCE, until=UNTIL, by=by, step=step))
        for name, expression in (
            ("exchanges", "count(*)"),
            ("cost_nanousd", "coalesce(sum(cost_nanousd), 0)"),
            ("faults", "count(*) FILTER (WHERE outcome = 'upstream_failed')"),
            ("blocked", "count(*) FILTER (WHERE outcome = 'blocked')"),
            ("tokens", "sum(input_tokens + output_tokens)"),
        ):
            keys = [f"coalesce({COLUMNS[each]}, '')" for each in by]
            keys = keys if step is None else [f"date_trunc('{step}', started_at, 'UTC')", *keys]
            grouped = f"GROUP BY {', '.join(keys)}" if keys else ""
            query = f"SELECT {', '.join([*keys, expression])} FROM ledger {grouped}"  # noqa: S608
            wanted = {tuple(row[:-1]): row[-1] for row in connection.execute(query).fetchall()}  # type: ignore[arg-type]
            found = {
                (*([] if line.at is None else [line.at]), *line.group): FIGURES[name].value(line.sums) for line in lines
            }
            assert found == wanted


def test_percentiles_are_right_within_a_percent(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records)
    with psycopg.connect(database_url) as connection:
        (line,) = ask_now(connection, Question(since=SINCE, until=UNTIL, times=frozenset({"durations", "firsts"})))
        for column, of in (("duration_s", "duration"), ("first_event_s", "first_event")):
            for percent in (50, 95, 99):
                query = f"SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY {column}) FROM ledger"  # noqa: S608
                row = connection.execute(query, (percent / 100,)).fetchone()  # type: ignore[arg-type]
                assert row is not None
                assert FIGURES[f"{of}_p{percent}_s"].value(line.sums) == pytest.approx(row[0], rel=0.01)


def test_what_happened_is_counted_by_name(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records)
    masked = sum(
        count
        for record in records
        if record.tenant == "acme"
        for fact in record.facts
        for kind, count in getattr(fact, "kinds", {}).items()
        if kind == "email"
    )
    question = Question(since=SINCE, until=UNTIL, filters={"tenant": "acme"})
    with psycopg.connect(database_url) as connection:
        found = {each.name: each.amount for each in ask_tallies_now(connection, question, ["masked:"])}
        assert found["masked:email"] == masked
        assert set(found) == {"masked:email", "masked:phone"}
        rows = connection.execute("SELECT count(*) FROM ledger WHERE marks @> '{attempt_failed:timeout}'").fetchone()
    assert rows == (sum(any(f.__class__.__name__ == "AttemptFailed" for f in r.facts) for r in records),)


def test_nobody_fills_the_disk_with_names(
    database_url: str, records: list[Settled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers write the names of models: the sums hold a bounded number of them, and what is over counts as another."""
    monkeypatch.setitem(module.MOST_VALUES, "assistant", 5)
    many = [msgspec.structs.replace(each, model=f"model-{number}") for number, each in enumerate(records[:200])]
    ship(database_url, many)
    with psycopg.connect(database_url) as connection:
        lines = ask_now(connection, Question(since=SINCE, until=UNTIL, by=("assistant",)))
    counts = {line.group[0]: line.sums.exchanges for line in lines}
    assert len(counts) == 6
    assert counts[OTHER] == 195


def test_a_sum_that_no_number_holds_does_not_stop_the_ledger(database_url: str, records: list[Settled]) -> None:
    absurd = [
        msgspec.structs.replace(each, input_tokens=2**63 - 1, duration_s=1e300, first_event_s=-5.0)
        for each in records[:50]
    ]
    ship(database_url, absurd, batch=10)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() == (50,)


def test_a_long_histogram_is_summed_up(
    database_url: str, records: list[Settled], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_COMPACT", {grain: store.compaction(grain, most=60) for grain in GRAINS})
    ship(database_url, records, batch=1)
    with psycopg.connect(database_url) as connection:
        query = (
            "SELECT max(cardinality(durations)), sum(n) FROM rollup_hours, unnest(duration_counts) AS n WHERE view = 0"
        )
        row = connection.execute(query).fetchone()
        assert row is not None
        assert row[1] == 1200


def test_each_month_is_a_partition_and_wrong_clocks_rest_apart(database_url: str, records: list[Settled]) -> None:
    now = datetime.now(UTC).timestamp()
    times = (now, now - 40 * 86_400, 5.0, now + 400 * 86_400)
    shipped = [msgspec.structs.replace(records[n], started_at=at) for n, at in enumerate(times)]
    ship(database_url, shipped)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT tableoid::regclass::text, count(*) FROM ledger GROUP BY 1").fetchall()
    places = dict(rows)
    assert places["ledger_rest"] == 2
    assert sorted(name for name in places if name != "ledger_rest") == sorted(
        {f"ledger_y{datetime.fromtimestamp(at, UTC):%Ym%m}" for at in times[:2]}
    )


def test_a_recount_makes_the_same_sums(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE rollup_hours SET cost_nanousd = cost_nanousd + 1")
        connection.execute("DELETE FROM rollup_minutes WHERE view = 1")
    told: list[int] = []
    assert recount(database_url, told=told.append) == len(records)
    assert told == [len(records)]
    assert_sums_are_those_of_the_rows(database_url)


def test_old_minutes_go_and_hours_stay(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records)
    clock = FakeClock(now_s=BEGAN + 14 * 86_400 + 3600)
    retention = RollupRetention(14, clock)
    with psycopg.connect(database_url, autocommit=True) as connection:
        hours = connection.execute("SELECT count(*), sum(exchanges) FROM rollup_hours").fetchone()
        young = "SELECT view, count(*), sum(exchanges) FROM rollup_minutes WHERE at >= %s GROUP BY view ORDER BY view"
        kept = (datetime.fromtimestamp(BEGAN + 3600, UTC),)
        stay = connection.execute(young, kept).fetchall()
        assert retention.tend(connection) > 0
        assert retention.tend(connection) == 0  # not before an hour has gone
        first = connection.execute("SELECT min(at) FROM rollup_minutes").fetchone()
        assert first == kept
        assert connection.execute(young, kept).fetchall() == stay  # of every view
        tallied = connection.execute("SELECT count(*) FROM rollup_tally_minutes WHERE at < %s", first).fetchone()
        assert tallied == (0,)
        assert connection.execute("SELECT count(*), sum(exchanges) FROM rollup_hours").fetchone() == hours


def test_an_older_ledger_is_kept_and_owes_its_sums(database_url: str) -> None:
    """What was there before there were months and sums stays, in its place, and is added up when asked for."""
    _as_it_was(database_url)
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM rollup_debt").fetchone() == (1,)
    assert recount(database_url, told=lambda _: None) == 3
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT sum(exchanges) FROM rollup_hours WHERE view = 0").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM rollup_debt").fetchone() == (0,)


def _as_it_was(database_url: str) -> None:
    """Make the schema of before this one, with three exchanges."""
    folder = Path(storage.__file__).parent / "migrations" / "sql"
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        for path in sorted(folder.glob("*.sql")):
            if path.stem < "0019":
                connection.execute(path.read_text().encode())
        connection.execute("CREATE TABLE alembic_version (version_num text PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('0018_signs')")
        connection.execute(
            "INSERT INTO ledger (started_at, duration_s, input_tokens, output_tokens, cache_read_tokens,"
            " cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, dialect,"
            " operation, model, outcome, usage_accuracy, cost_accuracy, config_hash, facts) SELECT"
            " now() - make_interval(days => 40 * n), 0.1, 1, 1, 0, 0, 0, 5, 1, false, 'ex_' || n, 'acme', 'k',"
            " 'openai-chat', 'chat', 'm', 'completed', 'exact', 'exact', 'h', '[]' FROM generate_series(0, 2) AS n"
        )


def test_sums_from_before_views_had_tables_of_their_own_are_kept(database_url: str, records: list[Settled]) -> None:
    ship(database_url, records[:600])
    with psycopg.connect(database_url) as connection:
        undo_tallies_of_all(connection)
        for table in ("rollup_minutes", "rollup_hours", "rollup_days", "rollup_months"):
            connection.execute(f"CREATE TABLE before AS SELECT * FROM {table}")  # type: ignore[arg-type]  # noqa: S608
            connection.execute(f"DROP TABLE {table}")  # type: ignore[arg-type]
            connection.execute(f"ALTER TABLE before RENAME TO {table}")  # type: ignore[arg-type]
            connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (series, at)")  # type: ignore[arg-type]
        connection.execute("UPDATE alembic_version SET version_num = '0024_rollup_days'")
    migrate(database_url)
    ship(database_url, records[600:])
    assert_sums_are_those_of_the_rows(database_url, but_for="pricing")
    recount(database_url, told=lambda _: None)
    assert_sums_are_those_of_the_rows(database_url)


@pytest.mark.parametrize("grain", ["minute", "hour", "day", "month"])
def test_every_view_has_tables_of_its_own(database_url: str, grain: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", (f"rollup_{grain}s",)
        ).fetchall()
    assert {row[0] for row in rows} == {f"rollup_{grain}s_{view.number}" for view in VIEWS}


def asked_now(database_url: str, question: Question, *, in_transaction: bool) -> list[Line]:
    with psycopg.connect(database_url) as connection:
        if in_transaction:
            connection.execute("SELECT 1")
        return ask_now(connection, question)


def asked_by_the_api(database_url: str, question: Question, *, in_transaction: bool) -> list[Line]:
    async def asked() -> list[Line]:
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            if in_transaction:
                await connection.execute("SELECT 1")
            return await ask(connection, question)

    return asyncio.run(asked())


@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize("asked", [asked_now, asked_by_the_api])
def test_what_arrives_between_sums_and_times_spoils_neither(
    database_url: str,
    records: list[Settled],
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[..., list[Line]],
    *,
    in_transaction: bool,
) -> None:
    ship(database_url, records[:100])
    later = [msgspec.structs.replace(each, model=f"new-{place}") for place, each in enumerate(records[100:130])]
    read = figures._times_query  # pyright: ignore[reportPrivateUsage] - between the two

    def interrupted(question: Question) -> Any:
        ship(database_url, [*records[130:160], *later])
        return read(question)

    monkeypatch.setattr(figures, "_times_query", interrupted)
    day = timedelta(days=1)
    question = Question(since=SINCE - day, until=UNTIL + day, by=("assistant",), times=frozenset({"durations"}))
    lines = asked(database_url, question, in_transaction=in_transaction)
    assert sum(line.sums.exchanges for line in lines) == 100
    assert not any(line.group[0].startswith("new-") for line in lines)
    if not in_transaction:
        assert [line.sums.exchanges for line in lines] == [sum(line.sums.durations.values()) for line in lines]


def test_a_question_that_no_sums_answer_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="feature and key"):
        _ = Question(since=SINCE, until=UNTIL, by=("key", "feature")).view
    with pytest.raises(MalformedRequest, match="steps"):
        Question(since=SINCE - timedelta(days=30), until=UNTIL, step="minute").aligned()


def test_every_view_is_made_of_one_that_has_its_dimensions() -> None:
    for view in VIEWS:
        assert VIEWS[view.number] is view
        if view.of is not None:
            assert set(view.dimensions) <= set(VIEWS[view.of].dimensions)
            assert not view.has_times or VIEWS[view.of].has_times
        assert set(view.grains) <= set(GRAINS)
