"""Rules, silences, objectives and channels over the admin API and the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_alerts_api import SECRET, until
from tests.console.test_identity_api import key_of
from tests.watch.alerts.mailbox import Mailbox, mailbox
from tests.watch.alerts.receiver import Receiver, receiving
from tests.watch.rules.scene import Scene as Made
from typer.testing import CliRunner

from penstock import cli
from penstock.core.clock import SystemClock
from penstock.testing.clock import FakeClock

RULES = """{any: {figure: faults, by: [tenant], above: 0, window_s: 600},
    burning: {kind: burn_rate, objective: up, window_s: 3600, above: 1, min_exchanges: 1}}"""
OBJECTIVES = """{up: {kind: availability, target: 0.9, assistant: support},
    quick: {kind: latency, target: 0.5, within_s: 1, of: first_event, window_days: 7}}"""


@dataclass(frozen=True)
class Scene:
    api: Api
    ops: Receiver
    team: Receiver
    post: Mailbox
    made: Made

    def get(self, path: str, token: str | None = None) -> Any:
        reply = self.api.call("GET", f"/admin/v1{path}", token=token)
        assert reply.status == 200, reply
        return reply.json

    def rule(self, name: str, token: str | None = None) -> Any:
        return next(each for each in self.get("/alerts/rules", token) if each["name"] == name)


@pytest.fixture
def scene(tmp_path: Path, database_url: str) -> Iterator[Scene]:
    with receiving() as ops, receiving() as team, mailbox() as post:
        environ = {
            "PENSTOCK__ALERTS__WEBHOOKS": f"[{{name: ops, url: '{ops.url}', secret: 'env:HOOK'}}]",
            "PENSTOCK__ALERTS__SLACK": "[{name: team, url: 'env:SLACK'}]",
            "PENSTOCK__ALERTS__EMAIL": "[{name: night, to: [night@example.com]}]",
            "PENSTOCK__ALERTS__SMTP": f"{{host: 127.0.0.1, port: {post.port}, sender: a@example.com, security: none}}",
            "PENSTOCK__ALERTS__RULES": RULES,
            "PENSTOCK__OBJECTIVES": OBJECTIVES,
            "HOOK": SECRET,
            "SLACK": team.url,
        }
        made = Made(database_url, FakeClock(now_s=SystemClock().now()))
        made.settle(30, ago_s=300.0, first_event_s=0.5)
        made.settle(10, ago_s=300.0, first_event_s=2.0, outcome="upstream_failed")
        made.settle(8, ago_s=300.0, tenant="globex", outcome="rejected")
        made.close()
        with serving(tmp_path, database_url, environ) as api:
            yield Scene(api, ops, team, post, made)


def test_a_rule_fires_and_every_channel_is_told_once(scene: Scene) -> None:
    until(lambda: scene.rule("any")["state"] == "firing")
    group, quiet = scene.rule("any")["groups"]
    assert (quiet["group"], quiet["state"], quiet["value"]) == ({"tenant": "globex"}, "quiet", 0.0)
    assert (group["group"], group["value"], group["bound"]) == ({"tenant": "acme"}, 10.0, 0.0)
    until(lambda: [len(each) for each in (scene.ops.messages, scene.team.messages, scene.post.taken)] == [2, 2, 2])
    (alert,) = [each for each in scene.get("/alerts")["items"] if each["subject"] == "any"]
    assert (alert["kind"], alert["tenant"], alert["id"]) == ("rule.firing", "acme", group["occasion"])
    assert {each["webhook"]: each["state"] for each in alert["deliveries"]} == dict.fromkeys(
        ("ops", "team", "night"), "delivered"
    )
    definition = scene.rule("any")["definition"]
    assert definition == {"figure": "faults", "by": ["tenant"], "above": 0.0, "window_s": 600.0}
    assert scene.rule("faults")["is_ready_made"]
    assert scene.rule("any")["channels"] == ["ops", "team", "night"]

    other, mine = key_of(scene.api, "globex", "admin"), key_of(scene.api, "acme", "admin")
    assert scene.rule("any", mine)["state"] == "firing"
    assert scene.rule("any", mine)["channels"] == [], "they are the installation's"
    assert (scene.rule("any", other)["state"], scene.rule("burning", other)["groups"]) == ("quiet", [])
    checked = scene.api.call("POST", "/admin/v1/alerts/rules/any/check", token=other)
    assert [each["group"] for each in checked.json["groups"]] == [{"tenant": "globex"}]


def test_a_check_says_what_would_be_and_tells_nobody(scene: Scene) -> None:
    checked = scene.api.call("POST", "/admin/v1/alerts/rules/burning/check").json
    (group,) = checked["groups"]
    assert group["value"] == pytest.approx(2.5)  # a quarter of forty, where a tenth may be
    assert (group["bound"], group["verdict"]) == (1.0, "holds")
    assert scene.api.call("POST", "/admin/v1/alerts/rules/nobody/check").json["error"]["code"] == "unknown_alert_rule"
    viewer = key_of(scene.api, "acme", "viewer")
    assert scene.api.call("POST", "/admin/v1/alerts/rules/any/check", token=viewer).status == 403


def test_objectives_say_what_is_left(scene: Scene) -> None:
    quick, up = sorted(scene.get("/objectives"), key=lambda each: each["name"])
    assert (up["exchanges"], up["bad"], up["reached"]) == (40, 10, 0.75)
    assert up["consumed"] == pytest.approx(2.5)
    assert up["remaining"] == pytest.approx(-1.5)
    assert up["burn"]["1h"] == pytest.approx(2.5)
    assert up["burn"]["5m"] is None or up["burn"]["5m"] == pytest.approx(2.5)
    assert up["exhausted_at"] == up["until"]
    assert (quick["exchanges"], quick["bad"], quick["remaining"]) == (40, 10, 0.5)  # what failed was not in time
    assert quick["exhausted_at"] is None
    viewer = key_of(scene.api, "globex", "viewer")
    assert [each["exchanges"] for each in scene.get("/objectives", viewer)] == [0, 0]
    now = datetime.now(UTC)
    times = f"since={now - timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}&until={now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    told = {each["name"]: each for each in scene.get(f"/objectives/reached?{times}")}
    assert [(told[name]["exchanges"], told[name]["bad"]) for name in ("quick", "up")] == [(40, 10), (40, 10)]
    assert told["up"]["consumed"] == pytest.approx(2.5)
    assert [each["exchanges"] for each in scene.get(f"/objectives/reached?{times}&tenant=globex")] == [0, 0]
    assert [each["exchanges"] for each in scene.get(f"/objectives/reached?{times}", viewer)] == [0, 0]
    early = scene.get("/objectives/reached?since=2020-01-01&until=2020-01-31")
    assert [each["reached"] for each in early] == [None, None]
    turned = scene.api.call("GET", "/admin/v1/objectives/reached?since=2026-02-01&until=2026-01-01")
    assert (turned.status, turned.json["error"]["code"]) == (400, "malformed_request")
    days = scene.get("/objectives/quick/history")
    assert (sum(each["exchanges"] for each in days), sum(each["bad"] for each in days)) == (40, 10)
    assert days[-1]["reached"] == pytest.approx(1 - days[-1]["bad"] / days[-1]["exchanges"])
    assert scene.get("/objectives/quick/history", viewer) == []
    unknown = scene.api.call("GET", "/admin/v1/objectives/nobody/history")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "unknown_objective")


def test_silences_are_made_seen_ended_and_audited(scene: Scene) -> None:
    def make(token: str | None = None, **what: Any) -> Any:
        body = {"until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "reason": "we know", **what}
        return scene.api.call("POST", "/admin/v1/alerts/silences", body, token=token)

    made = make(kind="budget.*").json
    assert make().status == make(rule="a", until="2020-01-01T00:00:00Z").status == 400
    admin, viewer = key_of(scene.api, "acme", "admin"), key_of(scene.api, "acme", "viewer")
    own = make(admin, rule="any").json
    assert own["tenant"] == "acme"
    assert make(viewer, rule="any").status == 403
    assert make(admin, tenant="globex").status == 404
    assert [each["id"] for each in scene.get("/alerts/silences")] == [own["id"], made["id"]]
    assert [each["id"] for each in scene.get("/alerts/silences", admin)] == [own["id"]]
    assert scene.api.call("DELETE", f"/admin/v1/alerts/silences/{made['id']}", token=admin).status == 404
    ended = scene.api.call("DELETE", f"/admin/v1/alerts/silences/{made['id']}").json
    assert ended["ended_by"] == "admin-token"
    assert (
        scene.api.call("DELETE", f"/admin/v1/alerts/silences/{made['id']}").json["error"]["code"] == "unknown_silence"
    )
    assert [each["id"] for each in scene.get("/alerts/silences")] == [own["id"]]
    assert len(scene.get("/alerts/silences?past=true")) == 2
    actions = [row["action"] for row in scene.get(f"/audit?subject={made['id']}")["items"]]
    assert actions == ["alert.unsilenced", "alert.silenced"]


def test_each_channel_can_be_tried(scene: Scene) -> None:
    scene.post.answers.append("no")
    with psycopg.connect(scene.made.url, autocommit=True) as connection:  # nothing but tests is to be sent
        connection.execute("ALTER TABLE alerts ADD CONSTRAINT none_here CHECK (id = '') NOT VALID")
    before = len(scene.ops.messages)
    tried = {each["channel"]: each for each in scene.api.call("POST", "/admin/v1/alerts/test", {}).json}
    assert {name: (each["is_taken"], each["status"]) for name, each in tried.items()} == {
        "ops": (True, 200),
        "team": (True, 200),
        "night": (False, 554),
    }
    assert len(scene.ops.messages) == before + 1
    unknown = scene.api.call("POST", "/admin/v1/alerts/test", {"channel": "nobody"})
    assert unknown.json["error"]["code"] == "unknown_channel"


def test_the_commands_show_rules_and_silence_them(scene: Scene) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        app = cli._build(["alert"])  # pyright: ignore[reportPrivateUsage] - the program itself ends the process
        environ = {
            "PENSTOCK_CONTROL_URL": f"http://127.0.0.1:{scene.api.port}",
            "PENSTOCK_ADMIN_TOKEN": scene.api.token,
        }
        done = CliRunner().invoke(app, ["alert", *arguments], env=environ)
        return done.exit_code, done.output

    until(lambda: scene.rule("any")["state"] == "firing")
    code, printed = command("rules")
    assert code == 0
    assert "tenant=acme" in printed
    assert "journal-backlog" in printed
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert command("silence", "--rule", "any", "--until", later, "--reason", "we know")[0] == 0
    code, printed = command("silences")
    assert "we know" in printed
    silence_id = next(word for word in printed.split() if word.startswith("sil_"))
    assert command("unsilence", silence_id)[0] == 0
    assert command("test")[0] == 0
    assert len(scene.post.taken) >= 1
