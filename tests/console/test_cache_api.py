"""The cache over the admin API and the command: what is kept, what it saved, and what is dropped."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from tests.cache.test_store import entry
from tests.console.serving import Api, serving
from tests.console.test_identity_api import command, key_of

from penstock.cache import store
from penstock.core.facts import AnyFact, CacheBypassed, CacheHit, CacheMissed, CacheStored

DROP = "/admin/v1/cache/drop"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def keep(url: str) -> None:
    with psycopg.connect(url) as connection:
        found = [
            entry(1, tenant="acme"),
            entry(2, tenant="acme", model="m2", tags=("doc:1",)),
            entry(3, tenant="umbra"),
        ]
        store.write(connection, [(each, 0) for each in found])


def settle(url: str, tenant: str, *facts: AnyFact, number: int) -> None:
    values = {"id": f"ex_{number}", "tenant": tenant, "facts": msgspec.json.encode(facts).decode()}
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO ledger (started_at, duration_s, input_tokens, output_tokens, cache_read_tokens,"
            " cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, dialect,"
            " operation, model, outcome, usage_accuracy, cost_accuracy, config_hash, facts) VALUES (now(), 0.1, 0, 0,"
            " 0, 0, 0, 0, 0, false, %(id)s, %(tenant)s, 'k', 'openai-chat', 'chat', 'm', 'completed', 'exact', 'exact',"
            " 'h', %(facts)s)",
            values,
        )


def test_status_says_what_is_kept_and_what_was_saved(api: Api, database_url: str) -> None:
    keep(database_url)
    settle(
        database_url, "acme", CacheMissed(at_s=0.0, reason="absent"), CacheStored(at_s=0.0, lifetime_s=9.0), number=1
    )
    for number in (2, 3):
        hit = CacheHit(at_s=0.0, kind="exact", age_s=1.0, saved_input_tokens=5, saved_output_tokens=7, saved_nanousd=9)
        settle(database_url, "acme", hit, number=number)
    settle(database_url, "umbra", CacheBypassed(at_s=0.0, reason="no_store"), number=4)
    said = api.get("/admin/v1/cache").json
    assert {(each["tenant"], each["model"], each["entries"]) for each in said["contents"]} == {
        ("acme", "m", 1),
        ("acme", "m2", 1),
        ("umbra", "m", 1),
    }
    use = {each["tenant"]: each for each in said["use"]}
    assert (use["acme"]["hits"], use["acme"]["misses"], use["acme"]["stored"]) == ({"exact": 2}, 1, 1)
    assert (use["acme"]["saved_input_tokens"], use["acme"]["saved_output_tokens"]) == (10, 14)
    assert use["acme"]["saved_nanousd"] == 18
    assert use["umbra"]["bypassed"] == {"no_store": 1}
    code, shown = command(api, "cache", "status", "--tenant", "acme")
    assert code == 0
    assert "exact 2" in shown
    assert "umbra" not in shown


def test_a_drop_forgets_what_was_named_and_is_audited(api: Api, database_url: str) -> None:
    keep(database_url)
    assert api.call("POST", DROP, {}).status == 400
    assert api.call("POST", DROP, {"tag": "doc:1"}).json == {"entries": 1}
    assert "dropped 1 kept" in command(api, "cache", "drop", "--tenant", "umbra")[1]
    assert [each["tenant"] for each in api.get("/admin/v1/cache").json["contents"]] == ["acme"]
    assert api.call("POST", DROP, {"everything": True}).json == {"entries": 1}
    actions = [each["action"] for each in api.get("/admin/v1/audit").json["items"]]
    assert actions.count("cache.dropped") == 3


def test_a_tenant_sees_and_drops_its_own_alone(api: Api, database_url: str) -> None:
    keep(database_url)
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    token = key_of(api, "acme", "admin")
    said = api.call("GET", "/admin/v1/cache", token=token)
    assert {each["tenant"] for each in said.json["contents"]} == {"acme"}
    assert api.call("POST", DROP, {"tenant": "umbra"}, token=token).status == 404
    assert api.call("POST", DROP, {"everything": True}, token=token).json == {"entries": 2}
    assert [each["tenant"] for each in api.get("/admin/v1/cache").json["contents"]] == ["umbra"]
    viewer = key_of(api, "acme", "viewer")
    assert api.call("POST", DROP, {"everything": True}, token=viewer).status == 403
