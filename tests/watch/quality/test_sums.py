"""Sums of quality are those of the scores, by whatever they are asked and whatever of days and months is closed."""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.watch.rollups.scene import arrivals, random_record, undo_quality_days

from penstock.storage.migrate import migrate
from penstock.watch.quality.checks import Found
from penstock.watch.quality.figures import Asked, Line, Step, ask
from penstock.watch.quality.seen import Told
from penstock.watch.quality.store import write
from penstock.watch.quality.sums import VIEWS, Dimension
from penstock.watch.quality.verdicts import Verdict
from penstock.watch.rollups.closing import close_one
from penstock.watch.store import LedgerWriter

BEGAN = datetime(2026, 8, 20, 13, tzinfo=UTC)
DAYS = 75
NOW = BEGAN + timedelta(days=DAYS)
TENANTS = ("acme", "50%s", 'quo"ted\\')
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Kolkata")
ASKED: list[tuple[tuple[Dimension, ...], dict[Dimension, str], Step | None]] = [
    ((), {}, None),
    ((), {}, "day"),
    ((), {}, "month"),
    (("assistant",), {}, "day"),
    (("assistant", "release"), {}, None),
    (("target",), {}, "day"),
    (("tenant",), {}, "month"),
    (("assistant",), {"tenant": "50%s"}, "day"),
    ((), {"tenant": 'quo"ted\\', "target": "openai/gpt-4o"}, None),
    ((), {"assistant": "sales"}, "hour"),
]
Scored = tuple[Told, list[Found]]


@pytest.fixture
def scored() -> list[Scored]:
    rng = random.Random(3)  # noqa: S311 - made scores
    found: list[Scored] = []
    for number in range(500):
        told = Told(
            exchange=f"ex_{number:032x}",
            tenant=rng.choice(TENANTS),
            assistant=rng.choice(("support", "sales")),
            release=rng.choice(("", "v1", "v2")),
            target=rng.choice(("openai/gpt-4o", "sim/sim")),
            at=BEGAN + timedelta(seconds=rng.random() * DAYS * 86_400),
            outcome="completed",
        )
        score = rng.choice((0, 50, 499, 500, 1000))
        verdict: Verdict = "good" if score == 1000 else "refusal"
        checks: tuple[tuple[str, int, Verdict], ...] = (
            ("answer", score, verdict),
            ("refusal", score, verdict),
            ("cut", 1000, "good"),
        )
        found.append((told, [Found(*each) for each in checks]))
    return found


def ship(database_url: str) -> None:
    """Exchanges of every day: what has none is never over."""
    rng = random.Random(4)  # noqa: S311 - made records
    began = BEGAN.replace(hour=0).timestamp()
    writer = LedgerWriter(database_url)
    writer.insert(
        arrivals([random_record(rng, day, began=began + day * 86_400, spread_s=3600) for day in range(DAYS + 1)])
    )
    writer.close()


def keep(database_url: str, scored: list[Scored]) -> None:
    with psycopg.connect(database_url) as connection:
        write(connection, scored)


def close_all(database_url: str) -> dict[str, int]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        while close_one(connection, NOW):
            pass
        return closed(connection)


def closed(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT grain, count(*)::int FROM rollup_whole GROUP BY 1").fetchall())


def told(database_url: str) -> list[list[Line]]:
    async def read() -> list[list[Line]]:
        async with await psycopg.AsyncConnection.connect(database_url, options="-c timezone=UTC") as connection:
            return [await ask(connection, asked, check=check, name="check") for asked, check in questions()]

    return asyncio.run(read())


def questions() -> list[tuple[Asked, str | None]]:
    since, until = BEGAN + timedelta(hours=7), NOW - timedelta(hours=40)
    return [
        (Asked(since=since, until=until, by=by, filters=filters, step=step, zone=ZoneInfo(zone)), check)
        for by, filters, step in ASKED
        for zone in (ZONES if step in {"day", "month"} else ("UTC",))
        for check in ("answer", None)
    ]


def counted(scored: list[Scored]) -> list[list[Line]]:
    """The same, of the scores as they are."""
    return [_count(scored, asked, check) for asked, check in questions()]


def _count(scored: list[Scored], asked: Asked, check: str | None) -> list[Line]:
    sums: defaultdict[tuple[datetime | None, tuple[str, ...], str], list[int]] = defaultdict(lambda: [0] * 4)
    for told, found in scored:
        hour = told.at.replace(minute=0, second=0, microsecond=0)
        if not asked.since <= hour < asked.until or any(getattr(told, n) != v for n, v in asked.filters.items()):
            continue
        for each in found:
            if each.check == check or (check is None and each.check != "answer"):
                group = tuple(getattr(told, name) for name in asked.by)
                line = sums[(_step(hour, asked), group, each.check)]
                for at, amount in enumerate((1, int(each.score >= 500), each.score, each.score**2)):
                    line[at] += amount
    ordered = sorted(sums.items(), key=lambda item: (item[0][0] or BEGAN, *item[0][1:]))
    return [Line(at, group, name, *line) for (at, group, name), line in ordered]


def _step(hour: datetime, asked: Asked) -> datetime | None:
    local = hour.astimezone(asked.zone)
    match asked.step:
        case None:
            return None
        case "hour":
            return hour
        case "day":
            return local.replace(hour=0, minute=0).astimezone(UTC)
        case "month":
            return local.replace(day=1, hour=0, minute=0).astimezone(UTC)


def in_order(found: list[list[Line]]) -> list[list[Line]]:
    """The database sorts text as its own language has it."""
    return [sorted(lines, key=lambda line: (line.at or BEGAN, line.group, line.name)) for lines in found]


def test_sums_are_those_of_the_scores_before_while_and_after_days_are_closed(
    database_url: str, scored: list[Scored]
) -> None:
    ship(database_url)
    late_days = {BEGAN.date() + timedelta(days=3), NOW.date() - timedelta(days=5)}
    late = [each for each in scored if each[0].at.date() in late_days]
    early = [each for each in scored if each not in late]
    assert late
    keep(database_url, early)
    wanted = in_order(counted(early))
    assert in_order(told(database_url)) == wanted
    before = close_all(database_url)
    assert before == {"day": DAYS, "month": 3}
    assert in_order(told(database_url)) == wanted
    keep(database_url, late)  # somebody looked at them when their day was over
    with psycopg.connect(database_url) as connection:
        assert closed(connection) == {"day": DAYS - 2, "month": 1}
    wanted = in_order(counted(scored))
    assert in_order(told(database_url)) == wanted
    assert close_all(database_url) == before
    assert in_order(told(database_url)) == wanted


def test_sums_from_before_they_were_kept_so_are_told_as_well(database_url: str, scored: list[Scored]) -> None:
    ship(database_url)
    keep(database_url, scored)
    close_all(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        undo_quality_days(connection)
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert closed(connection) == {"day": DAYS, "month": 3}
        kept = "SELECT view FROM quality_days INTERSECT SELECT view FROM quality_months ORDER BY 1"
        assert connection.execute(kept).fetchall() == [(view.number,) for view in VIEWS]
    assert in_order(told(database_url)) == in_order(counted(scored))
