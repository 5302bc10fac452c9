"""The weekly view of drift over HTTP, and who may see it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.drift.test_checking import HOUR, SETTINGS, WEEK, clock_at, past

from penstock.storage.pool import connect
from penstock.watch.drift.checking import Checking

DRIFT = "/admin/v1/drift"
CHANGED = 8 * WEEK + 12


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        api.plane.clock = clock_at(HOUR + CHANGED + 36)
        yield api


def test_a_week_is_shown_with_what_was_found(api: Api, database_url: str) -> None:
    with connect(database_url, name="test") as database:
        database.autocommit = True
        past(database, CHANGED + 36, changed_at=CHANGED)
        Checking(SETTINGS, clock_at(HOUR + CHANGED + 26)).tend(database)
    said = api.get(DRIFT).json
    week, day = said["features"]
    assert (week["hours"], day["hours"]) == (168, 24)
    for each in (week, day):
        assert (each["assistant"], each["feature"], each["verdict"]) == ("support", "groundedness", "changed")
        assert each["low"] < each["change"] < each["high"]
    assert day["reference"] == pytest.approx(0.9, abs=0.02)
    assert day["current"] == pytest.approx(0.81, abs=0.02)
    (finding,) = said["findings"]
    assert finding["reference"] > finding["current"]
    assert "groundedness fell" in finding["text"]
    assert api.get(f"{DRIFT}?assistant=other").json["features"] == []
    assert api.get(f"{DRIFT}?assistant=other").json["findings"] == []


def test_an_installation_without_exchanges_has_none(api: Api) -> None:
    said = api.get(DRIFT).json
    assert (said["is_watched"], said["features"], said["findings"]) == (True, [], [])


def test_who_sees_one_tenant_does_not_see_all_of_them(api: Api) -> None:
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme"}).status == 201
    key = key_of(api, "acme", "owner")
    assert api.call("GET", DRIFT, token=key).status == 403
