"""Quality over the admin API: figures of the sums, the worst answers, failures by class; within one's own tenant."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of
from tests.watch.contents.test_kept import exchange
from tests.watch.quality.test_looking import ledger, settled

from penstock.config.quality import JudgeSettings, QualityOverride, QualitySettings
from penstock.config.secret import Secret
from penstock.config.types import ModelSettings
from penstock.core.clock import SystemClock
from penstock.core.facts import AttemptFailed, Ended
from penstock.review.remarks import place_remarks
from penstock.watch.quality import store
from penstock.watch.quality.checks import Found
from penstock.watch.quality.seen import Told

QUALITY = "/admin/v1/quality"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def told(number: int, tenant: str, at: float) -> Told:
    return Told(
        exchange=exchange(number, at),
        tenant=tenant,
        assistant="help",
        release="",
        target="sim/sim",
        at=datetime.fromtimestamp(at, UTC),
        outcome="completed",
    )


def asked(api: Api, path: str = "", *, credential: str | None = None, **query: Any) -> Any:
    extra = {} if credential is None else {"token": credential}
    return api.call("GET", f"{QUALITY}{path}?{urlencode(query, doseq=True)}", **extra)


def test_figures_worst_answers_and_failures(api: Api, database_url: str) -> None:
    now = SystemClock().now()
    failed = (
        AttemptFailed(at_s=0.1, attempt=1, target="sim/sim", code="upstream_timeout"),
        Ended(at_s=1, end="completed"),
    )
    records = [settled(number, at=now, tenant="acme") for number in range(3)]
    records += [settled(3, at=now, tenant="umbra", facts=failed), settled(4, at=now, outcome="blocked")]
    ledger(database_url, *records)
    scores = {0: (1000, "good"), 1: (0, "empty"), 2: (400, "refusal"), 3: (0, "cut_off")}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number, (score, verdict) in scores.items():
            checks = {"empty": "empty", "refusal": "refusal", "cut_off": "cut", "good": "empty"}
            found = [Found("answer", score, verdict), Found(checks[verdict], score, verdict)]  # type: ignore[arg-type] # as they are
            store.write(connection, [(told(number, "umbra" if number == 3 else "acme", now), found)])
        connection.execute(
            'INSERT INTO feedback (at, place, tenant, exchange, key, "user", verdict, model)'
            " VALUES (%s, 1, 'acme', %s, 'k', '', 'bad', 'help')",
            (now, exchange(1, now)),
        )
        for number in (0, 3, 99):  # of its own exchange, of another tenant's, of none
            connection.execute(
                'INSERT INTO remarks (tenant, exchange, key, "user", rating, correction, at)'
                " VALUES ('acme', %s, 'k', '', 2, 'no', %s)",
                (exchange(number, now), now),
            )
        assert place_remarks(connection, most=10) <= 1, "or the control plane has"
        placed = connection.execute("SELECT exchange, assistant FROM remarks WHERE assistant IS NOT NULL").fetchall()
        assert placed == [(exchange(0, now), "help")]
    for tenant in ("acme", "umbra"):
        assert api.call("POST", "/admin/v1/tenants", {"id": tenant, "name": tenant}).status == 201
    viewer, auditor = key_of(api, "acme", "viewer"), key_of(api, "acme", "auditor")
    by_tenant = {each["group"]["tenant"]: each for each in asked(api, by="tenant").json["lines"]}
    assert by_tenant.keys() == {"acme", "umbra"}
    [line] = asked(api, credential=viewer, step="hour", by=["assistant"]).json["lines"]
    assert (line["answers"], line["verdicts"]) == (3, {"good": 1, "empty": 1, "refusal": 1})
    assert round(line["mean"]["value"], 3) == 0.467
    assert round(line["passed"]["value"], 3) == 0.333
    said = {name: value for name, value in line["feedback"].items() if name != "good_share"}
    assert said == {"good": 0, "bad": 1, "ratings": 1, "mean_rating": 2.0, "corrections": 1}
    assert asked(api, by="target").json["lines"][0]["feedback"] is None
    assert [each["check"] for each in asked(api, "/checks", credential=viewer).json["lines"]] == ["empty", "refusal"]
    assert asked(api, "/worst", credential=viewer).status == 403
    items = asked(api, "/worst", credential=auditor).json["items"]
    assert [(each["exchange"], each["verdict"]) for each in items] == [
        (exchange(1, now), "empty"),
        (exchange(2, now), "refusal"),
    ]
    assert [each["exchange"] for each in asked(api, "/worst", verdict=["refusal", "loop"]).json["items"]] == [
        exchange(2, now)
    ]
    newest = asked(api, "/answers", credential=auditor, limit=2).json["items"]
    assert len(newest) == 2
    every = asked(api, "/answers", credential=auditor).json["items"]
    assert {each["exchange"] for each in every} == {exchange(number, now) for number in range(3)}, "good ones too"
    assert asked(api, "/answers", credential=viewer).status == 403
    assert items[0]["why"] == [{"check": "empty", "verdict": "empty"}]
    assert api.call("GET", items[0]["links"]["exchange"], token=auditor).status == 200
    failures = asked(api, "/failures").json
    counted = {(each["counted"], each["failure"]): each["amount"] for each in failures["lines"]}
    assert counted == {
        ("exchanges", "guard_blocked"): 1,
        ("events", "timeout"): 1,
        ("sample", "empty"): 1,
        ("sample", "refusal"): 1,
        ("sample", "cut_off"): 1,
    }
    assert (failures["exchanges"], failures["looked_at"]) == (5, 4)
    for path in ("", "/checks", "/failures"):
        assert asked(api, path, tenant="umbra", credential=viewer).status == 404
    for bad in ({"by": "colour"}, {"zone": "Mars"}, {"check": "taste"}, {"since": "2030-01-01", "until": "2029-01-01"}):
        assert asked(api, **bad).status == 400, bad
    assert asked(api, "/failures", by="target").status == 400


def test_what_is_looked_at_and_what_the_judge_has_cost(api: Api, database_url: str) -> None:
    assert asked(api, "/looked-at").json["judge"] is None
    judge = JudgeSettings(model="judge", key=Secret("env:K", "k"), budget_usd=Decimal("1.5"), judged=0.5)
    help_model = ModelSettings(targets=(), quality=QualityOverride(sample=1.0))
    quality = QualitySettings(sample=0.1, judge=judge)
    api.plane.config = msgspec.structs.replace(api.plane.config, quality=quality, models={"help": help_model})
    now = SystemClock().now()
    today = datetime.fromtimestamp(now, UTC).date()
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        days = [(today - timedelta(days=each), 1_000 + each, 1 + each) for each in (0, 1, 20)]
        cursor.executemany("INSERT INTO quality_spent (day, nanousd, calls) VALUES (%s, %s, %s)", days)
        cursor.executemany(
            "INSERT INTO quality_judged (exchange, at, state) VALUES (%s, %s, %s)",
            [("a", now, "judged"), ("b", now, "judged"), ("c", now, "refused"), ("d", now - 20 * 86_400, "judged")],
        )
    said = asked(api, "/looked-at").json
    assert said["judge"]["budget_nanousd"] == 1_500_000_000
    assert [(each["nanousd"], each["calls"]) for each in said["judge"]["spent"]] == [(1_000, 1), (1_001, 2)]
    states = {state: count for state, count in said["judge"]["states"].items() if count}
    assert states == {"judged": 2, "refused": 1}
    [policy] = said["assistants"]
    assert (policy["assistant"], policy["sample"], policy["judged"]) == ("help", 1.0, 0.5)
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme"}).status == 201
    viewer = key_of(api, "acme", "viewer")
    assert asked(api, "/looked-at", credential=viewer).json["judge"] is None, "the installation's money"
    assert asked(api, "/looked-at", since="2029-01-01", until="2028-01-01").status == 400
