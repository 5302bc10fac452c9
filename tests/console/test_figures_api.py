"""Figures over the admin API: those of the ledger, of the caller's tenant, and of nothing that is no figure."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.rollups.scene import BEGAN, arrivals, random_record

from penstock.core.record import Settled
from penstock.watch.figures.catalog import FIGURES
from penstock.watch.store import LedgerWriter

DAY: dict[str, Any] = {
    "since": datetime.fromtimestamp(BEGAN - 7200, UTC),
    "until": datetime.fromtimestamp(BEGAN + 36_000, UTC),
}


@pytest.fixture
def records() -> list[Settled]:
    rng = random.Random(3)  # noqa: S311 - made records
    return [random_record(rng, number) for number in range(300)]


@pytest.fixture
def api(tmp_path: Path, database_url: str, records: list[Settled]) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        writer = LedgerWriter(database_url)
        writer.insert(arrivals(records))
        writer.close()
        yield api


def asked(api: Api, path: str = "", *, credential: str | None = None, **query: Any) -> Any:
    times = {name: each.isoformat() if isinstance(each, datetime) else each for name, each in query.items()}
    extra = {} if credential is None else {"token": credential}
    return api.call("GET", f"/admin/v1/figures{path}?{urlencode(times, doseq=True)}", **extra)


def test_figures_by_assistant_and_hour(api: Api, records: list[Settled]) -> None:
    said = asked(api, **DAY, figure=["exchanges", "cost_nanousd", "duration_p95_s"], by="assistant", step="hour").json
    assert [each["name"] for each in said["figures"]] == ["exchanges", "cost_nanousd", "duration_p95_s"]
    assert said["grain"] == "hour"
    total = sum(line["values"]["exchanges"] for line in said["lines"] if line["group"] == {"assistant": "sales"})
    assert total == sum(record.model == "sales" for record in records)
    cost = sum(line["values"]["cost_nanousd"] for line in said["lines"])
    assert cost == sum(record.cost_nanousd or 0 for record in records)
    assert all(line["values"]["duration_p95_s"] > 0 for line in said["lines"])


def test_days_are_those_of_the_zone(api: Api, records: list[Settled]) -> None:
    query = {**DAY, "figure": "exchanges", "step": "day"}
    (day,) = asked(api, **query, zone="Asia/Kolkata").json["lines"]  # half an hour off: counted by the minute
    assert day["at"] == "2026-11-17T18:30:00Z"
    assert day["values"]["exchanges"] == len(records)
    assert asked(api, **query, zone="Asia/Nowhere").status == 400


def test_every_figure_is_told(api: Api) -> None:
    names = [each["name"] for each in asked(api, "/catalog").json]
    assert names == list(FIGURES)
    (line,) = asked(api, **DAY, figure=names).json["lines"]
    assert line["values"].keys() == FIGURES.keys()
    assert all(line["values"][name] is not None for name in names)


def test_a_figure_alone_is_what_it_is_among_all(api: Api) -> None:
    """Only the sums that it is made of are read."""
    groups = {"by": "outcome"}
    whole = asked(api, **DAY, **groups, figure=list(FIGURES)).json["lines"]
    assert len(whole) > 2
    for name in FIGURES:
        lines = asked(api, **DAY, **groups, figure=name).json["lines"]
        assert [line["values"][name] for line in lines] == [line["values"][name] for line in whole], name


def test_what_happened_is_told_by_name(api: Api, records: list[Settled]) -> None:
    said = asked(api, "/tallies", **DAY, prefix=["masked:", "attempt_failed:"], by="assistant").json
    phones = sum(each["amount"] for each in said["tallies"] if each["name"] == "masked:phone")
    assert phones == sum("phone" in getattr(fact, "kinds", {}) for record in records for fact in record.facts)
    assert {each["name"] for each in said["tallies"]} == {"masked:phone", "masked:email", "attempt_failed:timeout"}
    assert asked(api, "/tallies", **DAY, prefix="masked:", by="key").status == 400


def test_a_tenant_sees_its_own_figures_only(api: Api, records: list[Settled]) -> None:
    key = key_of(api, "acme", "viewer")
    query = {**DAY, "figure": "exchanges", "by": "tenant"}
    (line,) = asked(api, **query, credential=key).json["lines"]
    assert line["group"] == {"tenant": "acme"}
    assert line["values"]["exchanges"] == sum(record.tenant == "acme" for record in records)
    assert asked(api, **query, tenant="globex", credential=key).status == 404
    tallies = asked(api, "/tallies", **DAY, prefix="masked:", by="tenant", credential=key).json["tallies"]
    assert {each["group"]["tenant"] for each in tallies} == {"acme"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"figure": "profit"}, "no figure"),
        ({"figure": "exchanges", "by": "colour"}, "by"),
        ({"figure": "exchanges", "by": ["key", "feature"]}, "feature and key"),
        ({"figure": "exchanges", "since": "2026-11-18T00:00:00Z", "until": "2026-11-17T00:00:00Z"}, "until"),
        ({"figure": "exchanges", "since": "2020-01-01T00:00:00Z"}, "800 days"),
        ({"figure": "exchanges", "step": "minute", "since": "2026-11-14T00:00:00Z"}, "steps"),
        ({"figure": "exchanges", "colour": "red"}, "colour"),
        (
            {"figure": "exchanges", "since": "2026-08-18T00:00:00Z", "until": "2026-08-18T02:00:00Z"},
            "40 days",
        ),
        ({}, "figure"),
    ],
)
def test_what_cannot_be_told_is_refused(api: Api, query: dict[str, Any], told: str) -> None:
    reply = asked(api, **({"until": DAY["until"]} | query))
    assert reply.status == 400
    assert told in msgspec.json.encode(reply.json).decode()


def test_exchanges_are_found_by_what_is_known_of_them(api: Api, records: list[Settled]) -> None:
    def found(**query: Any) -> set[str]:
        reply = api.call("GET", f"/admin/v1/ledger?{urlencode(query | {'limit': 1000})}")
        assert reply.status == 200, reply.json
        return {each["id"] for each in reply.json["items"]}

    assert found(mark="masked:phone") == {each.id for each in records if "phone" in str(each.facts)}
    assert found(outcome="blocked", tenant="acme") == {
        each.id for each in records if each.outcome == "blocked" and each.tenant == "acme"
    }
    assert found(min_cost_nanousd=9_000_000) == {each.id for each in records if (each.cost_nanousd or 0) >= 9_000_000}
    assert found(min_cost_nanousd=200_000_000) == set()
    assert found(feature="search", region="eu") == {
        each.id for each in records if (each.feature, each.region) == ("search", "eu")
    }
    assert api.call("GET", "/admin/v1/ledger?tenat=acme").status == 400


def test_one_exchange_is_shown_whole_to_its_tenant_only(api: Api, records: list[Settled]) -> None:
    theirs = next(each for each in records if each.tenant == "globex")
    said = api.call("GET", f"/admin/v1/ledger/{theirs.id}").json
    assert (said["id"], said["project"], said["facts"][-1]["fact"]) == (theirs.id, theirs.project, "ended")
    key = key_of(api, "acme", "developer")
    refused = api.call("GET", f"/admin/v1/ledger/{theirs.id}", token=key)
    assert (refused.status, refused.json["error"]["code"]) == (404, "unknown_exchange")
