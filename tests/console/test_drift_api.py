"""Drift over HTTP: the weekly view, the findings, one feature's course, and who may see them."""

import math
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.drift.test_checking import HOUR, SETTINGS, WEEK, clock_at, past

from penstock.console.drift.views import time_of
from penstock.storage.pool import connect
from penstock.watch.drift.checking import Checking
from penstock.watch.drift.compare import FIRST_H

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
        assert each["alert_below"] < each["reference"] < each["alert_above"]
    assert day["reference"] == pytest.approx(0.9, abs=0.02)
    assert day["current"] == pytest.approx(0.81, abs=0.02)
    assert day["current"] < day["alert_below"]
    (finding,) = said["findings"]
    assert finding["reference"] > finding["current"]
    assert "groundedness fell" in finding["text"]
    assert api.get(f"{DRIFT}?assistant=other").json["features"] == []
    assert api.get(f"{DRIFT}?assistant=other").json["findings"] == []
    assert week["before"] == [pytest.approx(0.9, abs=0.02)] * 7 + [pytest.approx(0.9, abs=0.03)]


@pytest.mark.parametrize(("ago", "week", "day"), [(36, 0.9, 0.9), (200, 0.9, 0.81), (400, 0.81, 0.81)])
def test_what_changed_windows_ago_is_the_level_and_is_shown_until_then(
    api: Api, database_url: str, ago: int, week: float, day: float
) -> None:
    begun = CHANGED + 36 - ago
    with connect(database_url, name="test") as database:
        database.autocommit = True
        past(database, CHANGED + 36, changed_at=begun)
        Checking(SETTINGS, clock_at(HOUR + begun + 26)).tend(database)
    said = api.get(DRIFT).json
    assert len(said["findings"]) == 1
    for each, expected in zip(said["features"], (week, day), strict=True):
        assert each["reference"] == pytest.approx(expected, abs=0.015), "a window has one level, and not of both"
        assert each["current"] == pytest.approx(0.81 if each["hours"] < ago else each["before"][-1], abs=0.025)
        assert each["verdict"] == ("changed" if expected == 0.9 else "unchanged")
        assert each["alert_above"] - each["alert_below"] < 0.11, "days of one level lie no further apart for a change"


def test_a_finding_is_acknowledged_and_its_course_parted_where_it_began(api: Api, database_url: str) -> None:
    with connect(database_url, name="test") as database:
        database.autocommit = True
        past(database, CHANGED + 36, changed_at=CHANGED)
        Checking(SETTINGS, clock_at(HOUR + CHANGED + 26)).tend(database)
    said = api.get(f"{DRIFT}/findings").json
    assert (said["assistants"], said["min_exchanges"]) == (["support"], 50)
    assert (said["seen"], len(said["features"])) == (["groundedness"], 16), "of the others there was nothing"
    assert said["first_finding"] == time_of(HOUR + FIRST_H).isoformat().replace("+00:00", "Z")
    (finding,) = said["findings"]
    assert finding["acknowledged_at"] is None
    assert api.call("POST", f"/admin/v1/alerts/{quote(finding['alert'])}/acknowledge").status == 200
    (finding,) = api.get(f"{DRIFT}/findings").json["findings"]
    assert finding["acknowledged_by"] == "admin-token"
    query = urlencode({"assistant": "support", "feature": "groundedness", "at": finding["since"]})
    course = api.get(f"{DRIFT}/course?{query}").json
    assert course["before"]["value"] == pytest.approx(0.9, abs=0.01)
    assert course["after"]["value"] == pytest.approx(0.81, abs=0.02)
    assert (course["after"]["since"], course["shape_of"]) == (finding["since"], "hours")
    for side in ("before", "after"):
        assert sum(each[side] for each in course["shape"]) == pytest.approx(1)
        middle = sum(each[side] * (each["low"] + each["high"]) / 2 for each in course["shape"])
        assert middle == pytest.approx(course[side]["value"], abs=0.02), "the shape lies around the value"
    assert sum(each["exchanges"] for each in course["days"]) == sum(course[s]["exchanges"] for s in ("before", "after"))
    assert [each["since"] for each in course["findings"]] == [finding["since"]]
    for bad in ("feature=taste&assistant=support", "feature=cost", "feature=cost&assistant=support&at=then"):
        assert api.get(f"{DRIFT}/course?{bad}").status == 400, bad
    assert api.get(f"{DRIFT}/course?feature=cost&assistant=nobody&at=0001-01-01").json["days"] == []


def test_the_shape_of_a_tone_is_the_share_of_each_sign(api: Api, database_url: str) -> None:
    with connect(database_url, name="test") as database:
        database.autocommit = True
        past(database, CHANGED + 36, changed_at=CHANGED)
        for laid_out, since in ((3, 0), (9, HOUR + CHANGED)):
            tone = f'{{"tone": [10, [40, 1, 0, 2, 4, 0, {laid_out}], 200]}}'
            database.execute("UPDATE drift_hours SET features = %s WHERE hour >= %s", [tone, since])
    at = time_of(HOUR + CHANGED).isoformat()
    course = api.get(f"{DRIFT}/course?{urlencode({'assistant': 'support', 'feature': 'tone', 'at': at})}").json
    assert course["shape_of"] == "exchanges"
    assert {each["name"]: (each["before"], each["after"]) for each in course["shape"]} == {
        "exclamations": (0.1, 0.1), "emoji": (0.0, 0.0), "apologies": (0.2, 0.2), "courtesies": (0.4, 0.4),
        "hedges": (0.0, 0.0), "layout": (0.3, 0.9),
    }  # fmt: skip
    assert course["before"]["value"] == pytest.approx(math.exp(4))


def test_an_installation_without_exchanges_has_none(api: Api) -> None:
    said = api.get(DRIFT).json
    assert (said["is_watched"], said["features"], said["findings"]) == (True, [], [])


def test_who_sees_one_tenant_does_not_see_all_of_them(api: Api) -> None:
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme"}).status == 201
    key = key_of(api, "acme", "owner")
    for path in ("", "/findings", "/course?assistant=support&feature=cost"):
        assert api.call("GET", f"{DRIFT}{path}", token=key).status == 403
