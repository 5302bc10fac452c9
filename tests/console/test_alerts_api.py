"""Alerts over the admin API and the command line, with a control plane that delivers them for real."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.console.serving import Api, serving
from tests.watch.alerts.receiver import Receiver, receiving
from typer.testing import CliRunner

from penstock import cli
from penstock.core.clock import SystemClock
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.outbox import FOLDER, AlertOutbox

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


@dataclass(frozen=True)
class Scene:
    api: Api
    ops: Receiver
    outbox: AlertOutbox

    def offer(self, alert_id: str, **changes: object) -> None:
        fields: dict[str, object] = {
            "id": alert_id,
            "kind": "budget.threshold",
            "severity": "warning",
            "tenant": "acme",
            "subject": "team",
            "text": "The budget team has reached 90 %",
            "at": SystemClock().now(),
            **changes,
        }
        self.outbox.offer(Alert(**fields))  # type: ignore[arg-type] # a test names its changes

    def items(self, query: str = "", token: str | None = None) -> list[Any]:
        reply = self.api.call("GET", f"/admin/v1/alerts{query}", token=token)
        assert reply.status == 200, reply
        items: list[Any] = reply.json["items"]
        return items

    def ids(self, query: str = "", token: str | None = None) -> list[str]:
        return [item["id"] for item in self.items(query, token)]

    def key_of(self, tenant: str, *roles: str) -> str:
        made = self.api.call("POST", "/admin/v1/keys", {"tenant": tenant, "name": "x", "roles": list(roles)})
        key: str = made.json["key"]
        until(lambda: self.api.call("GET", "/admin/v1/tenants", token=key).status != 401)
        return key


def until(condition: Callable[[], bool]) -> None:
    patience = threading.Event()
    for _ in range(400):
        if condition():
            return
        patience.wait(0.05)
    raise AssertionError("it did not come about")


@pytest.fixture
def scene(tmp_path: Path, database_url: str) -> Iterator[Scene]:
    with receiving() as ops:
        webhooks = (
            f"[{{name: ops, url: '{ops.url}', secret: 'env:HOOK'}},"
            " {name: dead, url: 'http://127.0.0.1:9/', secret: 'env:HOOK', kinds: [test]}]"
        )
        with serving(tmp_path, database_url, {"PENSTOCK__ALERTS__WEBHOOKS": webhooks, "HOOK": SECRET}) as api:
            outbox = AlertOutbox(tmp_path / FOLDER, clock=SystemClock())
            yield Scene(api, ops, outbox)
            outbox.close()


def test_an_offered_alert_is_delivered_listed_and_acknowledged_once(scene: Scene) -> None:
    scene.offer("budget:a/b@2026:90")
    until(lambda: [item["deliveries"][0]["state"] for item in scene.items() if item["deliveries"]] == ["delivered"])
    (item,) = scene.items()
    assert item["webhook_id"] == scene.ops.ids()[0]
    assert (item["tenant"], item["severity"], item["acknowledged_at"]) == ("acme", "warning", None)
    assert item["deliveries"][0]["attempts"] == 1
    path = "/admin/v1/alerts/budget%3Aa%2Fb%402026%3A90/acknowledge"
    first = scene.api.call("POST", path).json
    again = scene.api.call("POST", path)
    assert first["acknowledged_by"] == "admin-token"
    assert again.json == first
    audit = scene.api.get("/admin/v1/audit?subject=budget:a/b@2026:90").json["items"]
    assert [(row["action"], row["tenant"], row["actor"]) for row in audit] == [
        ("alert.acknowledged", "acme", "admin-token")
    ]
    assert scene.api.call("POST", "/admin/v1/alerts/nobody/acknowledge").json["error"]["code"] == "unknown_alert"
    assert len(scene.ops.messages) == 1


def test_alerts_are_found_by_tenant_kind_time_and_state_page_by_page(scene: Scene) -> None:
    for number in range(5):
        scene.offer(f"a{number}", at=1_800_000_000.0 + number)
    scene.offer("b", tenant="globex", kind="drift.latency")
    scene.offer("c", tenant=None, kind="target.down")
    until(lambda: len(scene.items()) == 7)
    assert scene.ids("?tenant=globex") == ["b"]
    assert scene.ids("?kind=target.down") == ["c"]
    assert scene.ids("?since=2027-01-15T08:00:03Z") == ["a4", "a3"]
    scene.api.call("POST", "/admin/v1/alerts/a0/acknowledge")
    assert scene.ids("?state=acknowledged") == ["a0"]
    assert "a0" not in scene.ids("?state=open")
    seen: list[str] = []
    query = "?limit=3"
    while True:
        page = scene.api.get(f"/admin/v1/alerts{query}").json
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query = f"?limit=3&after={page['next']}"
    assert len(seen) == len(set(seen)) == 7
    until(lambda: scene.ids("?state=waiting") == [])
    assert scene.ids("?state=failed") == []


def test_a_tenant_sees_and_acknowledges_its_own_alerts_alone(scene: Scene) -> None:
    for name, tenant in (("a", "acme"), ("g", "globex"), ("i", None)):
        scene.offer(name, tenant=tenant)
    admin, viewer = scene.key_of("acme", "admin"), scene.key_of("acme", "viewer")
    until(lambda: len(scene.items("?state=waiting")) == 0 and len(scene.items()) == 3)
    for token in (admin, viewer):
        assert scene.ids("", token) == scene.ids("?state=waiting", token) == ["a"]
        assert scene.items("", token)[0]["deliveries"] == []
        assert scene.api.call("GET", "/admin/v1/alerts?tenant=globex", token=token).status == 404
    for alert_id, expected in (("g", 404), ("i", 404), ("a", 200)):
        assert scene.api.call("POST", f"/admin/v1/alerts/{alert_id}/acknowledge", token=admin).status == expected
        assert scene.api.call("POST", f"/admin/v1/alerts/{alert_id}/acknowledge", token=viewer).status == 403
    assert scene.ids("?state=acknowledged") == ["a"]
    assert scene.api.call("POST", "/admin/v1/alerts/webhooks/ops/test", token=admin).status == 403


def test_a_webhook_is_tested_at_once_and_says_what_came_back(scene: Scene) -> None:
    reply = scene.api.call("POST", "/admin/v1/alerts/webhooks/ops/test")
    assert (reply.status, reply.json["status"], reply.json["body"], reply.json["is_taken"]) == (200, 200, "ok", True)
    scene.ops.status = 500
    assert scene.api.call("POST", "/admin/v1/alerts/webhooks/ops/test").json["is_taken"] is False
    dead = scene.api.call("POST", "/admin/v1/alerts/webhooks/dead/test").json
    assert (dead["status"], dead["is_taken"]) == (None, False)
    assert "cannot be reached" in dead["error"]
    assert scene.api.call("POST", "/admin/v1/alerts/webhooks/nobody/test").status == 404
    assert scene.items() == []
    assert len(scene.api.get("/admin/v1/audit?subject=webhook:ops").json["items"]) == 2


def test_health_and_metrics_say_what_was_not_delivered(scene: Scene) -> None:
    def metrics() -> str:
        return str(urlopen(f"http://127.0.0.1:{scene.api.port}/metrics", timeout=5).read().decode())

    scene.ops.status = 410
    assert 'penstock_alert_deliveries{state="waiting",webhook="ops"} 0.0' in metrics()
    scene.offer("a")
    until(lambda: 'penstock_alert_deliveries{state="given_up",webhook="ops"} 1.0' in metrics())
    health = scene.api.get("/health").json
    assert health["status"] == "degraded"
    assert any("could not be delivered to the webhook ops" in reason for reason in health["reasons"])
    assert scene.ids("?state=failed") == ["a"]
    scene.api.call("POST", "/admin/v1/alerts/a/acknowledge")
    until(lambda: not any("webhook ops" in reason for reason in scene.api.get("/health").json["reasons"]))


def test_the_commands_do_what_the_api_does(scene: Scene) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        app = cli._build(["alert"])  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
        environ = {
            "PENSTOCK_CONTROL_URL": f"http://127.0.0.1:{scene.api.port}",
            "PENSTOCK_ADMIN_TOKEN": scene.api.token,
        }
        done = CliRunner().invoke(app, ["alert", *arguments], env=environ)
        return done.exit_code, done.output

    scene.offer("a/1")
    scene.offer("g", tenant="globex")
    until(lambda: len(scene.items()) == 2)
    code, printed = command("list", "--tenant", "acme")
    assert (code, "a/1" in printed, "globex" in printed) == (0, True, False)
    assert command("ack", "a/1")[0] == 0
    assert "a/1" in command("list", "--state", "acknowledged")[1]
    assert command("ack", "nobody")[0] == 1
    assert command("test", "ops")[0] == 0
    code, printed = command("test", "dead")
    assert (code, "cannot be reached" in printed) == (1, True)
