"""A guard that has not judged: whatever the reason, it is closed or open as its setting says, and never silent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.guard.hearings import CLOCK, exchange_of, failures, judgements

from penstock.core.errors import GuardUnavailable, PolicyBlocked
from penstock.core.facts import GuardJudged
from penstock.encoder.executor import Encoder
from penstock.encoder.files import MODEL, TOKENIZER
from penstock.encoder.model import Model
from penstock.encoder.session import CannotRun
from penstock.guard.hearing import Hearing
from penstock.guard.judging import Judging
from penstock.guard.texts import segments_of
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ask, CannotJudge, Detect, Fail, Mode, Ward

if TYPE_CHECKING:
    from penstock.core.exchange import Exchange
    from penstock.encoder.model import Encoded

MOST_CHARS = 1_000
ASK_S = 0.02


@dataclass(frozen=True)
class Case:
    """A guard that cannot judge `text`, and the reason that it must leave."""

    reason: str
    detect: Detect | None = None
    ask: Ask | None = None
    reads: bool = False
    text: str = "hello"


def finds(*findings: Finding) -> Detect:
    def found(segment: Segment, encoded: "Encoded | None") -> Sequence[Finding]:
        del segment, encoded
        return findings

    return found


def raises(segment: Segment, encoded: "Encoded | None") -> Sequence[Finding]:
    raise ValueError(f"{segment.text} {encoded}")


async def hangs(exchange: "Exchange", texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    await asyncio.get_running_loop().create_future()
    return [[] for _ in (exchange, texts)]


async def forgets(exchange: "Exchange", texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    del exchange, texts
    return []


async def cannot(exchange: "Exchange", texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    del exchange, texts
    raise CannotJudge("away")


async def beyond(exchange: "Exchange", texts: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    del exchange
    return [[Finding("r", "K", 0, len(each.text) + 1)] for each in texts]


CASES = (
    Case("raised_ValueError", detect=raises),
    Case("nonsense", detect=finds(Finding("r", "K", 0, 6))),
    Case("nonsense", detect=finds(Finding("r", "K", -1, 2))),
    Case("nonsense", detect=finds(Finding("r", "K", 3, 2))),
    Case("nonsense", detect=finds(Finding("r", "K", 0, 1, 1.5))),
    Case("nonsense", detect=finds(Finding("r", "K", 0, 1, float("nan")))),
    Case("nonsense", ask=forgets),
    Case("nonsense", ask=beyond),
    Case("timeout", ask=hangs),
    Case("away", ask=cannot),
    Case("no_encoder", detect=finds(), reads=True),
    Case("no_detector"),
)
WITH_ENCODER = (
    Case("too_long", detect=finds(), reads=True, text="x" * (MOST_CHARS + 1)),
    Case("encoder_failed", detect=finds(), reads=True, text="this one breaks the model"),
    Case("encoder_busy", detect=finds(), reads=True, text="no room for this one"),
)


def ward(case: Case, mode: Mode, fail: Fail) -> Ward:
    return Ward(
        guard="test",
        mode=mode,
        fail=fail,
        action=lambda _: "block",
        detect=case.detect,
        ask=case.ask,
        reads=case.reads,
        timeout_s=ASK_S,
    )


def told(hearing: Hearing, case: Case, mode: Mode, fail: Fail) -> None:
    """One fact that it failed, none that it judged, and no way through but an open one."""
    is_let_through = fail == "open" or mode == "shadow"
    assert [(each.reason, each.is_let_through) for each in failures(hearing)] == [(case.reason, is_let_through)]
    assert not judgements(hearing)
    assert not hearing.mask
    if is_let_through:
        assert hearing.blocked is None
    else:
        assert isinstance(hearing.blocked, PolicyBlocked if case.reason == "too_long" else GuardUnavailable)
        assert case.text not in str(hearing.blocked)


@pytest.mark.parametrize("fail", ["closed", "open"])
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_what_cannot_judge_is_closed_or_open_and_never_silent(case: Case, mode: Mode, fail: Fail) -> None:
    exchange = exchange_of(case.text)
    judging = Judging(CLOCK, None, most_chars=MOST_CHARS, most_texts=10)
    segments = segments_of(exchange.request)
    hearing = asyncio.run(judging.judge(exchange, [ward(case, mode, fail)], segments, direction="input"))
    told(hearing, case, mode, fail)


@pytest.mark.parametrize("fail", ["closed", "open"])
@pytest.mark.parametrize("case", WITH_ENCODER, ids=lambda case: case.reason)
def test_neither_is_one_that_the_encoder_does_not_read_for(
    encoder_folder: Path, case: Case, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(encoder_folder / MODEL, encoder_folder / TOKENIZER)
    if case.reason == "encoder_failed":
        monkeypatch.setattr(model, "encode", broken)
    encoder = Encoder(model, threads=1, max_waiting=0 if case.reason == "encoder_busy" else 4)
    exchange = exchange_of(case.text)

    judging = Judging(CLOCK, encoder, most_chars=MOST_CHARS)
    segments = segments_of(exchange.request)

    async def main() -> Hearing:
        judge = judging.judge(exchange, [ward(case, "enforce", fail)], segments, direction="input")
        if case.reason != "encoder_busy":
            return await judge
        _, found = await asyncio.gather(encoder.encode("what is being read " * 200), judge)
        return found

    try:
        told(asyncio.run(main()), case, "enforce", fail)
    finally:
        encoder.close()


def broken(text: str) -> "Encoded":
    raise CannotRun(text)


def test_what_no_guard_can_read_does_not_pass_one_that_must_see_all() -> None:
    exchange = exchange_of("hello")
    judging = Judging(CLOCK, None, most_chars=MOST_CHARS)
    sees_all = replace(ward(Case("unreadable", detect=finds()), "enforce", "closed"), sees_all=True)
    hearing = asyncio.run(
        judging.judge(
            exchange, [sees_all], segments_of(exchange.request), direction="input", unseen=["messages.0.parts.1"]
        )
    )
    assert [each.reason for each in failures(hearing)] == ["unreadable"]
    assert isinstance(hearing.blocked, PolicyBlocked)
    assert hearing.blocked.field == "messages.0.parts.1"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_those_beside_it_judge_all_the_same(place: int) -> None:
    def blocks(rule: str) -> Ward:
        return replace(ward(Case("", detect=finds(Finding(rule, "K", 0, 1))), "shadow", "closed"), guard=rule)

    wards = [blocks("a"), blocks("b")]
    wards.insert(place, ward(CASES[0], "enforce", "closed"))
    exchange = exchange_of("hello")
    judging = Judging(CLOCK, None, most_chars=MOST_CHARS)
    hearing = asyncio.run(judging.judge(exchange, wards, segments_of(exchange.request), direction="input"))
    assert [each.guard for each in judgements(hearing)] == ["a", "b"]
    assert len(failures(hearing)) == 1
    assert isinstance(hearing.blocked, GuardUnavailable)


def test_a_short_field_beside_the_conversation_is_judged_without_a_pass(encoder_folder: Path) -> None:
    seen: list[tuple[str, bool]] = []

    def detect(segment: Segment, encoded: "Encoded | None") -> Sequence[Finding]:
        seen.append((segment.text, encoded is not None))
        return []

    encoder = Encoder(Model(encoder_folder / MODEL, encoder_folder / TOKENIZER), threads=1)
    judging = Judging(CLOCK, encoder, most_chars=MOST_CHARS)
    texts = [
        Segment("Ann", "user", "messages.0.parts.0"),
        Segment("Ann", "user", "user", is_said=False),
        Segment("Ann " * 20, "user", "metadata.note", is_said=False),
    ]
    exchange = exchange_of("")
    try:
        asyncio.run(
            judging.judge(
                exchange, [ward(Case("", detect=detect, reads=True), "enforce", "closed")], texts, direction="input"
            )
        )
    finally:
        encoder.close()
    assert seen == [("Ann", True), ("Ann", False), ("Ann " * 20, True)]
    assert [each.texts for each in exchange.facts if isinstance(each, GuardJudged)] == [3]
