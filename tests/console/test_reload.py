"""The configuration file read again over the admin API, with a real database behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import key_of, wait_until
from tests.watch.alerts.receiver import Receiver, receiving
from typer.testing import CliRunner

from penstock import cli
from penstock.admission.limits.rules.stored import last_reload

FILE = "limits:\n  - {name: rpm, unit: requests, amount: 5, per: minute}\n"
SECRET = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


@dataclass(frozen=True)
class Scene:
    api: Api
    file: Path

    def reload(self, text: str, token: str | None = None) -> tuple[int, dict[str, object]]:
        self.file.write_text(text)
        reply = self.api.call("POST", "/admin/v1/config/reload", token=token)
        return reply.status, reply.json

    def amount(self, name: str = "rpm") -> object:
        return self.api.get(f"/admin/v1/limits/{name}").json.get("amount")


@pytest.fixture
def scene(tmp_path: Path, database_url: str) -> Iterator[Scene]:
    file = tmp_path / "penstock.yaml"
    file.write_text(FILE)
    with serving(tmp_path / "data", database_url, {"S": SECRET}, file=file) as api:
        yield Scene(api, file)


def test_a_changed_file_is_in_force_audited_and_announced(scene: Scene, database_url: str) -> None:
    before = scene.api.get("/admin/v1/config").json["config_hash"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("LISTEN penstock_limits")
        assert last_reload(connection) is None
        status, told = scene.reload(FILE.replace("5", "7") + "server: {deadline_s: 9}\n")
        assert [notify.channel for notify in connection.notifies(timeout=5, stop_after=1)] == ["penstock_limits"]
        row = last_reload(connection)
    assert status == 200
    assert (told["taken"], told["needs_restart"]) == (["limits.rpm.amount"], ["server.deadline_s"])
    assert told["file"] == str(scene.file)
    assert scene.amount() == 7
    shown = scene.api.get("/admin/v1/config").json
    assert told["config_hash"] == shown["config_hash"] != before
    assert shown["settings"]["server"]["deadline_s"] == 600.0
    (entry,) = scene.api.get("/admin/v1/audit?subject=config").json["items"]
    assert (entry["id"], entry["action"], entry["actor"]) == (row, "config.reloaded", "admin-token")
    assert entry["fields"] == ["config_hash", "limits.rpm.amount"]


def test_a_broken_file_changes_nothing_and_the_error_names_its_lines(scene: Scene, database_url: str) -> None:
    for broken, said in (
        (FILE.replace("amount: 5", "amount: 7") + "servr: {}\n", "penstock.yaml:3: servr: unknown setting (did you"),
        (FILE.replace("amount: 5", "amount: 7.5"), "penstock.yaml:2: limits.0.amount: it must be a whole number"),
        (FILE.replace("5", "7") + "models: {m: {targets: [{provider: x, model: y}]}}\n", "penstock.yaml:3: models.m"),
    ):
        status, told = scene.reload(broken)
        assert status == 409
        error = told["error"]
        assert isinstance(error, dict)
        assert error["code"] == "broken_config"
        assert said in error["message"]
    assert scene.amount() == 5
    with psycopg.connect(database_url) as connection:
        assert last_reload(connection) is None


def test_a_webhook_that_is_new_in_the_file_can_be_told(scene: Scene) -> None:
    with receiving() as ops:
        assert scene.api.call("POST", "/admin/v1/alerts/webhooks/ops/test").status == 404
        hook = f"alerts: {{webhooks: [{{name: ops, url: '{ops.url}', secret: 'env:S'}}]}}\n"
        assert scene.reload(FILE + hook)[1]["taken"] == ["alerts.webhooks.ops"]
        assert scene.api.call("POST", "/admin/v1/alerts/webhooks/ops/test").json["is_taken"]
        assert_one(ops)


def assert_one(receiver: Receiver) -> None:
    assert len(receiver.messages) == 1


def test_another_control_plane_reads_the_file_too(scene: Scene, database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "other", database_url, {"S": SECRET}, file=scene.file) as other:
        assert scene.reload(FILE.replace("5", "7"))[0] == 200
        wait_until(lambda: other.get("/admin/v1/limits/rpm").json["amount"] == 7)


def test_only_who_spans_all_tenants_and_administers_may_do_it(scene: Scene) -> None:
    assert scene.api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
    for token in (key_of(scene.api, "acme", "owner"), key_of(scene.api, "acme", "admin")):
        assert scene.reload(FILE.replace("5", "7"), token)[0] == 403
    assert scene.amount() == 5


def test_the_command_says_what_is_in_force_and_what_is_not(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_CONTROL_URL", f"http://127.0.0.1:{scene.api.port}")
    monkeypatch.setenv("PENSTOCK_ADMIN_TOKEN", scene.api.token)
    app = cli._build(["reload"])  # pyright: ignore[reportPrivateUsage] # what `main` runs
    scene.file.write_text(FILE.replace("5", "7") + "server: {deadline_s: 9}\n")
    said = CliRunner().invoke(app, ["reload"])
    assert said.exit_code == 0, said.output
    assert "in force now     limits.rpm.amount" in said.output
    assert "needs a restart  server.deadline_s" in said.output
    scene.file.write_text(FILE + "oops")
    said = CliRunner().invoke(app, ["reload"])
    assert said.exit_code == 1
    assert "penstock.yaml:3" in said.output
