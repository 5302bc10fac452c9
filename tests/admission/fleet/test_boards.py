"""What every board must do, asked of all of them: the conformance suite of `Board`."""

import threading
from itertools import count
from typing import Any

import pytest
from tests.admission.fleet.conftest import BOARDS, Desks

from penstock.admission.fleet.board import Board, Finding, Found, Report, TargetState, View

pytestmark = pytest.mark.parametrize("address", BOARDS, indirect=True)

ODD = 'vendor/mödel "x" {y}\\%s'


class Process:
    """One process's side."""

    def __init__(self, board: Board, name: str) -> None:
        self.board = board
        self.name = name
        self._stamps = count(1)

    def say(self, *findings: Finding, **fields: Any) -> View:
        given: dict[str, Any] = {"process": self.name, "place": f"{self.name}:1", "silent_s": 60.0}
        return self.board.exchange(Report(findings=findings, **(given | fields)))

    def finding(self, state: Found, target: str = "t", **fields: Any) -> Finding:
        given: dict[str, Any] = {
            "target": target,
            "stamp": f"{self.name}:{next(self._stamps)}",
            "after": "",
            "state": state,
            "age_s": 0.0,
            "left_s": 5.0 if state == "open" else 0.0,
            "openings": 1,
            "reason": "it failed",
        }
        return Finding(**(given | fields))


def only(view: View) -> TargetState:
    assert len(view.states) == 1
    return view.states[0]


def test_a_new_board_knows_nothing_but_who_speaks(desks: Desks) -> None:
    a = Process(desks.open(), "a")
    view = a.say()
    assert view.states == ()
    assert [(member.process, member.place, member.targets) for member in view.members] == [("a", "a:1", ())]


def test_whoever_only_looks_is_no_member(desks: Desks) -> None:
    board = desks.open()
    Process(board, "a").say(targets=("x", ODD))
    view = desks.open().exchange(Report(silent_s=60.0))
    assert [(member.process, member.targets) for member in view.members] == [("a", ("x", ODD))]


def test_what_one_finds_the_others_are_told_as_it_was_found(desks: Desks) -> None:
    a, b = Process(desks.open(), "a"), Process(desks.open(), "b")
    finding = a.finding("open", target=ODD, age_s=1.5, left_s=7.25, openings=3, reason='8 calls "failed"')
    own = only(a.say(finding))
    told = only(b.say())
    assert own.stamp == told.stamp == finding.stamp
    assert (told.target, told.state, told.openings, told.reason) == (ODD, "open", 3, '8 calls "failed"')
    assert (told.process, told.place, told.is_ordered) == ("a", "a:1", False)
    assert 1.5 <= told.age_s < 4.0
    assert 5.0 < told.left_s <= 7.25


def test_whoever_comes_later_learns_the_present_state(desks: Desks) -> None:
    a = Process(desks.open(), "a")
    opened = a.finding("open")
    a.say(opened, a.finding("open", target="u"))
    a.say(a.finding("closed", after=opened.stamp))
    view = Process(desks.open(), "b").say()
    assert {state.target: state.state for state in view.states} == {"t": "closed", "u": "open"}


def test_one_who_knew_of_the_other_finding_stands(desks: Desks) -> None:
    a, b = Process(desks.open(), "a"), Process(desks.open(), "b")
    opened = only(a.say(a.finding("open")))
    closed = b.finding("closed", after=opened.stamp, age_s=30.0)
    assert only(b.say(closed)).stamp == closed.stamp


def test_of_two_who_did_not_know_of_each_other_the_later_stands_whichever_comes_first(desks: Desks) -> None:
    a, b = Process(desks.open(), "a"), Process(desks.open(), "b")
    late = a.finding("closed", age_s=1.0)
    a.say(late)
    assert only(b.say(b.finding("open", age_s=20.0))).stamp == late.stamp
    later = b.finding("open", age_s=0.0)
    assert only(b.say(later)).stamp == later.stamp


def test_a_finding_that_is_told_twice_changes_nothing(desks: Desks) -> None:
    a, b = Process(desks.open(), "a"), Process(desks.open(), "b")
    opened = a.finding("open", age_s=2.0)
    a.say(opened)
    closed = b.finding("closed", after=opened.stamp)
    b.say(closed)
    assert only(a.say(opened)).stamp == closed.stamp


def test_an_order_stands_until_its_time_is_over_or_another_comes(desks: Desks) -> None:
    a, operator = Process(desks.open(), "a"), Process(desks.open(), "")
    ordered = operator.finding("open", stamp="order:1", left_s=600.0, is_ordered=True)
    assert only(operator.say(ordered, place="ada")).place == "ada"
    assert only(a.say(a.finding("closed", after="order:1"))).stamp == "order:1"
    assert only(a.say(a.finding("open"))).is_ordered
    closing = operator.finding("closed", stamp="order:2", is_ordered=True)
    assert only(operator.say(closing)).stamp == "order:2"
    own = a.finding("open")
    assert only(a.say(own)).stamp == own.stamp
    operator.say(operator.finding("open", stamp="order:3", left_s=-1.0, is_ordered=True))
    own = a.finding("closed", after="order:3")
    assert only(a.say(own)).stamp == own.stamp


def test_a_process_that_leaves_or_falls_silent_is_no_member(desks: Desks) -> None:
    a, b, c = (Process(desks.open(), name) for name in "abc")
    for process in (a, b, c):
        process.say(targets=("t",))
    b.say(is_leaving=True)
    assert {member.process for member in a.say().members} == {"a", "c"}
    assert {member.process for member in a.say(silent_s=0.0).members} <= {"a"}


def test_what_a_process_calls_is_what_it_said_last(desks: Desks) -> None:
    a = Process(desks.open(), "a")
    a.say(targets=("x", "y"))
    assert a.say(targets=("z",)).members[0].targets == ("z",)


def test_only_news_of_others_end_a_wait(desks: Desks) -> None:
    a, b = Process(desks.open(), "a"), Process(desks.open(), "b")
    a.say()
    b.say()
    while b.board.wait(0.0):
        pass
    a.say(targets=("t",))
    assert not b.board.wait(0.05), "a beat is no news"
    a.say(a.finding("open"))
    assert any(b.board.wait(1.0) for _ in range(5))
    while a.board.wait(0.0):
        pass
    assert not a.board.wait(0.05), "one's own is none"
    assert not b.board.wait(0.05), "and it is told once"


def test_processes_that_speak_at_once_do_not_stand_in_each_others_way(desks: Desks) -> None:
    targets = [f"t{number}" for number in range(40)]
    failed: list[BaseException] = []

    def speak(process: Process, ordered: list[str]) -> None:
        try:
            for _ in range(15):
                process.say(*(process.finding("open", target=target) for target in ordered), targets=ordered)
        except BaseException as error:  # noqa: BLE001 - the test's own thread must not die unseen
            failed.append(error)

    boards = [desks.open() for _ in range(4)]
    threads = [
        threading.Thread(target=speak, args=(Process(board, f"p{place}"), targets[:: -1 if place % 2 else 1]))
        for place, board in enumerate(boards)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    view = desks.open().exchange(Report(silent_s=60.0))
    assert len(view.states) == 40
    assert len(view.members) == 4
