"""Targets over the admin API and the command: what the fleet knows, and an operator's orders, over a real database."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.console.serving import Api, serving
from tests.console.test_identity_api import command, key_of

from penstock.admission.fleet.board import BoardLost, Finding, Report, View
from penstock.admission.fleet.desk import FleetDesk
from penstock.admission.fleet.store import PostgresBoard

CONFIGURED = {
    "PENSTOCK__DISCOVER_PROVIDERS": "false",
    "PENSTOCK__PROVIDERS__HELD__VENDOR": "custom",
    "PENSTOCK__PROVIDERS__HELD__DIALECT": "openai-chat",
    "PENSTOCK__PROVIDERS__HELD__BASE_URL": "http://127.0.0.1:9/v1",
    "PENSTOCK__MODELS__FAST__TARGETS": "[{provider: held, model: org/m}]",
}
NAME = "held/org/m"
PATH = f"/admin/v1/targets/{NAME}"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url, CONFIGURED) as api:
        yield api


@pytest.fixture
def board(database_url: str) -> Iterator[PostgresBoard]:
    opened = PostgresBoard(lambda: psycopg.connect(database_url))
    yield opened
    opened.close()


def down(target: str, left_s: float = 30.0) -> Finding:
    return Finding(
        target=target,
        stamp=f"a:{target}",
        after="",
        state="open",
        age_s=2.0,
        left_s=left_s,
        openings=1,
        reason="8 calls failed in a row",
    )


def report(*findings: Finding, targets: tuple[str, ...] = ()) -> Report:
    return Report(process="a", place="web-1:77", targets=targets, findings=findings, silent_s=60.0)


def test_every_target_is_listed_with_what_was_found_and_who_calls_it(api: Api, board: PostgresBoard) -> None:
    api.call("GET", "/health")
    board.exchange(report(down("x/m"), down("y/m", left_s=-1.0), targets=("x/m", NAME)))
    said = api.get("/admin/v1/targets").json
    items = {item["name"]: item for item in said["items"]}
    assert said["is_shared"] is True
    assert items[NAME]["state"] == "closed"
    assert (items[NAME]["since"], items[NAME]["callers"]) == (None, 1)
    assert (items["x/m"]["state"], items["y/m"]["state"]) == ("open", "half_open")
    assert (items["x/m"]["reason"], items["x/m"]["found_by"]) == ("8 calls failed in a row", "web-1:77")
    assert items["x/m"]["since"] < items["x/m"]["until"]
    assert said["processes"] == [{"id": "a", "place": "web-1:77", "targets": ["x/m", NAME]}]


def test_an_operator_opens_and_closes_a_target_and_it_is_in_the_audit(api: Api, board: PostgresBoard) -> None:
    opened = api.call("POST", f"{PATH}/open", {"reason": "upgrade", "for_s": 600})
    assert (opened.status, opened.json["state"], opened.json["is_ordered"]) == (200, "open", True)
    state = board.exchange(Report(silent_s=60.0)).states[0]
    assert (state.target, state.is_ordered, state.reason, state.place) == (NAME, True, "upgrade", "admin-token")
    assert 590 < state.left_s <= 600
    assert api.call("POST", f"{PATH}/close").json["state"] == "closed"
    assert board.exchange(Report(silent_s=60.0)).states[0].state == "closed"
    audit = api.get("/admin/v1/audit").json["items"]
    assert [(row["action"], row["subject"], row["actor"]) for row in audit] == [
        ("target.closed", NAME, "admin-token"),
        ("target.opened", NAME, "admin-token"),
    ]


def test_bad_orders_are_refused(api: Api) -> None:
    for body in ({"for_s": 0}, {"for_s": 1e9}, {"reason": ""}, {"reason": "a\nb"}, {"until": 1}):
        assert api.call("POST", f"{PATH}/open", body).status == 400, body
    assert api.call("POST", f"/admin/v1/targets/{'x' * 301}/open").status == 400
    assert api.call("POST", "/admin/v1/targets/%00/open").status == 400
    assert api.get("/admin/v1/audit").json["items"] == []


def test_nobody_within_a_tenant_sees_or_opens_a_target(api: Api) -> None:
    owner = key_of(api, "acme", "owner")
    assert api.call("GET", "/admin/v1/targets", token=owner).status == 403
    assert api.call("POST", f"{PATH}/open", token=owner).status == 403


def test_an_order_that_the_store_does_not_take_is_not_in_the_audit(tmp_path: Path, database_url: str) -> None:
    more = {"PENSTOCK__FLEET__KIND": "redis", "PENSTOCK__FLEET__URL": "redis://127.0.0.1:9/0"}
    with serving(tmp_path, database_url, more) as api:
        for method, path in (("GET", "/admin/v1/targets"), ("POST", f"{PATH}/open")):
            reply = api.call(method, path)
            assert (reply.status, reply.json["error"]["code"]) == (503, "overloaded")
        assert api.get("/admin/v1/audit").json["items"] == []


def test_without_a_store_nothing_is_known_and_nobody_would_hear(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url, {**CONFIGURED, "PENSTOCK__FLEET__KIND": "none"}) as api:
        said = api.get("/admin/v1/targets").json
        assert said["is_shared"] is False
        assert NAME in [item["name"] for item in said["items"]]
        assert api.call("POST", f"{PATH}/open").status == 409


def test_the_command_does_what_the_api_does(api: Api) -> None:
    assert NAME in command(api, "target", "list")[1]
    code, printed = command(api, "target", "open", NAME, "--hours", "2", "--reason", "upgrade")
    assert (code, "open" in printed, "upgrade" in printed) == (0, True, True)
    assert "upgrade" in command(api, "target", "list")[1]
    assert command(api, "target", "close", NAME)[0] == 0
    assert command(api, "target", "open", NAME, "--hours", "-1")[0] == 1


class ReadOnlyBoard:
    """Is read, and lost as soon as it is told something."""

    def exchange(self, report: Report) -> View:
        if report.findings:
            raise BoardLost("read only")
        return View()

    def wait(self, timeout_s: float) -> bool:
        return False

    def close(self) -> None:
        """Nothing was open."""


def test_an_order_that_is_lost_on_its_way_takes_its_row_of_the_audit_with_it(api: Api) -> None:
    api.plane.desk = FleetDesk(ReadOnlyBoard())
    assert api.call("POST", f"{PATH}/open").status == 503
    assert api.get("/admin/v1/audit").json["items"] == []
