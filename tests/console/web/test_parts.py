"""The console's parts that need no browser: sessions, tries, tables' states, CSV, and the table of pages."""

import csv
import io
from pathlib import Path

import pytest

from penstock.config import read
from penstock.config.console import ConsoleSettings
from penstock.console.web.layout.parts.csv_file import csv_file
from penstock.console.web.layout.parts.table_state import Column, TableState, chosen
from penstock.console.web.session.flows import Flows
from penstock.console.web.session.issuer import challenge_of
from penstock.console.web.session.store import Sessions
from penstock.console.web.session.tries import Tries
from penstock.core.errors import ConfigError
from penstock.testing import FakeClock

COLUMNS = (Column("name", "Name"), Column("amount", "Amount", "number"))
ROWS = [
    {"id": 1, "name": "b", "amount": 10},
    {"id": 2, "name": "A", "amount": 9},
    {"id": 3, "name": None, "amount": None},
]


def test_a_session_ends_when_idle_when_old_and_when_there_are_too_many() -> None:
    clock = FakeClock()
    sessions = Sessions(ConsoleSettings(session_idle_s=100, session_max_s=250, max_sessions=2), clock)
    idle, used = sessions.begin("a", "a"), sessions.begin("b", "b")
    clock.advance(60)
    session = sessions.find(used)
    assert session is not None
    sessions.touch(session)
    clock.advance(60)
    assert sessions.find(idle) is None
    assert sessions.find(used) is session
    for _ in range(2):
        clock.advance(60)
        sessions.touch(session)
    clock.advance(20)
    assert sessions.find(used) is None, "250 s are over, however much it was used"
    assert session.is_over
    first, second, third = (sessions.begin("c", "c") for _ in range(3))
    assert sessions.find(first) is None
    assert sessions.find(second) is not None
    assert sessions.find(third) is not None
    assert "secret" not in repr(sessions.find(sessions.begin("secret", "w")))


def test_an_address_that_failed_waits_and_others_do_not() -> None:
    clock = FakeClock()
    tries = Tries(2, clock)
    for _ in range(2):
        assert tries.may("a")
        tries.failed("a")
    assert not tries.may("a")
    assert tries.may("b")
    clock.advance(61)
    assert tries.may("a")


def test_a_flow_is_forgotten_after_ten_minutes() -> None:
    clock = FakeClock()
    flows = Flows(clock)
    flow_id, flow = flows.begin("acme", "/console/")
    clock.advance(601)
    assert flows.take(flow_id, flow.state) is None


def test_a_flow_counts_once_with_its_own_state() -> None:
    flows = Flows(FakeClock())
    flow_id, flow = flows.begin("acme", "/console/")
    other_id, other = flows.begin("acme", "/console/")
    assert flows.take(flow_id, other.state) is None
    assert flows.take(flow_id, flow.state) is None, "it was used up by the wrong one"
    assert flows.take(other_id, other.state) is other


def test_the_challenge_is_that_of_the_standards_example() -> None:
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_table_is_searched_and_sorted_with_what_is_missing_last() -> None:
    state = TableState.read({"sort": "-amount"}, COLUMNS, (), "name")
    assert [row["id"] for row in chosen(ROWS, COLUMNS, state)] == [1, 2, 3]
    assert [row["id"] for row in chosen(ROWS, COLUMNS, state.sorted_by("amount"))] == [2, 1, 3]
    assert [row["id"] for row in chosen(ROWS, COLUMNS, TableState(search="B 10"))] == [1]


@pytest.mark.parametrize(
    "query", [{"page": "x"}, {"page": "-1"}, {"page": "9" * 30}, {"page": "²"}, {"sort": "nothing"}]
)
def test_a_wrong_address_counts_as_not_said(query: dict[str, str]) -> None:
    assert TableState.read(query, COLUMNS, (), "name").query() == {"sort": "name"}


def test_an_address_leads_to_the_same_state() -> None:
    state = TableState("a b", "amount", descending=True, page=3, filters={"state": "open"})
    assert TableState.read(state.query(), COLUMNS, ("state",), "name") == state


def test_a_csv_file_is_read_back_and_no_cell_of_it_is_a_formula() -> None:
    cells = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", 'a"b,c\r\nd', "plain", None, -5, ["=a", "b"]]
    data = csv_file(["=Head"], [[cell] for cell in cells])
    read_back = [row[0] if row else "" for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))]
    assert read_back == [
        "'=Head",
        "'=1+1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "'\rx",
        'a"b,c\r\nd',
        "plain",
        "",
        "-5",
        "'=a, b",
    ]


ISSUER = """
identity:
  issuers:
    acme: {issuer: "https://id.example", audiences: [penstock], tenant: acme}
control:
  console:
"""


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("    public_url: http://penstock.example", "control.console.public_url"),
        ("    public_url: https://penstock.example/console", "control.console.public_url"),
        ("    session_idle_s: 50000", "control.console.session_idle_s"),
        ("    oidc: {acme: {client_id: penstock}}", "control.console.oidc"),
        ("    public_url: https://p.example\n    oidc: {other: {client_id: penstock}}", "control.console.oidc.other"),
        ("    public_url: https://p.example\n    oidc: {acme: {client_id: x}}", "control.console.oidc.acme.client_id"),
        (
            "    public_url: https://p.example\n    oidc: {acme: {client_id: penstock, scopes: [profile]}}",
            "control.console.oidc.acme.scopes",
        ),
    ],
)
def test_an_impossible_configuration_is_refused(tmp_path: Path, said: str, path: str) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text(ISSUER + said)
    with pytest.raises(ConfigError) as refused:
        read(file, {})
    assert f": {path}: " in str(refused.value)
