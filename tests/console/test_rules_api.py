"""Limits and budgets over HTTP and over the command line, with a real database behind them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of, post
from typer.testing import CliRunner

from penstock import cli
from penstock.admission.limits.limit import Limit
from penstock.admission.limits.rules.store import MAX_RULES_OF_A_TENANT, StatusRow, publish_status
from penstock.admission.limits.rules.stored import Stored, in_force, read_stored
from penstock.core.json import loads

LIMIT = {"unit": "requests", "amount": 100, "per": "minute", "scope": ["tenant"]}
BUDGET = {"per": "month", "scope": ["tenant"], "hard_usd": 100, "soft_usd": 80}
FILE = {
    "PENSTOCK__LIMITS": "[{name: of-file, unit: requests, amount: 5, per: second}]",
    "PENSTOCK__BUDGETS": "[{name: file-budget, per: day, scope: [tenant], hard_usd: 10.5}]",
}


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url, FILE) as api:
        yield api


def put(api: Api, path: str, body: object, token: str | None = None) -> tuple[int, Any]:
    reply = api.call("PUT", f"/admin/v1{path}", body, token=token)
    return reply.status, reply.json


def in_database(url: str) -> Stored:
    with psycopg.connect(url, autocommit=True) as connection:
        return read_stored(connection)


def rules_of(stored: Stored) -> dict[str, Any]:
    joined = in_force((), stored, on_loss="last_lease", zones={})
    assert joined.problems == ()
    return {rule.name: rule for rule in joined.rules}


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def test_a_limit_lives_from_creation_to_deletion(api: Api, database_url: str) -> None:
    assert put(api, "/limits/rpm", LIMIT)[0] == 201
    status, shown = put(api, "/limits/rpm", {**LIMIT, "amount": 200, "mode": "shadow"})
    assert (status, shown["amount"], shown["mode"], shown["origin"]) == (200, 200, "shadow", "database")
    assert [item["name"] for item in api.get("/admin/v1/limits").json["items"]] == ["of-file", "rpm"]
    assert api.get("/admin/v1/limits/rpm").json == shown
    kept = rules_of(in_database(database_url))["rpm"]
    assert (kept.amount, kept.mode, kept.scope) == (200, "shadow", ("tenant",))
    assert api.call("DELETE", "/admin/v1/limits/rpm").status == 204
    assert api.call("DELETE", "/admin/v1/limits/rpm").status == 404
    assert in_database(database_url).rules == ()
    actions = [row["action"] for row in api.get("/admin/v1/audit?subject=rpm").json["items"]]
    assert actions == ["limit.deleted", "limit.changed", "limit.created"]


def test_money_is_in_dollars_and_kept_to_the_billionth(api: Api, database_url: str) -> None:
    assert put(api, "/limits/spend", {**LIMIT, "unit": "money", "amount": "0.000000001"})[0] == 201
    assert put(api, "/budgets/b", {**BUDGET, "hard_usd": 12.345678901})[1]["hard_usd"] == 12.345678901
    kept = rules_of(in_database(database_url))
    assert kept["spend"].amount == 1
    assert (kept["b"].hard_nanousd, kept["b"].soft_nanousd) == (12_345_678_901, 80_000_000_000)


@pytest.mark.parametrize(
    ("path", "wanted", "reason"),
    [
        ("/limits/x", {**LIMIT, "per": None}, "per"),
        ("/limits/x", {**LIMIT, "amount": 1.5}, "whole number"),
        ("/limits/x", {**LIMIT, "amount": -1}, "amount"),
        ("/limits/x", {**LIMIT, "amount": 10**16}, "amount"),
        ("/limits/x", {**LIMIT, "unit": "parsecs"}, "unit"),
        ("/limits/x", {**LIMIT, "scope": ["global", "tenant"]}, "scope"),
        ("/limits/x", {**LIMIT, "scope": []}, "scope"),
        ("/limits/x", {**LIMIT, "where": {"planet": "mars"}}, "where"),
        ("/limits/x", {**LIMIT, "amuont": 1}, "amuont"),
        ("/limits/a%20b", LIMIT, "name"),
        ("/limits/x%00", LIMIT, "name"),
        ("/limits/status", LIMIT, "name"),
        ("/budgets/x", {"per": "month"}, "soft amount"),
        ("/budgets/x", {**BUDGET, "hard_usd": 10**9}, "hard_usd"),
        ("/budgets/x", {**BUDGET, "thresholds": [90, 50]}, "thresholds"),
        ("/budgets/x", {**BUDGET, "hard_usd": "0.0000000001"}, "nine places"),
    ],
)
def test_what_could_not_be_enforced_is_refused_and_says_why(
    api: Api, database_url: str, path: str, wanted: object, reason: str
) -> None:
    status, error = put(api, path, wanted)
    assert status == 400, error
    assert reason in error["error"]["message"]
    assert in_database(database_url).rules == ()


def test_a_name_exists_once_over_limits_budgets_and_the_file(api: Api) -> None:
    assert put(api, "/limits/of-file", LIMIT)[0] == 409
    assert put(api, "/budgets/of-file", BUDGET)[0] == 409
    assert put(api, "/limits/mine", LIMIT)[0] == 201
    assert put(api, "/budgets/mine", BUDGET)[0] == 409


def test_a_tenants_admin_rules_over_its_tenant_and_nothing_else(api: Api, database_url: str) -> None:
    acme, other = key_of(api, "acme", "admin"), key_of(api, "other", "admin")
    assert put(api, "/limits/of-all", LIMIT)[0] == 201
    assert put(api, "/limits/acme-plan", {**LIMIT, "where": {"tenant": "acme"}})[0] == 201
    assert put(api, "/limits/acme-own", {**LIMIT, "scope": ["project"]}, acme)[0] == 201
    assert put(api, "/limits/acme-given", {**LIMIT, "tenant": "acme"})[0] == 201
    assert rules_of(in_database(database_url))["acme-own"].where == (("tenant", "acme"),)

    names = [item["name"] for item in api.call("GET", "/admin/v1/limits", token=acme).json["items"]]
    assert names == ["acme-given", "acme-own"]
    assert api.call("GET", "/admin/v1/limits", token=other).json["items"] == []
    for name in ("of-all", "acme-plan", "of-file"):
        assert put(api, f"/limits/{name}", LIMIT, acme)[0] == 409, "the installation's binds the tenant"
        assert api.call("GET", f"/admin/v1/limits/{name}", token=acme).status == 404
        assert api.call("DELETE", f"/admin/v1/limits/{name}", token=acme).status == 404
    assert put(api, "/limits/acme-own", LIMIT, other)[0] == 409
    assert api.call("DELETE", "/admin/v1/limits/acme-own", token=other).status == 404
    assert put(api, "/limits/reach", {**LIMIT, "tenant": "acme"}, other)[0] == 404
    assert put(api, "/limits/reach", {**LIMIT, "where": {"tenant": "acme"}}, other)[0] == 400
    assert put(api, "/limits/nobody", {**LIMIT, "tenant": "nobody"})[0] == 404


def test_who_may_only_look_changes_nothing(api: Api) -> None:
    viewer = key_of(api, "acme", "viewer")
    assert api.call("GET", "/admin/v1/limits", token=viewer).status == 200
    assert api.call("GET", "/admin/v1/budgets/status", token=viewer).status == 200
    assert put(api, "/limits/x", LIMIT, viewer)[0] == 403
    assert put(api, "/budgets/x", BUDGET, viewer)[0] == 403
    assert api.call("POST", "/admin/v1/budgets/x/overrides", {}, token=viewer).status == 403


def test_an_override_raises_a_budget_until_it_ends(api: Api, database_url: str) -> None:
    assert put(api, "/budgets/b", BUDGET)[0] == 201
    for amount in (50, 25):
        wanted = {"raise_usd": amount, "until": tomorrow(), "where": {"tenant": "acme"}}
        made = post(api, "/budgets/b/overrides", wanted)
    shown = api.get("/admin/v1/budgets/b").json
    assert [each["raise_usd"] for each in shown["overrides"]] == [50, 25]
    kept = rules_of(in_database(database_url))["b"]
    assert [(each.raise_nanousd, each.where) for each in kept.overrides] == [
        (50 * 10**9, (("tenant", "acme"),)),
        (25 * 10**9, (("tenant", "acme"),)),
    ]
    assert put(api, "/budgets/b", {**BUDGET, "hard_usd": 200})[1]["overrides"] == shown["overrides"]
    assert api.call("DELETE", f"/admin/v1/budgets/b/overrides/{made['id']}").status == 204
    assert api.call("DELETE", f"/admin/v1/budgets/b/overrides/{made['id']}").status == 404
    assert [each["raise_usd"] for each in api.get("/admin/v1/budgets/b").json["overrides"]] == [50]
    assert api.call("DELETE", "/admin/v1/budgets/b").status == 204
    assert in_database(database_url) == Stored()


def test_an_override_that_could_not_hold_is_refused(api: Api) -> None:
    put(api, "/budgets/b", BUDGET)
    put(api, "/budgets/soft", {"per": "day", "soft_usd": 1})
    past = {"raise_usd": 1, "until": "2020-01-01T00:00:00Z"}
    for path, wanted, status in (
        ("/budgets/b/overrides", past, 400),
        ("/budgets/b/overrides", {"raise_usd": 1, "until": tomorrow(), "where": {"user": "u"}}, 400),
        ("/budgets/b/overrides", {"raise_usd": -1, "until": tomorrow()}, 400),
        ("/budgets/soft/overrides", {"raise_usd": 1, "until": tomorrow()}, 409),
        ("/budgets/none/overrides", {"raise_usd": 1, "until": tomorrow()}, 404),
    ):
        assert api.call("POST", f"/admin/v1{path}", wanted).status == status, (path, wanted)


def test_a_budget_of_the_file_is_raised_by_an_operator_and_not_by_a_tenant(api: Api, database_url: str) -> None:
    acme = key_of(api, "acme", "admin")
    wanted = {"raise_usd": 5, "until": tomorrow(), "where": {"tenant": "acme"}}
    assert api.call("POST", "/admin/v1/budgets/file-budget/overrides", wanted, token=acme).status == 404
    made = post(api, "/budgets/file-budget/overrides", wanted)
    assert api.call("DELETE", f"/admin/v1/budgets/file-budget/overrides/{made['id']}", token=acme).status == 404
    assert [each.budget for each in in_database(database_url).overrides] == ["file-budget"]


def test_nobody_fills_the_planes_with_rules(api: Api) -> None:
    acme = key_of(api, "acme", "admin")
    for number in range(MAX_RULES_OF_A_TENANT):
        assert put(api, f"/limits/l{number}", LIMIT, acme)[0] == 201
    assert put(api, "/limits/more", LIMIT, acme)[0] == 409
    assert put(api, "/limits/l0", {**LIMIT, "amount": 1}, acme)[0] == 200
    assert put(api, "/limits/another", LIMIT)[0] == 201


def test_the_status_says_what_is_left_and_each_tenant_sees_its_own(api: Api, database_url: str) -> None:
    acme = key_of(api, "acme", "admin")
    put(api, "/limits/rpm", LIMIT)
    put(api, "/budgets/b", BUDGET)
    now = api.plane.clock.now()

    def row(rule: str, tenant: str, **fields: Any) -> StatusRow:
        made = StatusRow(
            key=f"{rule}:{tenant}",
            rule=rule,
            scope={"tenant": tenant},
            unit="requests",
            amount=100,
            used=40,
            granted=55,
            starts_at=now - 10,
            ends_at=now + 50,
            heard_at=now,
        )
        return StatusRow(**{**{name: getattr(made, name) for name in made.__struct_fields__}, **fields})

    rows = [
        row("rpm", "acme"),
        row("rpm", "other", used=1),
        row("rpm", "gone", ends_at=now - 1),
        row("of-file", "acme"),
        row("b", "acme", unit="money", amount=100 * 10**9, used=3 * 10**9, granted=4 * 10**9),
        row("deleted", "acme"),
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        publish_status(connection, rows)
        publish_status(connection, [row("rpm", "acme", used=7, heard_at=now - 5)])
    seen = {(each["name"], each["values"]["tenant"]): each for each in api.get("/admin/v1/limits/status").json["items"]}
    assert set(seen) == {("rpm", "acme"), ("rpm", "other"), ("of-file", "acme")}
    mine = seen["rpm", "acme"]
    assert (mine["amount"], mine["used"], mine["reserved"], mine["left"]) == (100, 40, 15, 45)
    assert datetime.fromisoformat(mine["period_end"]).timestamp() == pytest.approx(now + 50)
    money = api.get("/admin/v1/budgets/status").json["items"]
    assert [(each["used"], each["reserved"], each["left"]) for each in money] == [(3, 1, 96)]
    own = api.call("GET", "/admin/v1/limits/status", token=acme).json["items"]
    assert {each["values"]["tenant"] for each in own} == {"acme"}
    assert api.call("GET", "/admin/v1/limits/status?tenant=other", token=acme).status == 404
    paged = api.get("/admin/v1/limits/status?limit=1&name=rpm").json
    assert len(paged["items"]) == 1
    assert len(api.get(f"/admin/v1/limits/status?name=rpm&after={paged['next']}").json["items"]) == 1


def test_the_commands_do_what_the_api_does(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_CONTROL_URL", f"http://127.0.0.1:{api.port}")
    monkeypatch.setenv("PENSTOCK_ADMIN_TOKEN", api.token)

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli._build(list(arguments)), list(arguments))  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
        assert done.exit_code == code, done.output
        return done.output

    text = run(
        "limit", "set", "rpm", "100/minute", "requests", "--scope", "tenant", "--where", "tenant=acme",
        "--set", "mode=shadow",
    )  # fmt: skip
    assert "tenant=acme" in text
    run("limit", "set", "at-once", "20", "concurrency")
    assert "of-file" in run("limit", "list")
    run("limit", "set", "bad", "many", "requests", code=2)
    run("limit", "set", "bad", "1/minute", "concurrency", code=1)
    assert loads(run("limit", "status", "--json").encode()) == {"items": []}
    run(
        "budget", "set", "team", "500/month", "--scope", "tenant", "--set", "soft_usd=400", "--set", "thresholds=50,100"
    )
    run("budget", "set", "watched", "none/day", "--set", "soft_usd=1")
    made = loads(run("budget", "override", "team", "50.5", tomorrow(), "--json").encode())
    assert isinstance(made, dict)
    assert made["raise_usd"] == 50.5
    run("budget", "end", "team", str(made["id"]))
    shown = api.get("/admin/v1/budgets/team").json
    assert (shown["hard_usd"], shown["soft_usd"], shown["thresholds"], shown["overrides"]) == (500, 400, [50, 100], [])
    assert api.get("/admin/v1/budgets/watched").json["hard_usd"] is None
    assert "deleted" in run("limit", "delete", "rpm")
    assert "deleted" in run("budget", "delete", "team")
    run("budget", "status", "--name", "team")


def test_a_rule_that_is_broken_all_the_same_is_said_and_the_others_count(api: Api, database_url: str) -> None:
    put(api, "/limits/good", LIMIT)
    put(api, "/limits/odd", LIMIT)
    put(api, "/budgets/b", BUDGET)
    post(api, "/budgets/b/overrides", {"raise_usd": 5, "until": tomorrow()})
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE limit_rules SET said = said - 'per' WHERE name = 'odd'")
        connection.execute("UPDATE budget_overrides SET said = '{}'")
        connection.execute(
            "INSERT INTO limit_rules SELECT 'of-file', kind, tenant, said, changed_at FROM limit_rules"
            " WHERE name = 'good'"
        )
        connection.execute(
            "INSERT INTO tenants (id, name, time_zone) VALUES ('m', 'm', 'Mars/Base'), ('t', 't', 'Asia/Tokyo')"
        )
    fixed = (Limit(name="of-file", unit="requests", amount=5, per="second", on_store_loss="closed"),)
    joined = in_force(fixed, in_database(database_url), on_loss="closed", zones={"x": "Europe/Berlin"})
    assert {rule.name: rule.on_store_loss for rule in joined.rules} == dict.fromkeys(("of-file", "b", "good"), "closed")
    assert joined.rules[0] == fixed[0]
    assert joined.zones == {"x": "Europe/Berlin", "t": "Asia/Tokyo"}
    said = " / ".join(joined.problems)
    for name in ("`odd`", "`of-file`", "override of `b`", "`Mars/Base`"):
        assert name in said
    assert len(joined.problems) == 4
