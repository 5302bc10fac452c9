"""What guards found in texts that come again."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.guard.hearings import exchange_of

from penstock.core.facts import GuardFailed, GuardJudged
from penstock.guard.judging import Judging
from penstock.guard.remembered import Remembered
from penstock.guard.verdict import Action, Finding, Segment
from penstock.guard.ward import Ward
from penstock.testing.clock import FakeClock

if TYPE_CHECKING:
    from penstock.encoder.model import Encoded


def user(text: str) -> Segment:
    return Segment(text, "user", "messages.0.parts.0")


class Reads:
    """Finds every `x`, and keeps what it was asked about."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.breaks = False

    def __call__(self, segment: Segment, encoded: "Encoded | None") -> Sequence[Finding]:
        del encoded
        if self.breaks:
            raise RuntimeError("cannot now")
        self.read.append(segment.text)
        return [Finding("test.x", "X", at, at + 1) for at, char in enumerate(segment.text) if char == "x"]

    def ward(self) -> Ward:
        return Ward(guard="test", mode="enforce", fail="closed", action=lambda _: "mask", detect=self)


def blocking(finding: Finding) -> Action:
    del finding
    return "block"


def judged(judging: Judging, ward: Ward, *segments: Segment) -> list[tuple[str, int]]:
    exchange = exchange_of("")
    hearing = asyncio.run(judging.judge(exchange, [ward], segments, direction="input"))
    assert sum(isinstance(fact, GuardJudged | GuardFailed) for fact in exchange.facts) == 1
    return [(segment.text, finding.begin) for segment, finding in hearing.mask]


def judging(most_texts: int = 100) -> Judging:
    return Judging(FakeClock(), None, most_chars=1_000, most_texts=most_texts)


def test_turns_are_read_once_and_judged_every_time() -> None:
    reads, judge = Reads(), judging()
    ward = reads.ward()
    assert judged(judge, ward, user("a x"), user("b")) == [("a x", 2)]
    assert judged(judge, ward, user("a x"), user("b"), user("xx")) == [("a x", 2), ("xx", 0), ("xx", 1)]
    assert judged(judge, ward, user("xx"), user("a x")) == [("xx", 0), ("xx", 1), ("a x", 2)]
    assert reads.read == ["a x", "b", "xx"]


def test_what_one_guard_found_is_not_taken_for_what_another_would() -> None:
    reads, other, judge = Reads(), Reads(), judging()
    judged(judge, reads.ward(), user("a x"))
    assert judged(judge, other.ward(), user("a x")) == [("a x", 2)]
    assert other.read == ["a x"]


def test_who_wrote_a_text_is_a_part_of_what_is_known_of_it() -> None:
    reads, judge = Reads(), judging()
    ward = reads.ward()
    judged(judge, ward, user("a x"))
    judged(judge, ward, Segment("a x", "retrieved", "messages.0.parts.0"))
    judged(judge, ward, Segment("a x", "user", "user", is_said=False))
    assert reads.read == ["a x", "a x", "a x"]


def test_where_a_guard_could_not_judge_nothing_is_remembered() -> None:
    reads, judge = Reads(), judging()
    ward = reads.ward()
    reads.breaks = True
    exchange = exchange_of("")
    hearing = asyncio.run(judge.judge(exchange, [ward], [user("a x")], direction="input"))
    assert hearing.blocked is not None
    reads.breaks = False
    assert judged(judge, ward, user("a x")) == [("a x", 2)]


def test_the_place_is_that_of_the_text_that_was_asked_about() -> None:
    judge = judging()
    ward = replace(Reads().ward(), action=blocking)
    for place in ("messages.0.parts.0", "messages.4.parts.0"):
        hearing = asyncio.run(judge.judge(exchange_of(""), [ward], [Segment("x", "user", place)], direction="input"))
        assert hearing.blocked is not None
        assert hearing.blocked.field == place


@pytest.mark.parametrize("most", [0, 10])
def test_no_more_texts_are_remembered_than_may_be(most: int) -> None:
    reads, judge = Reads(), judging(most)
    ward = reads.ward()
    for number in range(50):
        judged(judge, ward, user(f"{number}"))
    reads.read.clear()
    judged(judge, ward, *(user(f"{number}") for number in range(50)))
    assert reads.read[: 50 - most] == [f"{number}" for number in range(50 - most)]
    assert len(reads.read) >= 50 - most


def test_what_is_asked_for_often_outlives_what_is_not() -> None:
    remembered, ward = Remembered(10), Reads().ward()
    often = remembered.digest(user("often"))
    remembered.put(ward, often, ())
    for number in range(100):
        remembered.put(ward, remembered.digest(user(f"{number}")), ())
        assert remembered.get(ward, often) == ()
    assert remembered.get(ward, remembered.digest(user("3"))) is None


def test_texts_with_very_many_findings_are_not_kept() -> None:
    reads, judge = Reads(), judging()
    ward = reads.ward()
    for _ in range(2):
        assert len(judged(judge, ward, user("x" * 51))) == 51
    assert len(reads.read) == 2
