"""What reviewers say of exchanges over the admin API."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_cache_api import settle
from tests.console.test_identity_api import key_of

from penstock.watch.feedback import store


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def of(number: int) -> str:
    return f"/admin/v1/exchanges/ex_{number}/feedback"


def test_a_verdict_is_kept_shown_and_counted(api: Api, database_url: str) -> None:
    settle(database_url, "acme", number=1)
    given = api.call("POST", of(1), {"verdict": "bad", "reason": "hallucination"})
    assert (given.status, given.json["verdict"], given.json["reason"]) == (201, "bad", "hallucination")
    [shown] = api.get(of(1)).json["items"]
    assert shown == given.json
    with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
        store.place(connection, now=api.plane.clock.now(), most=10)
    [tally] = api.get("/admin/v1/feedback").json["items"]
    assert tally == {"tenant": "acme", "model": "m", "tier": None, "good": 0, "bad": 1}


def test_a_reviewer_judges_its_own_tenants_exchanges_alone(api: Api, database_url: str) -> None:
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    settle(database_url, "acme", number=1)
    settle(database_url, "umbra", number=2)
    assert api.call("POST", of(2), {"verdict": "bad"}).status == 201
    reviewer, viewer = key_of(api, "acme", "reviewer"), key_of(api, "acme", "viewer")
    assert api.call("POST", of(1), {"verdict": "good"}, token=reviewer).status == 201
    refused = api.call("POST", of(2), {"verdict": "good"}, token=reviewer)
    assert (refused.status, refused.json["error"]["code"]) == (404, "unknown_exchange")
    assert api.call("POST", of(9), {"verdict": "good"}, token=reviewer).json == refused.json
    assert api.call("GET", of(2), token=reviewer).json == {"items": []}
    assert api.call("POST", of(1), {"verdict": "good"}, token=viewer).status == 403


def test_what_a_reviewer_writes_is_kept_masked_beside_the_verdict_or_without(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text("guards: {default: {personal_data: {fail: closed, names: false, actions: {IBAN: block}}}}\n")
    settle(database_url, "acme", number=1)
    with serving(tmp_path / "data", database_url, file=file) as api:
        given = api.call("POST", of(1), {"rating": 2, "correction": "Write to ada@example.com."})
        assert (given.status, given.json["verdict"], given.json["rating"]) == (201, None, 2)
        assert api.get(of(1)).json["items"] == []  # there was no verdict
        later = {"verdict": "bad", "comment": "Her account is DE89 3704 0044 0532 0130 00."}
        assert api.call("POST", of(1), later).json["comment"] == "Her account is <IBAN_1>."
        [shown] = api.get("/admin/v1/review/remarks").json["items"]
        assert (shown["rating"], shown["correction"], shown["comment"]) == (None, None, "Her account is <IBAN_1>.")
        with psycopg.connect(database_url) as connection:
            assert "ada@" not in repr(connection.execute("SELECT * FROM remarks").fetchall())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"verdict": "fine"},
        {"verdict": "bad", "reason": "A Text"},
        {"stars": 5},
        {"rating": 6},
        {"comment": ""},
        {"rating": 3, "reason": "tone"},
        {"correction": "x" * 8001},
    ],
)
def test_what_is_no_verdict_is_refused(api: Api, body: dict[str, object]) -> None:
    assert api.call("POST", of(1), body).status == 400
