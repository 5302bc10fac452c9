"""Tenants, keys, roles, credentials and the audit over HTTP, with a real database behind them."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from tests.console.serving import Api, serving
from typer.testing import CliRunner

from penstock import cli
from penstock.admission.identity.roles import ALL
from penstock.console.access import PERMISSION, authorize
from penstock.console.admin import admin_routes
from penstock.core.json import loads

SECRET = "sk-a-long-secret-of-a-provider"
CREDENTIALS_KEY = "ab" * 32


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(
        tmp_path, database_url, {"PENSTOCK__IDENTITY__CREDENTIALS_KEY": "env:CK", "CK": CREDENTIALS_KEY}
    ) as api:
        yield api


def post(api: Api, path: str, body: object, token: str | None = None) -> Any:
    reply = api.call("POST", f"/admin/v1{path}", body, token=token)
    assert reply.status == 201, reply
    return reply.json


def key_of(api: Api, tenant: str, *roles: str, **more: object) -> str:
    """A new key, once the control plane follows it."""
    made = post(api, "/keys", {"tenant": tenant, "name": "x", "roles": list(roles), **more})
    keys = api.plane.identities.authenticator
    key: str = made["key"]
    wait_until(lambda: status(api, "/tenants", key) != 401)
    assert keys.authenticate(f"Bearer {key}").tenant == tenant
    return key


def wait_until(condition: Callable[[], bool]) -> None:
    """Changes are announced to this plane as to others; it reads them within a second or so."""
    patience = threading.Event()
    for _ in range(400):
        if condition():
            return
        patience.wait(0.05)
    raise AssertionError("it did not come about")


def status(api: Api, path: str, token: str | None = None, method: str = "GET", body: object = None) -> int:
    return api.call(method, f"/admin/v1{path}", body, token=token).status


def test_every_route_of_the_admin_api_names_what_it_needs(api: Api) -> None:
    described = api.call("GET", "/openapi.json").json["paths"]
    operations = {
        (method, path): operation
        for path, methods in described.items()
        if path.startswith("/admin/")
        for method, operation in methods.items()
    }
    assert len(operations) >= 25
    for place, operation in operations.items():
        assert operation.get(PERMISSION) in ALL, place
        assert operation.get("security"), place
    for route in admin_routes():
        assert isinstance(route, APIRoute)
        assert any(dependency.dependency is authorize for dependency in route.dependencies), route.path


def test_no_route_lets_anybody_in_without_a_credential_or_with_a_key_without_roles(api: Api) -> None:
    key = key_of(api, "acme")
    described = api.call("GET", "/openapi.json").json["paths"]
    for path, methods in described.items():
        if not path.startswith("/admin/"):
            continue
        concrete = path.replace("{", "").replace("}", "")
        for method in methods:
            body: object = {} if method in ("post", "put", "patch") else None
            for token, expected in (("", 401), ("pk_live_nobody", 401), ("eyJhbGciOiJub25lIn0.e30.", 401), (key, 403)):
                reply = api.call(method.upper(), concrete, body, token=token)
                assert reply.status == expected, (method, path, token, reply)


def test_a_tenant_lives_from_creation_to_deletion(api: Api) -> None:
    made = post(api, "/tenants", {"id": "acme", "time_zone": "Europe/Berlin", "weight": 2, "plan": "gold"})
    assert (made["name"], made["time_zone"], made["weight"], made["suspended_at"]) == (
        "acme",
        "Europe/Berlin",
        2.0,
        None,
    )
    assert status(api, "/tenants", method="POST", body={"id": "acme"}) == 409
    renamed = api.call("PATCH", "/admin/v1/tenants/acme", {"name": "Acme", "plan": None}).json
    assert (renamed["name"], renamed["plan"], renamed["weight"]) == ("Acme", None, 2.0)
    assert post(api, "/tenants/acme/projects", {"id": "web"})["name"] == "web"
    assert api.call("PATCH", "/admin/v1/tenants/acme/projects/web", {"name": "Web"}).json["name"] == "Web"
    assert [item["id"] for item in api.get("/admin/v1/tenants/acme/projects").json["items"]] == ["web"]
    assert api.call("POST", "/admin/v1/tenants/acme/suspend").json["suspended_at"] is not None
    assert api.call("POST", "/admin/v1/tenants/acme/resume").json["suspended_at"] is None
    assert status(api, "/tenants/acme/projects/web", method="DELETE") == 204
    assert status(api, "/tenants/acme", method="DELETE") == 204
    assert status(api, "/tenants/acme") == 404
    assert api.get("/admin/v1/tenants").json == {"items": [], "next": None}


def test_a_deleted_tenants_admin_is_out(api: Api) -> None:
    key = key_of(api, "acme", "admin")
    assert status(api, "/keys", key) == 200
    assert status(api, "/tenants/acme", method="DELETE") == 204
    wait_until(lambda: status(api, "/keys", key) == 401)


def test_a_key_is_changed_rotated_and_found_by_its_beginning(api: Api) -> None:
    post(api, "/tenants", {"id": "acme"})
    post(api, "/tenants/acme/projects", {"id": "web"})
    body = {"tenant": "acme", "name": "ci", "project": "web", "models": ["gpt-*"], "priority": "batch", "feature": "f"}
    made = post(api, "/keys", body)
    assert (made["project"], made["models"], made["priority"]) == ("web", ["gpt-*"], "batch")
    changed = api.call("PATCH", f"/admin/v1/keys/{made['id']}", {"models": [], "name": "new"}).json
    assert (changed["models"], changed["name"], changed["priority"], changed["feature"]) == ([], "new", "batch", "f")
    fresh = post(api, f"/keys/{made['id']}/rotate", {"overlap_s": 60})
    assert fresh["key"] != made["key"]
    assert (fresh["models"], fresh["project"], fresh["replaced_by"]) == ([], "web", None)
    assert status(api, f"/keys/{made['id']}/rotate", method="POST") == 409
    found = api.get(f"/admin/v1/keys?prefix={made['prefix']}&tenant=acme").json["items"]
    assert [item["id"] for item in found] == [made["id"]]
    assert found[0]["replaced_by"] == fresh["id"]
    ends_in = datetime.fromisoformat(found[0]["expires_at"]) - datetime.fromisoformat(fresh["created_at"])
    assert ends_in == timedelta(seconds=60)
    assert status(api, f"/keys/{fresh['id']}", method="DELETE") == 204
    assert status(api, f"/keys/{fresh['id']}", method="PATCH", body={"expires_at": None}) == 409


def test_an_admin_of_one_tenant_sees_and_changes_nothing_of_another(api: Api) -> None:
    post(api, "/tenants", {"id": "other"})
    post(api, "/tenants/other/projects", {"id": "web"})
    theirs = post(api, "/keys", {"tenant": "other", "name": "theirs"})
    key = key_of(api, "acme", "owner")
    assert [item["id"] for item in api.call("GET", "/admin/v1/tenants", token=key).json["items"]] == ["acme"]
    assert {item["tenant"] for item in api.call("GET", "/admin/v1/keys", token=key).json["items"]} == {"acme"}
    assert {item["tenant"] for item in api.call("GET", "/admin/v1/audit", token=key).json["items"]} == {"acme"}
    for method, path, body in (
        ("GET", "/tenants/other", None),
        ("GET", "/tenants/nobody", None),
        ("GET", "/tenants/other/projects", None),
        ("POST", "/tenants/other/projects", {"id": "p"}),
        ("PATCH", "/tenants/other/projects/web", {"name": "p"}),
        ("DELETE", "/tenants/other/projects/web", None),
        ("GET", "/keys?tenant=other", None),
        ("POST", "/keys", {"tenant": "other", "name": "x"}),
        ("POST", "/keys", {"tenant": "new", "name": "x"}),
        ("PATCH", f"/keys/{theirs['id']}", {"name": "x"}),
        ("POST", f"/keys/{theirs['id']}/rotate", {}),
        ("DELETE", f"/keys/{theirs['id']}", None),
        ("GET", "/ledger?tenant=other", None),
        ("GET", "/ledger/summary?tenant=other", None),
    ):
        assert status(api, path, key, method, body) == 404, (method, path)
    for method, path, body in (
        ("POST", "/tenants", {"id": "mine"}),
        ("PATCH", "/tenants/acme", {"weight": 1000}),
        ("DELETE", "/tenants/acme", None),
        ("GET", "/credentials", None),
        ("PUT", "/credentials/openai", {"credential": SECRET}),
        ("GET", "/config", None),
        ("GET", "/status", None),
    ):
        assert status(api, path, key, method, body) == 403, (method, path)
    assert status(api, "/ledger", key) == 200
    assert post(api, "/tenants/acme/projects", {"id": "p"}, key)["id"] == "p"


def test_a_key_makes_no_key_that_may_more_than_itself(api: Api) -> None:
    owner = post(api, "/keys", {"tenant": "acme", "name": "o", "roles": ["owner"]})
    developer = key_of(api, "acme", "developer", models=["gpt-*"])
    wanted: dict[str, object] = {"tenant": "acme", "name": "x", "models": ["gpt-4o"]}
    assert status(api, "/keys", developer, "POST", {**wanted, "roles": ["admin"]}) == 403
    assert status(api, "/keys", developer, "POST", {**wanted, "models": None}) == 403
    assert status(api, "/keys", developer, "POST", {**wanted, "models": ["*"]}) == 403
    assert status(api, f"/keys/{owner['id']}/rotate", developer, "POST", {}) == 403
    assert status(api, f"/keys/{owner['id']}", developer, "PATCH", {"name": "mine"}) == 403
    made = post(api, "/keys", wanted, developer)
    assert status(api, f"/keys/{made['id']}", developer, "PATCH", {"roles": ["owner"]}) == 403
    assert status(api, f"/keys/{made['id']}", developer, "PATCH", {"models": None}) == 403
    assert status(api, f"/keys/{made['id']}", developer, "PATCH", {"models": ["gpt-5*"]}) == 200
    project_key = {"tenant": "acme", "name": "x", "project": "web", "roles": ["viewer"]}
    assert status(api, "/keys", None, "POST", project_key) == 400


def test_a_providers_credential_is_stored_and_never_shown(api: Api) -> None:
    reply = api.call("PUT", "/admin/v1/credentials/openai", {"credential": SECRET})
    assert (reply.status, reply.json["last_chars"]) == (200, SECRET[-4:])
    wait_until(lambda: api.plane.identities.credentials.get("openai") == SECRET)
    for path in ("/credentials", "/audit", "/config", "/providers", "/status"):
        assert SECRET not in repr(api.get(f"/admin/v1{path}").json)
    for bad in ("", "a b", "line\r\nx: y", "ü", "x" * 9000):
        assert status(api, "/credentials/openai", None, "PUT", {"credential": bad}) == 400
    assert status(api, "/credentials/openai", None, "DELETE") == 204
    assert status(api, "/credentials/openai", None, "DELETE") == 404


def test_without_a_key_to_encrypt_with_a_credential_is_refused(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url) as api:
        reply = api.call("PUT", "/admin/v1/credentials/openai", {"credential": SECRET})
        assert (reply.status, reply.json["error"]["code"]) == (409, "no_credentials_key")
        assert "identity.credentials_key" in reply.json["error"]["message"]


def test_the_audit_is_read_page_by_page_and_by_subject(api: Api) -> None:
    for name in ("a", "b", "c"):
        post(api, "/tenants", {"id": name})
    first = api.get("/admin/v1/audit?limit=2").json
    rest = api.get(f"/admin/v1/audit?limit=2&before={first['next']}").json
    assert [item["subject"] for item in first["items"] + rest["items"]] == ["c", "b", "a"]
    assert rest["next"] is None
    one = api.get("/admin/v1/audit?subject=b").json["items"]
    assert [(item["actor"], item["action"]) for item in one] == [("admin-token", "tenant.created")]
    assert one[0]["request_id"].startswith("req_")


BAD: tuple[tuple[str, object], ...] = (
    ("POST /tenants", {"id": "../x"}),
    ("POST /tenants", {"id": "a\r\nb"}),
    ("POST /tenants", {"id": "a", "time_zone": "../../etc/passwd"}),
    ("POST /tenants", {"id": "a", "weight": 0}),
    ("POST /tenants", {"id": "a", "weight": float("1e9")}),
    ("POST /tenants", {"id": "a", "name": "x\u0000"}),
    ("POST /keys", {"tenant": "a", "name": "x", "models": ["g*t"]}),
    ("POST /keys", {"tenant": "a", "name": "x", "roles": ["root"]}),
    ("POST /keys", {"tenant": "a", "name": "x", "priority": "first"}),
    ("POST /keys", {"tenant": "a", "name": "x", "feature": "a\nb"}),
    ("POST /keys/k/rotate", {"overlap_s": -1}),
    ("GET /keys?prefix=%00", None),
    ("GET /audit?before=99999999999999999999", None),
    ("PUT /credentials/a%20b", {"credential": "x"}),
)


def test_bad_input_is_a_clear_error(api: Api) -> None:
    for path, body in BAD:
        method, _, place = path.partition(" ")
        reply = api.call(method, f"/admin/v1{place}", body)
        assert (reply.status, reply.json["error"]["code"]) == (400, "malformed_request"), path


def command(api: Api, *arguments: str) -> tuple[int, str]:
    app = cli._build([arguments[0]])  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
    environ = {"PENSTOCK_CONTROL_URL": f"http://127.0.0.1:{api.port}", "PENSTOCK_ADMIN_TOKEN": api.token}
    done = CliRunner().invoke(app, list(arguments), env=environ)
    return done.exit_code, done.output


def test_the_commands_do_what_the_api_does(api: Api) -> None:
    assert command(api, "tenant", "create", "acme", "--time-zone", "Europe/Berlin")[0] == 0
    assert "Europe/Berlin" in command(api, "tenant", "list")[1]
    assert command(api, "tenant", "add-project", "acme", "web")[0] == 0
    assert "web" in command(api, "tenant", "projects", "acme")[1]
    code, printed = command(api, "key", "create", "acme", "--name", "ci", "--model", "gpt-*", "--json")
    made = loads(printed)
    assert isinstance(made, dict)
    assert (code, made["models"]) == (0, ["gpt-*"])
    assert "pk_live_" in command(api, "key", "rotate", str(made["id"]))[1]
    assert str(made["prefix"]) in command(api, "key", "list", "--prefix", str(made["prefix"]))[1]
    code, printed = command(api, "key", "create", "acme/web", "--name", "p", "--json")
    assert '"project": "web"' in printed
    assert command(api, "key", "expire", str(made["id"]), "--at", "2001-01-01")[0] == 1
    assert command(api, "key", "revoke", str(made["id"]))[0] == 0
    for name in ("suspend", "resume", "delete"):
        assert command(api, "tenant", name, "acme")[0] == 0
    code, printed = command(api, "tenant", "suspend", "../keys")
    assert (code, "unknown_tenant" in printed or "unknown_path" in printed) == (1, True)
