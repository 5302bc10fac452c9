"""Erasing conversations over the admin API and the command: whose, by whom, and on record."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import command, key_of

from penstock.core.exchange import Principal
from penstock.guard.personal.vault import store
from penstock.guard.personal.vault.scope import Scopes

VAULT = "/admin/v1/vault"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        yield api


def keep(url: str, *whose: tuple[str, str | None]) -> None:
    scopes = Scopes(b"s" * 32)
    with psycopg.connect(url) as connection:
        for number, (tenant, user) in enumerate(whose):
            scope = scopes.scope(Principal(tenant=tenant, key="k", user=user), "named", f"c{number}")
            assert store.write(connection, scope, store.Row(0, "id", b"sealed", 9e9), heard=0)


def holders(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT tenant, holder FROM vault ORDER BY tenant, holder").fetchall()


def test_a_users_or_a_tenants_conversations_are_erased_and_that_is_audited(api: Api, database_url: str) -> None:
    keep(database_url, ("acme", "ada"), ("acme", "ada"), ("acme", "eva"), ("acme", None), ("umbra", "ada"))
    assert api.call("DELETE", VAULT).status == 400
    assert api.call("DELETE", f"{VAULT}?user=ada").status == 400
    assert api.call("DELETE", f"{VAULT}?tenant=acme&user=ada").json == {"conversations": 2}
    assert holders(database_url) == [("acme", "key:k"), ("acme", "user:eva"), ("umbra", "user:ada")]
    code, shown = command(api, "vault", "erase", "acme", "--user", "k")
    assert (code, "erased 0" in shown) == (0, True)  # a key that is called so is no user
    assert "erased 2" in command(api, "vault", "erase", "acme")[1]
    assert holders(database_url) == [("umbra", "user:ada")]
    rows = [row for row in api.get("/admin/v1/audit").json["items"] if row["action"] == "vault.erased"]
    assert [(row["tenant"], row["subject"]) for row in rows] == [("acme", "vault")] * 3
    assert len({row["before_digest"] for row in rows}) == 3
    assert re.search(r"\bada\b", repr(rows)) is None  # a digest may have these letters in it


def test_a_tenant_erases_its_own_alone_and_not_everybody_may(api: Api, database_url: str) -> None:
    keep(database_url, ("acme", "ada"), ("umbra", "ada"))
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    viewer, admin = key_of(api, "acme", "viewer"), key_of(api, "acme", "admin")
    assert api.call("DELETE", VAULT, token=viewer).status == 403
    assert api.call("DELETE", f"{VAULT}?tenant=umbra", token=admin).status == 404
    assert holders(database_url) == [("acme", "user:ada"), ("umbra", "user:ada")]
    assert api.call("DELETE", VAULT, token=admin).json == {"conversations": 1}
    assert holders(database_url) == [("umbra", "user:ada")]


def test_what_is_kept_of_a_tenant_goes_with_it(api: Api, database_url: str) -> None:
    assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    keep(database_url, ("acme", "ada"), ("acme", None), ("umbra", "ada"))
    assert api.call("DELETE", "/admin/v1/tenants/nobody").status == 404
    assert len(holders(database_url)) == 3
    assert api.call("DELETE", "/admin/v1/tenants/acme").status == 204
    assert holders(database_url) == [("umbra", "user:ada")]
    rows = api.get("/admin/v1/audit").json["items"]
    assert {"tenant.deleted", "vault.erased"} <= {row["action"] for row in rows if row["tenant"] == "acme"}
