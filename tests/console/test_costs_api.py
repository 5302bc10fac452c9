"""The forecast of costs over HTTP: exact sums out of a real ledger, whose days, and when budgets run out."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of

from penstock.admission.limits.rules.store import StatusRow, publish_status
from penstock.console.costs.store import Spend, read_spend
from penstock.testing.clock import FakeClock
from penstock.watch.forecast.month import month_of
from penstock.watch.rollups.recount import recount

FORECAST = "/admin/v1/costs/forecast"
NOW = datetime(2040, 3, 20, 12, tzinfo=UTC)
"""Ahead of any clock of the database, which clears counters away whose month is over."""
USD = 10**9
FILE = {
    "PENSTOCK__BUDGETS": "[{name: team, per: month, scope: [tenant], hard_usd: 310},"
    " {name: daily, per: day, scope: [tenant], hard_usd: 1}, {name: all, per: month, hard_usd: 100000},"
    " {name: by-project, per: month, scope: [tenant, project], hard_usd: 10}]"
}


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url, FILE) as api:
        api.plane.clock = FakeClock(now_s=NOW.timestamp())
        yield api


def spend(url: str, tenant: str, at: datetime, nanousd: int | None, *, days: int = 1, each_day: int = 1) -> None:
    """So much at this moment, and at the same one of so many days."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO ledger (started_at, duration_s, input_tokens, output_tokens, cache_read_tokens,"
            " cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, dialect,"
            " operation, model, outcome, usage_accuracy, cost_accuracy, config_hash, facts) SELECT"
            " %(at)s + make_interval(hours => 24 * day), 0.1, 0, 0, 0, 0, 0, %(cost)s, 0, false,"
            " gen_random_uuid()::text, %(tenant)s, 'k', 'openai-chat', 'chat', 'm', 'completed', 'exact',"
            " %(accuracy)s, 'h', '[]' FROM generate_series(0, %(days)s - 1) AS day, generate_series(1, %(each)s)",
            {
                "at": at,
                "cost": nanousd,
                "tenant": tenant,
                "accuracy": "unknown" if nanousd is None else "exact",
                "days": days,
                "each": each_day,
            },
        )

    recount(url, told=lambda _: None)


def ten_dollars_a_day(url: str, tenant: str = "acme") -> None:
    """Ten weeks of it, at six every morning."""
    spend(url, tenant, datetime(2040, 1, 10, 6, tzinfo=UTC), 10 * USD + 1, days=71)


def asked(api: Api, query: str = "?tenant=acme", **more: Any) -> Any:
    reply = api.call("GET", FORECAST + query, **more)
    assert reply.status == 200, reply.json
    return reply.json


def test_even_spending_goes_on_and_its_budget_ends_on_the_last_day(api: Api, database_url: str) -> None:
    ten_dollars_a_day(database_url)
    said = asked(api)
    assert (said["month"], said["time_zone"], said["is_over"]) == ("2040-03", "UTC", False)
    assert said["spent_nanousd"] == 20 * (10 * USD + 1)
    assert len(said["days"]) == 20
    forecast = said["forecast"]
    assert forecast["low_nanousd"] <= 310 * USD <= forecast["high_nanousd"]
    # All of a day is spent in its morning, as the hours tell: nothing more comes of today.
    assert abs(forecast["expected_nanousd"] - 310 * USD) < 4 * USD
    assert (forecast["history_days"], forecast["is_short"], said["reason"]) == (70, False, None)
    wider = asked(api, "?tenant=acme&level=0.95")["forecast"]
    assert wider["low_nanousd"] < forecast["low_nanousd"]
    assert wider["high_nanousd"] > forecast["high_nanousd"]
    (team,) = said["budgets"]
    assert (team["name"], team["used_nanousd"], team["used_by"]) == ("team", 20 * (10 * USD + 1), "ledger")
    assert team["is_used_up"] is False
    assert team["earliest"] in {"2040-03-30", "2040-03-31"}
    assert 0 < team["chance"] < 1
    assert [(each["name"], "project" in each["reason"]) for each in said["budgets_left_out"]] == [("by-project", True)]


