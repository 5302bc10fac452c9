"""The control plane over HTTP, with a real database behind it and settled exchanges in its journal."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs
from tests.console.serving import PATIENCE_S, Api, serving, settings
from tests.records import completed

from penstock.console.plane import open_plane
from penstock.console.store import Database
from penstock.core.clock import SystemClock
from penstock.core.record import Settled
from penstock.storage.migrate import known_revisions
from penstock.watch.journal import JournalFile


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as running:
        yield running


def settled(number: int, *, model: str = "fast", cost: int | None = 1000, outcome: str = "completed") -> Settled:
    return completed(
        id=f"ex_{number:026d}",
        started_at=1_795_000_000.0 + number // 2,
        first_event_s=None,
        model=model,
        outcome="completed" if outcome == "completed" else "upstream_failed",
        cost_nanousd=cost,
        cost_accuracy="unknown" if cost is None else "exact",
    )


def settle(api: Api, *records: Settled) -> None:
    """Write the records as the data plane does, and wait until the control plane has shipped them."""
    journal = JournalFile(api.root / "journal", clock=SystemClock(), fsync="never")
    for record in records:
        journal.append(record)
    journal.close()
    until(lambda: len(api.get("/admin/v1/ledger?limit=1000").json["items"]) == len(records), "not shipped")


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, what


def test_health_says_ready_and_why_it_is_degraded(api: Api) -> None:
    assert api.get("/health/live").status == 200
    until(lambda: api.get("/health/ready").status == 200, "not ready")
    health = api.get("/health")
    assert health.status == 200
    assert health.json["status"] == "degraded"
    assert health.json["reasons"] == ["the data plane is unreachable"]
    assert (health.json["postgres"], health.json["journal"]["records"]) == ("up", 0)


@pytest.mark.parametrize("token", ["", "wrong", "pa_ünicode"])
@pytest.mark.parametrize("path", ["status", "models", "providers", "config", "ledger", "ledger/summary", "keys"])
def test_nothing_is_shown_without_the_admin_token(api: Api, path: str, token: str) -> None:
    reply = api.call("GET", f"/admin/v1/{path}", token=token.encode().decode("latin-1"))
    assert reply.status == 401
    assert reply.json["error"]["code"] == "unauthenticated"


def test_the_ledger_is_read_page_by_page_newest_first(api: Api) -> None:
    settle(api, *(settled(number) for number in range(7)))
    seen: list[str] = []
    after = ""
    for _ in range(10):
        page = api.get(f"/admin/v1/ledger?limit=3{after}").json
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [f"ex_{number:026d}" for number in reversed(range(7))]


def test_the_ledger_is_filtered(api: Api) -> None:
    settle(api, settled(0), settled(2, model="other"), settled(4, outcome="failed"))

    def ids(query: str) -> list[int]:
        return [int(item["id"].removeprefix("ex_")) for item in api.get(f"/admin/v1/ledger?{query}").json["items"]]

    assert ids("model=other") == [2]
    assert ids("outcome=upstream_failed") == [4]
    assert ids("tenant=nobody") == []
    since = "2026-11-18T11:06:41Z"  # 1_795_000_001
    assert ids(f"since={since}") == [4, 2]
    assert ids(f"until={since}") == [0]


def test_a_summary_sums_what_is_known_and_counts_what_is_not(api: Api) -> None:
    settle(api, settled(0), settled(1), settled(2, cost=None), settled(3, model="other", outcome="failed"))
    groups = {group["group"]: group for group in api.get("/admin/v1/ledger/summary?group_by=model").json["groups"]}
    assert groups["fast"] == {
        "group": "fast",
        "exchanges": 3,
        "completed": 3,
        "input_tokens": 30,
        "output_tokens": 15,
        "cache_read_tokens": 0,
        "cost_nanousd": 2000,
        "unknown_cost": 1,
        "mean_duration_s": 0.5,
        "p95_duration_s": 0.5,
    }
    assert (groups["other"]["exchanges"], groups["other"]["completed"]) == (1, 0)
    for group_by in ("target", "tenant", "key", "outcome", "day"):
        assert api.get(f"/admin/v1/ledger/summary?group_by={group_by}").status == 200


def test_a_key_is_shown_once_listed_without_its_text_and_revoked(api: Api) -> None:
    made = api.call("POST", "/admin/v1/keys", {"tenant": "acme", "name": "ci"})
    assert made.status == 201
    key, key_id = made.json["key"], made.json["id"]
    listed = api.get("/admin/v1/keys")
    assert key not in repr(listed.json)
    assert [item["id"] for item in listed.json["items"]] == [key_id]
    assert api.call("DELETE", f"/admin/v1/keys/{key_id}").status == 204
    assert api.get("/admin/v1/keys").json["items"][0]["revoked_at"] is not None
    assert api.call("DELETE", "/admin/v1/keys/key_none").status == 404


@pytest.mark.parametrize(
    ("call", "body", "expected"),
    [
        ("GET /admin/v1/ledger?limit=0", None, "400 malformed_request"),
        ("GET /admin/v1/ledger?after=x", None, "400 malformed_request"),
        ("GET /admin/v1/ledger?after=999999999999999999.x", None, "400 malformed_request"),
        ("GET /admin/v1/ledger?since=yesterday", None, "400 malformed_request"),
        ("GET /admin/v1/ledger?model=%00", None, "400 malformed_request"),
        ("GET /admin/v1/ledger/summary?group_by=facts", None, "400 malformed_request"),
        ("POST /admin/v1/keys", {"tenant": "a b", "name": "x"}, "400 malformed_request"),
        ("POST /admin/v1/keys", {"tenant": "a", "name": "x", "admin": True}, "400 malformed_request"),
        ("POST /admin/v1/keys", {"tenant": "a", "name": "\0"}, "400 malformed_request"),
        ("POST /admin/v1/keys", {"tenant": "a", "name": "x", "expires_at": "2001-01-01"}, "400 malformed_request"),
        ("DELETE /admin/v1/keys/%00", None, "404 unknown_key"),
        ("GET /admin/v1/nothing", None, "404 unknown_path"),
        ("PUT /admin/v1/keys", None, "405 method_not_allowed"),
    ],
)
def test_bad_input_is_a_clear_error(api: Api, call: str, body: object, expected: str) -> None:
    method, _, path = call.partition(" ")
    reply = api.call(method, path, body)
    assert f"{reply.status} {reply.json['error']['code']}" == expected
    assert reply.json["error"]["message"]


def test_models_and_providers_are_shown(api: Api) -> None:
    assert [model["name"] for model in api.get("/admin/v1/models").json] == ["sim"]
    assert api.get("/admin/v1/models").json[0]["targets"] == ["sim/sim"]
    assert [provider["name"] for provider in api.get("/admin/v1/providers").json] == ["sim"]


def test_the_catalog_is_made_once_however_many_ask_at_once(tmp_path: Path) -> None:
    plane = open_plane(settings(tmp_path, "postgresql://me@127.0.0.1:9/x", {}), {})
    with ThreadPoolExecutor(8) as pool:
        made = [each.result() for each in [pool.submit(plane.catalog.get) for _ in range(8)]]
    assert {id(catalog) for catalog in made} == {id(plane.catalog.get())}


def test_the_configuration_is_shown_without_secrets(api: Api) -> None:
    shown = api.get("/admin/v1/config").json
    assert shown["settings"]["database_url"] == "env:DB"
    assert len(shown["config_hash"]) == 16


def test_without_its_database_the_plane_is_not_ready_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, f"postgresql://postgres@/none?host={tmp_path}") as api:
        assert api.get("/health/ready").status == 503
        assert api.get("/health").json["postgres"] == "down"
        until(lambda: "cannot reach the database" in api.get("/health").json["reasons"][0], "no reason")


def test_who_asked_before_the_database_was_lost_does_not_take_the_readiness_back(tmp_path: Path) -> None:
    async def scene() -> None:
        plane = open_plane(settings(tmp_path, "postgresql://me@127.0.0.1:9/x", {}), {})
        plane.shipping._is_prepared = True  # pyright: ignore[reportPrivateUsage] - as after a first shipment
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[bool]] = [loop.create_future(), loop.create_future()]
        waiting = iter(answers)

        class Asked(Database):
            async def is_up(self) -> bool:
                return await next(waiting)

        plane.database = Asked(lambda: None)
        late, early = loop.create_task(plane.is_ready()), loop.create_task(plane.is_ready())
        await asyncio.wait((late, early), timeout=0)
        answers[1].set_result(True)
        assert await early
        answers[0].set_result(False)
        assert await late
        assert await plane.is_ready()

    asyncio.run(scene())


def test_a_change_that_the_database_gave_up_is_refused_as_busy_and_logged_with_its_reason(
    api: Api, database_url: str
) -> None:
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme"}).status == 201
    waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with (
        capture_logs() as logged,
        ThreadPoolExecutor() as pool,
        psycopg.connect(database_url) as holder,
        psycopg.connect(database_url, autocommit=True) as other,
    ):
        holder.execute("SELECT FROM tenants WHERE id = 'acme' FOR UPDATE")
        reply = pool.submit(api.call, "DELETE", "/admin/v1/tenants/acme")
        until(lambda: other.execute(waiting).fetchone() is not None, "nobody waits")
        refused = reply.result(PATIENCE_S)
    assert (refused.status, refused.json["error"]["code"]) == (503, "overloaded")
    assert "nothing was changed" in refused.json["error"]["message"]
    (entry,) = [each for each in logged if each["event"] == "request_failed"]
    assert (entry["route"], entry["code"]) == ("/admin/v1/tenants/{tenant}", "overloaded")
    assert "canceling statement" in entry["reason"]
    assert api.call("DELETE", "/admin/v1/tenants/acme").status == 204


def test_an_empty_database_gets_its_schema_from_the_plane(tmp_path: Path, empty_database_url: str) -> None:
    with serving(tmp_path, empty_database_url) as api:
        until(lambda: api.get("/health/ready").status == 200, "not ready")
        settle(api, settled(0))


def test_a_newer_schema_is_left_alone_and_the_records_wait(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
        journal = JournalFile(tmp_path / "journal", clock=SystemClock(), fsync="never")
        journal.append(settled(0))
        journal.close()
        with serving(tmp_path, database_url) as api:
            until(lambda: "9999_from_the_future" in api.get("/health").json["reasons"][0], "no reason")
            health = api.get("/health")
            assert (health.status, health.json["status"], health.json["postgres"]) == (503, "not_ready", "up")
            assert health.json["journal"]["records"] == 1
            assert api.get("/health/ready").status == 503
            connection.execute("UPDATE alembic_version SET version_num = %s", (known_revisions()[-1],))
            until(lambda: api.get("/health/ready").status == 200, "not ready")
            until(lambda: len(api.get("/admin/v1/ledger").json["items"]) == 1, "not shipped")
