"""Answers before the guards: nothing of a match leaves, and what is stopped ends as its reader expects."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.guard.hearings import CLOCK, exchange_of

from penstock.core.chat import ChatRequest, ResponseFormat
from penstock.core.errors import GuardUnavailable, PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.core.facts import GuardFailed, GuardJudged
from penstock.core.json import loads
from penstock.core.ports import Filter
from penstock.guard.answer import Answers, Asked, AskingGuards, Windowed
from penstock.guard.judging import Judging
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.window import PatternWindow
from penstock.guard.verdict import Action, Finding, Segment
from penstock.guard.ward import Fail, Mode, OnStream, Ward

SECRET = "key-4711-secret"
PATTERNS = (Pattern("t.secret", "SECRET", r"key-[0-9]{4}-secret", most_chars=20),)
places = st.integers(0, 60)


def windowed_ward(action: Action, *, mode: Mode = "enforce", stream: OnStream = "window") -> Ward:
    return Ward(guard="t", mode=mode, fail="closed", action=lambda _: action, stream=stream)


def with_patterns(
    action: Action, *, mode: Mode = "enforce", stream: OnStream = "window", refusal: str | None = None
) -> Answers:
    windowed = Windowed(PatternWindow(PATTERNS), {"t.secret": windowed_ward(action, mode=mode, stream=stream)}, stream)
    return Answers([windowed], [], Judging(CLOCK, None, most_chars=1000), CLOCK, refusal=refusal)


async def asked(exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    del exchange
    found: list[list[Finding]] = []
    for each in segments:
        at = each.text.find(SECRET)
        found.append([] if at < 0 else [Finding("t.asked", "SECRET", at, at + len(SECRET))])
    return found


async def failing(exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    raise RuntimeError(exchange.id, len(segments))


def with_judge(
    action: Action, *, stream: OnStream = "window", fail: Fail = "closed", is_failing: bool = False
) -> Answers:
    ward = Ward(
        guard="t",
        mode="enforce",
        fail=fail,
        action=lambda _: action,
        ask=failing if is_failing else asked,
        stream=stream,
    )
    return Answers([], [Asked([ward], stream)], Judging(CLOCK, None, most_chars=1000), CLOCK)


def run(answers: Answers, events: Sequence[Event], exchange: Exchange) -> list[Event]:
    """What goes on, event by event; `PolicyBlocked` comes out with what went before it in `shown`."""
    return asyncio.run(_run(answers, events, exchange))


async def _run(answers: Answers, events: Sequence[Event], exchange: Exchange) -> list[Event]:
    made = answers.open(exchange)
    assert made is not None
    shown: list[Event] = []
    try:
        for event in events:
            shown += made.feed([event])
            shown += await _judged(made)
        shown += made.finish()
        shown += await _judged(made)
    except PolicyBlocked as error:
        error.last = (*shown, *error.last)
        raise
    return shown


async def _judged(made: Filter) -> Sequence[Event]:
    return await made.judged() if isinstance(made, AskingGuards) else ()


def said(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def cut(text: str, at: Sequence[int]) -> list[Event]:
    ends = sorted({min(each, len(text)) for each in at} | {0, len(text)})
    pieces: list[Event] = [Text(text[a:b]) for a, b in pairwise(ends)]
    return [Start("i", "m"), *pieces, Finish("stop")]


@pytest.mark.parametrize("sent", ["stream", "whole"])
@pytest.mark.parametrize("kind", ["patterns", "judge"])
@settings(max_examples=150, deadline=None)
@given(st.text("ab ey-k", max_size=20), st.text("ab key-", max_size=20), st.lists(places, max_size=12))
def test_a_match_is_masked_however_it_comes(sent: str, kind: str, before: str, after: str, at: list[int]) -> None:
    answers = with_patterns("mask") if kind == "patterns" else with_judge("mask", stream="buffer")
    shown = run(answers, cut(f"{before}{SECRET}{after}", at), exchange_of("x", stream=sent == "stream"))
    assert said(shown) == f"{before}[SECRET]{after}"
    assert isinstance(shown[-1], Finish)


@pytest.mark.parametrize("sent", ["stream", "whole"])
@pytest.mark.parametrize("kind", ["patterns", "judge"])
@settings(max_examples=150, deadline=None)
@given(st.text("ab ey-k", max_size=20), st.text("ab key-", max_size=20), st.lists(places, max_size=12))
def test_nothing_of_a_match_is_seen_where_it_blocks(
    sent: str, kind: str, before: str, after: str, at: list[int]
) -> None:
    answers = with_patterns("block") if kind == "patterns" else with_judge("block", stream="buffer")
    with pytest.raises(PolicyBlocked) as blocked:
        run(answers, cut(f"{before}{SECRET}{after}", at), exchange_of("x", stream=sent == "stream"))
    assert before.startswith(said(blocked.value.last))


@pytest.mark.parametrize("sent", ["stream", "whole"])
@pytest.mark.parametrize("kind", ["patterns", "judge", "buffer", "observe"])
@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.lists(places, max_size=12))
def test_what_nothing_is_found_in_comes_out_as_it_was(sent: str, kind: str, text: str, at: list[int]) -> None:
    made = {
        "patterns": with_patterns("block"),
        "judge": with_judge("block"),
        "buffer": with_judge("block", stream="buffer"),
        "observe": with_judge("block", stream="observe"),
    }
    shown = run(made[kind], cut(text, at), exchange_of("x", stream=sent == "stream"))
    assert said(shown) == text
    assert [type(event) for event in shown if not isinstance(event, Text)] == [Start, Finish]


def test_a_stream_that_has_begun_ends_in_the_providers_words() -> None:
    with pytest.raises(PolicyBlocked) as blocked:
        run(with_patterns("block"), cut(f"hello {SECRET}", [6]), exchange_of("x", stream=True))
    assert blocked.value.last[-1] == Finish("content_filter")
    assert said(blocked.value.last) == "hello "


def test_one_that_has_not_begun_says_the_refusal_or_nothing() -> None:
    with pytest.raises(PolicyBlocked) as blocked:
        run(with_patterns("block", refusal="Sorry."), cut(SECRET, []), exchange_of("x", stream=True))
    assert said(blocked.value.last) == "Sorry."
    with pytest.raises(PolicyBlocked) as blocked:
        run(with_patterns("block"), [Text(SECRET), Finish("stop")], exchange_of("x", stream=True))
    assert blocked.value.last == ()
    with pytest.raises(PolicyBlocked) as blocked:
        run(with_patterns("block", refusal="Sorry."), cut(f"hello {SECRET}", [6]), exchange_of("x"))
    assert blocked.value.answer == "Sorry."


def test_what_is_only_observed_is_told_to_have_been_seen() -> None:
    exchange = exchange_of("x", stream=True)
    with pytest.raises(PolicyBlocked):
        run(with_judge("block", stream="observe"), cut(f"{SECRET}. And more", [18]), exchange)
    (fact,) = [each for each in exchange.facts if isinstance(each, GuardJudged)]
    assert fact.is_after_release
    assert fact.action == "block"
    assert fact.rule == "t.asked"


def test_a_shadow_guard_records_and_lets_pass() -> None:
    exchange = exchange_of("x", stream=True)
    assert said(run(with_patterns("block", mode="shadow"), cut(SECRET, [3]), exchange)) == SECRET
    (fact,) = [each for each in exchange.facts if isinstance(each, GuardJudged)]
    assert (fact.mode, fact.action, fact.findings) == ("shadow", "block", 1)


@pytest.mark.parametrize("stream", ["window", "buffer"])
def test_a_judge_that_fails_is_closed_or_open_and_never_silent(stream: OnStream) -> None:
    exchange = exchange_of("x", stream=True)
    with pytest.raises(GuardUnavailable):
        run(with_judge("block", stream=stream, is_failing=True), cut("hello. x", [7]), exchange)
    assert [each.is_let_through for each in exchange.facts if isinstance(each, GuardFailed)] == [False]
    exchange = exchange_of("x", stream=True)
    answers = with_judge("block", stream=stream, fail="open", is_failing=True)
    assert said(run(answers, cut("hello. x", [7]), exchange)) == "hello. x"
    assert [each.is_let_through for each in exchange.facts if isinstance(each, GuardFailed)] == [True]


@pytest.mark.parametrize("is_stream", [True, False])
def test_every_choice_and_channel_and_argument_is_judged(*, is_stream: bool) -> None:
    half, rest = SECRET[:6], SECRET[6:]
    events: list[Event] = [
        Start("i", "m"),
        Text(half, choice=1),
        Text(half, choice=0, channel="reasoning"),
        Text(rest, choice=1),
        Text(rest, choice=0, channel="reasoning"),
        ToolCall(choice=0, index=0, id="c", name="f", arguments='{"to": "' + half),
        ToolCall(choice=0, index=0, arguments="\\u00" + f"{ord(rest[0]):02x}" + rest[1:] + '"}'),
        Finish("stop", choice=1),
        Finish("tool_calls", choice=0),
    ]
    shown = run(with_patterns("mask"), events, exchange_of("x", stream=is_stream))
    assert [said([event]) for event in shown if isinstance(event, Text) and event.text] == ["[SECRET]", "[SECRET]"]
    arguments = "".join(event.arguments for event in shown if isinstance(event, ToolCall))
    assert loads(arguments) == {"to": "[SECRET]"}


@pytest.mark.parametrize("is_stream", [True, False])
def test_an_escape_hides_nothing_in_an_answer_that_is_json_or_in_arguments(*, is_stream: bool) -> None:
    written = '{"to": "' + SECRET[:6] + f"\\u00{ord(SECRET[6]):02x}" + SECRET[7:] + '"}'
    exchange = exchange_of("x", stream=is_stream)
    assert isinstance(exchange.request, ChatRequest)
    exchange.request = replace(exchange.request, response_format=ResponseFormat("json_object"))
    shown = run(with_patterns("mask"), [Start("i", "m"), Text(written), Finish("stop")], exchange)
    assert loads(said(shown)) == {"to": "[SECRET]"}
    events: list[Event] = [
        Start("i", "m"),
        ToolCall(choice=0, index=0, id="c", name="f", arguments=written),
        Finish("tool_calls"),
    ]
    shown = run(with_patterns("mask"), events, exchange_of("x", stream=is_stream))
    assert loads("".join(each.arguments for each in shown if isinstance(each, ToolCall))) == {"to": "[SECRET]"}


@pytest.mark.parametrize("is_stream", [True, False])
def test_pieces_of_one_text_are_one_whatever_comes_between(*, is_stream: bool) -> None:
    events: list[Event] = [Start("i", "m"), Text(SECRET[:4]), Text("b", choice=1), Text(SECRET[4:]), Finish("stop")]
    shown = run(with_patterns("mask"), [*events, Finish("stop", choice=1)], exchange_of("x", stream=is_stream))
    assert said([each for each in shown if isinstance(each, Text) and each.choice == 0]) == "[SECRET]"