def test_a_budget_goes_by_its_counter_and_by_overrides(api: Api, database_url: str) -> None:
    ten_dollars_a_day(database_url)
    heard = StatusRow(
        key="c1", rule="team", scope={"tenant": "acme"}, unit="money", amount=310 * USD, used=255 * USD,
        granted=260 * USD, starts_at=datetime(2040, 3, 1, tzinfo=UTC).timestamp(),
        ends_at=datetime(2040, 4, 1, tzinfo=UTC).timestamp(), heard_at=NOW.timestamp(),
    )  # fmt: skip
    with psycopg.connect(database_url) as connection:
        publish_status(connection, [heard])
    (team,) = asked(api)["budgets"]
    assert (team["used_nanousd"], team["used_by"]) == (255 * USD, "counter")
    assert team["day"] == "2040-03-26"  # 55 dollars left, ten a day from tomorrow on
    assert team["earliest"] <= "2040-03-26" <= team["latest"]
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme"}).status == 201
    wanted = {"per": "month", "scope": ["tenant"], "hard_usd": 150, "tenant": "acme"}
    assert api.call("PUT", "/admin/v1/budgets/own", wanted).status == 201
    own = next(each for each in asked(api)["budgets"] if each["name"] == "own")
    assert (own["is_used_up"], own["day"]) == (True, "2040-03-15")
    more = {"raise_usd": 100, "until": "2040-04-01T00:00:00Z"}
    assert api.call("POST", "/admin/v1/budgets/own/overrides", more).status == 201
    own = next(each for each in asked(api)["budgets"] if each["name"] == "own")
    assert (own["amount_nanousd"], own["is_used_up"], own["day"]) == (250 * USD, False, "2040-03-25")


def test_unknown_costs_are_told_and_are_not_days_of_nothing(api: Api, database_url: str) -> None:
    ten_dollars_a_day(database_url)
    # Four days whose price nobody knew.
    priceless = datetime(2040, 3, 16, 6, tzinfo=UTC)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM ledger WHERE started_at >= %s AND started_at < '2040-03-20'", (priceless,))
    spend(database_url, "acme", priceless, None, days=4, each_day=3)
    said = asked(api)
    assert said["unknown_cost"] == 12
    assert said["spent_nanousd"] == 16 * (10 * USD + 1)
    assert abs(said["forecast"]["expected_nanousd"] - 270 * USD) < 8 * USD
    assert said["forecast"]["history_days"] == 66


def test_days_are_the_tenants_and_months_too(api: Api, database_url: str) -> None:
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "time_zone": "America/New_York"}).status == 201
    eve = datetime(2040, 2, 29, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    spend(database_url, "acme", eve, 5)
    spend(database_url, "acme", eve + timedelta(hours=1), 7)
    spend(database_url, "umbra", eve, 11)
    said = asked(api)
    assert (said["time_zone"], said["spent_nanousd"], said["days"][0]["day"]) == ("America/New_York", 7, "2040-03-01")
    before = asked(api, "?tenant=acme&month=2040-02")
    assert (before["spent_nanousd"], before["is_over"], before["forecast"], before["budgets"]) == (5, True, None, [])
    assert "over" in before["reason"]
    assert asked(api, "")["spent_nanousd"] == 5 + 7 + 11  # of all, by UTC's days


def test_days_of_a_zone_that_is_off_by_half_an_hour_are_told_from_a_tenants_own_rows(database_url: str) -> None:
    """At eight in the evening of UTC it is half past one there, on the next day."""
    for tenant, nanousd in (("acme", 7), ("umbra", 9)):
        spend(database_url, tenant, datetime(2040, 3, 10, 20, tzinfo=UTC), nanousd)
    month = month_of(NOW, ZoneInfo("Asia/Kolkata"))

    async def read() -> Spend:
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            return await read_spend(connection, month, now=NOW, of={"tenant": "acme"})

    said = asyncio.run(read())
    assert {day: each.nanousd for day, each in said.days.items()} == {date(2040, 3, 11): 7}
    assert (said.hours[1], sum(said.hours)) == (7, 7)


def test_a_tenant_sees_its_own_and_what_cannot_be_told_is_refused(api: Api, database_url: str) -> None:
    spend(database_url, "acme", NOW - timedelta(days=1), 7)
    spend(database_url, "umbra", NOW - timedelta(days=1), 11)
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    token = key_of(api, "acme", "developer")
    said = asked(api, "", token=token)
    assert (said["tenant"], said["spent_nanousd"], said["forecast"]) == ("acme", 7, None)
    assert "1 whole day" in said["reason"]
    assert [(each["name"], each["day"], each["reason"] is None) for each in said["budgets"]] == [("team", None, False)]
    assert api.call("GET", FORECAST + "?tenant=umbra", token=token).status == 404
    assert api.call("GET", FORECAST, token=key_of(api, "acme", "viewer")).status == 403
    assert [each["name"] for each in asked(api, "")["budgets"]] == ["all"]
    for broken in ("2040-13", "nonsense", "2040-04", "0001-01"):
        refused = api.call("GET", f"{FORECAST}?month={broken}")
        assert refused.status == 400, broken
        assert "month" in refused.json["error"]["message"].lower()
