"""A comparison of a long time is told from the sums, and is what the rows of those hours say."""

import asyncio
import random
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.watch.rollups.scene import arrivals, random_record, undo_pricing

from penstock.console.money.store import Span
from penstock.console.money.traffic import LeftOutRow, Prices, TrafficRow, read_traffic
from penstock.core.record import Settled
from penstock.storage.migrate import migrate
from penstock.testing.clock import FakeClock
from penstock.watch.price_rules import Provider
from penstock.watch.price_table import write_table
from penstock.watch.rollups import views
from penstock.watch.rollups.closing import close_one
from penstock.watch.rollups.pricing import LENGTHS, lengths_of, pricing_of
from penstock.watch.rollups.recount import recount
from penstock.watch.store import LedgerWriter

BEGAN = datetime(2026, 8, 20, 13, 30, tzinfo=UTC)
DAYS = 80
NOW = BEGAN + timedelta(days=DAYS)
FILE = """
discover_providers: false
providers:
  openai: {vendor: openai, api_key: file:key}
  deepseek: {vendor: deepseek, api_key: file:key}
models:
  support:
    targets: [{provider: openai, model: gpt-4o}, {provider: openai, model: gpt-5.4}]
prices:
  - {provider: openai, model: gpt-4o, until: 2026-09-10, input_usd_per_million: 1, output_usd_per_million: 2}
  - {provider: openai, model: gpt-4o, since: 2026-09-10, input_usd_per_million: 3, output_usd_per_million: 4,
     tiers: [{above_tokens: 200000, input_usd_per_million: 30}]}
  - {provider: openai, model: odd, input_usd_per_million: 3, output_usd_per_million: 4,
     tiers: [{above_tokens: 2000, input_usd_per_million: 30}]}
"""
TARGETS = "openai/gpt-4o,openai/gpt-5.4,sim/sim"
BY_THE_HALF_HOUR = "deepseek/deepseek-chat"
"""A model of the price list that is dearer from 00:30 to 16:30."""
PERCENTILES = ("median_s", "p95_s", "first_event_median_s", "first_event_p95_s")
TIMES = [
    (BEGAN, NOW),
    (BEGAN + timedelta(days=3, hours=5, minutes=11), NOW - timedelta(days=20, hours=3)),
    (datetime(2026, 9, 9, 20, tzinfo=UTC), datetime(2026, 9, 10, 5, tzinfo=UTC)),
    (datetime(2026, 9, 10, 0, 10, tzinfo=UTC), datetime(2026, 10, 10, 7, 59, tzinfo=UTC)),
]


@pytest.fixture
def records() -> list[Settled]:
    rng = random.Random(5)  # noqa: S311 - made records
    length_s = DAYS * 86_400.0
    return [random_record(rng, number, began=BEGAN.timestamp(), spread_s=length_s) for number in range(1500)]


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    (tmp_path / "key").write_text("x")
    (tmp_path / "penstock.yaml").write_text(FILE)
    with serving(tmp_path / "data", database_url, file=tmp_path / "penstock.yaml") as api:
        api.plane.clock = FakeClock(now_s=NOW.timestamp())
        yield api


def ship(database_url: str, records: Sequence[Settled]) -> None:
    writer = LedgerWriter(database_url)
    writer.insert(arrivals(records))
    writer.close()


def compared(api: Api, since: datetime, until: datetime, **more: str) -> Any:
    asked = {"with": TARGETS, "since": since.isoformat(), "until": until.isoformat(), **more}
    reply = api.get(f"/admin/v1/costs/compare?{urlencode(asked)}")
    assert reply.status == 200, reply.json
    return reply.json


