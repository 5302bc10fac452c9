"""Judges that hear an answer as it comes hear the same sentences, whatever pieces it comes in."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.guard.hearings import CLOCK, exchange_of

from penstock.core.errors import PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.core.facts import GuardJudged
from penstock.guard.answer import Answers, Asked, AskingGuards
from penstock.guard.judging import Judging
from penstock.guard.pieces import MOST_CHARS, sentences
from penstock.guard.verdict import Action, Finding, Segment
from penstock.guard.ward import Ask, OnStream, Ward

HARM = "HARM"
BEGIN, FINISH = Start("i", "m"), Finish("stop")


def harmful(text: str) -> list[Finding]:
    """Sentences in which two words stand that alone say nothing: what half a sentence does not tell."""
    return [
        Finding("t.harm", HARM, begin, begin + len(sentence))
        for begin, sentence in sentences(text)
        if "key" in sentence and "door" in sentence
    ]


async def by_sentence(exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    del exchange
    return [harmful(each.text) for each in segments]


def judged_by(ask: Ask, *, action: Action = "mask", stream: OnStream = "window", is_whole: bool = False) -> Answers:
    ward = Ward(guard="t", mode="enforce", fail="closed", action=lambda _: action, ask=ask, stream=stream)
    return Answers([], [Asked([ward], stream, is_whole)], Judging(CLOCK, None, most_chars=100_000), CLOCK)


def told(answers: Answers, batches: Sequence[Sequence[Event]], exchange: Exchange | None = None) -> list[list[Event]]:
    """What goes on after each batch, and at the end; `PolicyBlocked` has in `last` what went before it too."""

    async def play() -> list[list[Event]]:
        made = answers.open(exchange or exchange_of("x", stream=True))
        assert isinstance(made, AskingGuards)
        out: list[list[Event]] = []
        try:
            for batch in batches:
                out += [[*made.feed(batch), *await made.judged()]]
            return [*out, [*made.finish(), *await made.judged()]]
        except PolicyBlocked as error:
            error.last = (*flat(out), *error.last)
            raise

    return asyncio.run(play())


def said(events: Sequence[Event]) -> str:
    return "".join(each.text for each in events if isinstance(each, Text))


def flat(batches: Sequence[Sequence[Event]]) -> list[Event]:
    return [event for batch in batches for event in batch]


def masked(text: str) -> str:
    for each in reversed(harmful(text)):
        text = f"{text[: each.begin]}[{HARM}]{text[each.end :]}"
    return text


def in_pieces(text: str, at: Sequence[int], reads: Sequence[int]) -> list[list[Event]]:
    """The answer cut into deltas at `at`; `reads` says after which of them a read of the network ends."""
    ends = sorted({min(each, len(text)) for each in at} | {0, len(text)})
    events: list[Event] = [BEGIN, *(Text(text[a:b]) for a, b in pairwise(ends)), FINISH]
    after = sorted({min(each, len(events)) for each in reads} | {0, len(events)})
    return [events[a:b] for a, b in pairwise(after)]


words = st.sampled_from(["a key", "a key ", "door", " door", ". ", ".", "! ", "?\n", "。", "e.g. ", "Dr. ", "K. "])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(words, max_size=12).map("".join),
    st.lists(st.integers(0, 60), max_size=30),
    st.lists(st.integers(0, 25), max_size=12),
)
def test_a_sentence_is_judged_as_one_however_it_comes(text: str, at: list[int], reads: list[int]) -> None:
    shown = flat(told(judged_by(by_sentence), in_pieces(text, at, reads)))
    assert said(shown) == masked(text)
    assert shown[-1] == FINISH


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 * MOST_CHARS), st.lists(st.integers(0, 3000), max_size=9))
def test_one_that_is_too_long_is_cut_at_the_same_places(before: int, at: list[int]) -> None:
    text = "ab " * (before // 3) + "the key of the door " + "ab " * 500
    assert said(flat(told(judged_by(by_sentence), in_pieces(text, at, range(40))))) == masked(text)


@pytest.mark.parametrize("title", ["Dr", "K", "Mrs", "x"])
def test_a_text_without_blanks_is_cut_the_same_way_however_it_comes(title: str) -> None:
    """What is cut off by its length leaves nothing that says whether the letters before a mark are a title."""
    text = "x" * MOST_CHARS + f"{title}. And the key of the door. So"
    assert [piece for _, piece in sentences(text)] == [
        "x" * MOST_CHARS,
        *([f"{title}. ", "And the key of the door. "] if title == "x" else [f"{title}. And the key of the door. "]),
        "So",
    ]
    for at in range(MOST_CHARS - 3, len(text)):
        shown = told(judged_by(by_sentence), in_pieces(text, [at], range(9)))
        assert said(flat(shown)) == masked(text)


def test_a_title_and_the_name_behind_it_are_judged_together() -> None:
    pieces = ["The key of Mrs. ", "K. A. Hill fits the door. ", "Was it Dr.\n", "Good. "]
    shown = told(judged_by(by_sentence), [[BEGIN], *([Text(each)] for each in pieces), [FINISH]])
    assert [said(each) for each in shown] == ["", "", f"[{HARM}]", *pieces[2:], "", ""]


def test_the_beginning_of_the_next_sentence_is_not_judged_with_the_end_of_the_last() -> None:
    """One read of the network brought the end of one sentence and the half of another."""
    read = [Text("Hello. "), Text("The key ")]
    shown = told(judged_by(by_sentence), [[BEGIN, *read], [Text("of the door. "), Text("Bye.")], [FINISH]])
    assert [said(each) for each in shown] == ["Hello. ", f"[{HARM}]", "Bye.", ""]


def test_an_end_is_seen_where_the_mark_and_the_blank_come_one_after_the_other() -> None:
    pieces = ["The key", ".", "", " The", " door", "."]
    shown = told(judged_by(by_sentence), [[BEGIN], *([Text(each)] for each in pieces), [FINISH]])
    assert [said(each) for each in shown] == ["", "", "", "", "The key. ", "", "", "The door.", ""]


def test_what_a_part_ends_with_does_not_hold_the_next_one_up() -> None:
    thought, answer = Text("A thought", channel="reasoning"), Text("An answer. And")
    shown = told(judged_by(by_sentence), [[BEGIN, thought], [answer], [FINISH]])
    assert [said(each) for each in shown] == ["", "A thoughtAn answer. ", "And", ""]


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_text_that_is_judged_when_it_is_over_is_judged_once(*, is_whole: bool) -> None:
    stream: OnStream = "window" if is_whole else "buffer"
    exchange = exchange_of("x", stream=True)
    batches = [[BEGIN], [Text("The key. ")], [Text("A thought", channel="reasoning")], [Text("The door.")], [FINISH]]
    shown = told(judged_by(by_sentence, stream=stream, is_whole=is_whole), batches, exchange)
    assert [said(each) for each in shown][:4] == [""] * 4
    assert said(flat(shown)) == "The key. A thoughtThe door."
    assert [each.texts for each in exchange.facts if isinstance(each, GuardJudged)] == [2]


def by_source(name: str) -> Ask:
    async def ask(exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        del exchange
        return [[Finding("t.tool", "TOOL", 0, len(each.text))] if each.source == name else [] for each in segments]

    return ask


def call(name: str = "", arguments: str = "", index: int = 0) -> ToolCall:
    return ToolCall(0, index, id="c" if name else "", name=name, arguments=arguments)


def test_the_name_of_a_tool_is_not_shown_before_the_call_is_judged() -> None:
    with pytest.raises(PolicyBlocked) as blocked:
        told(judged_by(by_source("wipe"), action="block"), [[BEGIN], [Text("So. "), call("wipe")], [FINISH]])
    assert said(blocked.value.last) == "So. "
    assert not [each for each in blocked.value.last if isinstance(each, ToolCall)]


def test_calls_that_come_by_turns_are_judged_whole_and_in_order() -> None:
    pieces = [call("ask", "{1", 0), call("wipe", "{2", 1), call("", "1}", 0), call("", "2}", 1)]
    shown = told(judged_by(by_source("wipe")), [[BEGIN], *([each] for each in pieces), [FINISH]])
    assert [len(each) for each in shown[1:5]] == [0] * 4
    calls = [each for each in flat(shown) if isinstance(each, ToolCall)]
    arguments: Callable[[int], str] = lambda index: "".join(each.arguments for each in calls if each.index == index)  # noqa: E731
    assert (arguments(0), arguments(1)) == ("{11}", "[TOOL]")
    assert [each.name for each in calls if each.name] == ["ask", "wipe"]


def test_who_only_observes_sees_the_same_sentences_and_holds_nothing() -> None:
    exchange = exchange_of("x", stream=True)
    batches = [[BEGIN, Text("So. The key ")], [Text("of the door. ")], [FINISH]]
    shown = told(judged_by(by_sentence, stream="observe"), batches, exchange)
    assert shown[:3] == batches
    facts = [each for each in exchange.facts if isinstance(each, GuardJudged)]
    assert [(each.findings, each.texts, each.rule) for each in facts] == [(1, 2, "t.harm")]


def test_log_probabilities_go_with_the_tokens_that_are_shown() -> None:
    entries = [{"token": each} for each in ("Hi", ". ", "The key door", ". ")]
    event = replace(Text("".join(each["token"] for each in entries)), logprobs=entries)
    shown = [each for each in flat(told(judged_by(by_sentence), [[BEGIN, event], [FINISH]])) if isinstance(each, Text)]
    assert [(each.text, each.logprobs) for each in shown] == [(f"Hi. [{HARM}]", entries[:2])]
