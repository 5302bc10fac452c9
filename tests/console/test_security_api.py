"""Security figures over the admin API: what was stopped, who was refused, and keys that are used as never before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of, wait_until
from tests.watch.quality.test_looking import ledger, settled

from penstock.core.clock import SystemClock
from penstock.core.facts import GuardFailed, GuardJudged, PersonalDataMasked
from penstock.core.record import Settled
from penstock.watch.rollups.closing import close_one


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def asked(api: Api, path: str = "", *, credential: str | None = None, **query: Any) -> Any:
    extra = {} if credential is None else {"token": credential}
    return api.call("GET", f"/admin/v1/security{path}?{urlencode(query, doseq=True)}", **extra)


def judged(guard: str, direction: str, action: str, mode: str = "enforce") -> GuardJudged:
    return GuardJudged(at_s=0.1, guard=guard, direction=direction, mode=mode, action=action, texts=1, findings=1)


def test_what_was_stopped_and_who_was_refused(api: Api, database_url: str) -> None:
    now = SystemClock().now()
    facts = (
        PersonalDataMasked(at_s=0.0, kinds={"EMAIL_ADDRESS": 2, "API_KEY": 1}),
        judged("personal_data", "output", "block"),
        judged("injection", "input", "block"),
        judged("injection", "input", "block", "shadow"),
        judged("scope", "input", "allow"),
        GuardFailed(at_s=0.2, guard="scope", direction="input", mode="enforce", reason="timeout", is_let_through=True),
    )
    ledger(database_url, settled(1, at=now, facts=facts), settled(2, at=now, tenant="umbra", facts=facts))
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "acme"}).status == 201
    viewer = key_of(api, "acme", "viewer")
    assert api.call("GET", "/admin/v1/models", token="nobody's").status == 401
    mine = asked(api, credential=viewer).json
    wanted = {"masked": 2, "secret": 1, "leak_stopped": 1, "injection": 1, "let_through": 1}
    assert {kind: amount for kind, amount in mine["totals"].items() if amount} == wanted
    [shadow] = [each for each in mine["lines"] if each["mode"] == "shadow"]
    assert (shadow["kind"], shadow["name"], shadow["amount"]) == ("injection", "injection:input:block", 1)
    assert mine["refused"] is None
    assert asked(api, tenant="umbra", credential=viewer).status == 404
    assert asked(api).json["totals"]["masked"] == 4

    def refused() -> list[tuple[str, str]]:
        return [(each["place"], each["reason"]) for each in asked(api).json["refused"] if each["amount"] > 0]

    wait_until(lambda: ("control", "key") in refused())


def used(key: str, at: datetime, exchanges: int, first: int) -> list[Settled]:
    return [settled(first + each, at=at.timestamp(), key=key) for each in range(exchanges)]


def test_keys_that_are_used_as_never_before(api: Api, database_url: str) -> None:
    """One at its usual hour and measure, one at another hour, one far more often; of a new one nothing is said."""
    today = datetime.fromtimestamp(SystemClock().now(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = today - timedelta(days=1)
    records: list[Settled] = []
    for key in ("usual", "odd", "loud"):
        for day in range(1, 11):
            for hour, exchanges in ((9, 21), (10, 3)):
                records += used(key, begin - timedelta(days=day) + timedelta(hours=hour), exchanges, len(records))
    for key, hour, exchanges in (("usual", 10, 40), ("odd", 3, 2), ("loud", 9, 63), ("new", 3, 70)):
        records += used(key, begin + timedelta(hours=hour), exchanges, len(records))
    ledger(database_url, *records)
    query = {"since": begin.isoformat(), "until": today.isoformat()}
    items = asked(api, "/access", **query).json["items"]
    told = [(each["key"], each["exchanges"], each["why"]) for each in items]
    assert told == [("loud", 63, ["volume"]), ("odd", 2, ["hour"])]
    assert (items[0]["busiest_before"], items[0]["days_before"]) == (21, 10)
    assert asked(api, "/access", **query, tenant="umbra").json["items"] == []
    assert [each["key"] for each in asked(api, "/access", **query, limit=1).json["items"]] == ["loud"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for is_last in (False, False, False, True):
            if is_last:
                while close_one(connection, today):
                    pass
            close_one(connection, today)
            assert asked(api, "/access", **query).json["items"] == items, "whatever of the days before is closed"
        kept = connection.execute("SELECT sum(exchanges)::int, max(busiest)::int FROM rollup_key_days").fetchone()
    assert kept == (len(records), 70)