@contextmanager
def by_rows(database_url: str) -> Generator[None]:
    """As long as sums are owed, everything is told from the rows."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO rollup_debt VALUES (now())")
        yield
        connection.execute("DELETE FROM rollup_debt")


def told(answer: Any) -> Any:
    """All of it but percentiles, which come beside it: of targets with enough exchanges to have any."""
    percentiles: list[float | None] = []
    for each in (*answer["recorded"], *answer["candidates"]):
        measured: dict[str, Any] = each["measured"] or {}
        times = [measured.pop(name, None) for name in PERCENTILES]
        percentiles += times if measured.get("exchanges", 0) >= 300 else []
    return answer, percentiles


def assert_alike(api: Api, database_url: str, since: datetime, until: datetime, **more: str) -> None:
    kept = compared(api, since, until, **more)
    hours = [datetime.fromisoformat(kept[name]) for name in ("since", "until")]
    assert timedelta(0) <= since - hours[0] < timedelta(hours=1)
    assert timedelta(0) <= hours[1] - until < timedelta(hours=1)
    with by_rows(database_url):
        assert datetime.fromisoformat(compared(api, since, until, **more)["since"]) == since, "to the second: from rows"
        exact = compared(api, hours[0], hours[1], **more)
    (one, percentiles), (other, exactly) = told(kept), told(exact)
    assert one == other
    assert one["exchanges"] > 0 or more.get("tenant") == "nobody"
    for mine, theirs in zip(percentiles, exactly, strict=True):
        # A bucket is one percent wide; and of few, what lies between two is drawn from both.
        assert mine == pytest.approx(theirs, rel=0.05)


@pytest.mark.parametrize("is_closed", [False, True])
def test_the_sums_say_what_the_rows_say(
    api: Api, database_url: str, records: list[Settled], *, is_closed: bool
) -> None:
    ship(database_url, records)
    if is_closed:
        with psycopg.connect(database_url, autocommit=True) as connection:
            while close_one(connection, NOW):
                pass
    for since, until in TIMES:
        assert_alike(api, database_url, since, until)
    since, until = TIMES[1]
    for more in ({"tenant": "acme"}, {"model": "sales"}, {"tenant": "globex", "model": "support"}, {"prices": "now"}):
        assert_alike(api, database_url, since, until, **more)
    assert_alike(api, database_url, since, until, tenant="nobody")
    assert_alike(api, database_url, since, since + timedelta(days=4), **{"with": f"{BY_THE_HALF_HOUR},sim/sim"})


def test_a_price_that_changes_within_an_hour_is_told_by_its_rows(api: Api, database_url: str) -> None:
    """Of an exchange before half past and of one after it, in one hour, each by its own."""
    day = datetime(2026, 9, 20, tzinfo=UTC)
    rng = random.Random(2)  # noqa: S311 - made records
    at = [day + timedelta(minutes=minute) for minute in (3, 29, 31, 59, 16 * 60 + 29, 16 * 60 + 30, 20 * 60)]
    made = [random_record(rng, number, began=each.timestamp(), spread_s=0) for number, each in enumerate(at)]
    ship(database_url, [_plain(each) for each in made])
    found = compared(api, day, day + timedelta(days=1), **{"with": BY_THE_HALF_HOUR})
    assert found["exchanges"] == len(made)
    dear, cheap = (
        compared(api, each, each + timedelta(minutes=1), **{"with": BY_THE_HALF_HOUR})["candidates"][0]["nanousd"]
        for each in (at[2], at[0])
    )
    assert dear != cheap
    # 00:03, 00:29, 16:30 and 20:00 lie beyond the dear hours, the others within.
    assert found["candidates"][0]["nanousd"] == 4 * cheap + 3 * dear
    for minutes in (30, 35):  # of the whole first hour then, with the change before what was asked for
        since = day + timedelta(minutes=minutes)
        assert_alike(api, database_url, since, day + timedelta(days=1), **{"with": BY_THE_HALF_HOUR})


def test_targets_beyond_those_that_sums_are_kept_of_are_told_from_the_rows(
    api: Api, database_url: str, records: list[Settled], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(views.MOST_VALUES, "target", 2)
    ship(database_url, records)
    since, until = TIMES[1]
    found = compared(api, since, until)
    assert datetime.fromisoformat(found["since"]) == since
    assert {each["target"] for each in found["recorded"]} == {"anthropic/claude", "openai/gpt-4o"}


def test_what_the_sums_cannot_tell_is_told_from_the_rows(
    api: Api, database_url: str, records: list[Settled], monkeypatch: pytest.MonkeyPatch
) -> None:
    since, until = TIMES[1]
    ship(database_url, records)
    wanted, _ = told(compared(api, since, until, **{"with": "openai/gpt-4o"}))
    odd = compared(api, since, until, **{"with": "openai/gpt-4o,openai/odd"})
    assert (odd["since"], odd["until"]) != (wanted["since"], wanted["until"]), "to the second: other lengths"
    assert odd["candidates"][1]["nanousd"] is not None
    short = compared(api, since, since + timedelta(hours=6))
    assert datetime.fromisoformat(short["since"]) == since
    monkeypatch.setitem(views.MOST_VALUES, "tenant", 3)
    rows = compared(api, since, until, tenant="somebody who came too late")
    assert datetime.fromisoformat(rows["since"]) == since
    with psycopg.connect(database_url) as connection:
        undo_pricing(connection)
    migrate(database_url)
    before = compared(api, since, until)
    assert datetime.fromisoformat(before["since"]) == since, "sums from before say nothing of prices"
    recount(database_url, told=lambda _: None)
    again, _ = told(compared(api, since, until, **{"with": "openai/gpt-4o"}))
    assert again == wanted


def test_rows_are_told_to_the_second(database_url: str, records: list[Settled]) -> None:
    """With nothing lost at either end, and each length on its own side."""
    ship(database_url, records)
    since, until = TIMES[1]

    async def read() -> tuple[list[TrafficRow], list[LeftOutRow]]:
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            return await read_traffic(connection, Span(since=since, until=until), Prices([], [200_000]))

    rows, left_out = asyncio.run(read())
    within = [
        each
        for each in records
        if since.timestamp() <= each.started_at < until.timestamp()
        and each.target is not None
        and each.input_tokens + each.output_tokens
    ]
    assert sum(each.exchanges for each in (*rows, *left_out)) == len(within)
    longest = [row.longest for row in rows]
    assert max(length for length in longest if length <= 200_000) == 200_000
    assert max(longest) > 200_000


def test_lengths_are_told_apart_where_a_price_of_the_list_may_change() -> None:
    rng = random.Random(3)  # noqa: S311 - made records
    seen: set[str] = set()
    for number in range(3000):
        (arrival,) = arrivals([random_record(rng, number)])
        pricing = pricing_of(arrival.row, arrival.note)
        seen.add(pricing)
        if "-" in pricing:
            lengths = lengths_of(pricing)
            assert str(lengths) == pricing
            assert lengths.least <= arrival.row.input_tokens <= (lengths.most or 10**9)
            assert not any(map(lengths.is_cut, LENGTHS))
    assert {"", "unknown_cost", "parts_exceed_whole", "several_calls", "0-32000", "1000001-"} <= seen
    assert lengths_of("0-32000").is_cut(31_999)
    assert lengths_of("1000001-").is_cut(1_000_001)


def test_the_lengths_of_the_price_list_are_kept_apart(tmp_path: Path) -> None:
    write_table(tmp_path / "prices.json")
    providers = msgspec.json.decode((tmp_path / "prices.json").read_bytes(), type=dict[str, Provider])
    rates = (
        rate
        for provider in providers.values()
        for model in provider.models
        for period in model.periods
        for rate in period.rates
    )
    assert {tier.above for rate in rates for tier in rate.tiers} <= set(LENGTHS)


def _plain(record: Settled) -> Settled:
    return msgspec.structs.replace(
        record, target="openai/gpt-4o", input_tokens=1000, output_tokens=100, cache_read_tokens=0, cost_nanousd=5,
        cache_write_tokens=0, reasoning_tokens=0, facts=(), cost_accuracy="exact",
    )  # fmt: skip
