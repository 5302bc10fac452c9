from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.patterns.streams import WINDOW, cut

from penstock.core.answer import Answer, TextBlock
from penstock.core.errors import PolicyBlocked, UpstreamProtocolError
from penstock.core.events import Channel, Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonValue, dumps, loads
from penstock.core.usage import Usage
from penstock.flow.fold import Fold
from penstock.guard.lanes import Lanes, Mode
from penstock.guard.patterns.window import Found

PLANTED = (
    "john.doe@example.com",
    "4111-1111-1111-1111",
    "sk-A1b2C3d4E5f6G7h8",
    "+49 30/1234 567",
    "AKIAABCDEFGHIJKLMNOP",
)
PLAIN = ("The quick", " fox ", "jumps. ", "\n", " über ", "a ", "42 ", "😀 ", "e.g. ", "x@ ", "user-name ")
USAGE = UsageReport(Usage(input_tokens=1, output_tokens=1))


def mask(found: Found, _: str) -> str | None:
    return f"<{found.findings[0].kind}>"


def through(events: Sequence[Event], lanes: Lanes | None = None) -> list[Event]:
    lanes = lanes or Lanes(WINDOW, mask)
    out = [out for event in events for out in lanes.feed([event])]
    return [*out, *lanes.finish()]


def folded(events: Sequence[Event]) -> Answer:
    fold = Fold()
    fold.feed(events)
    return fold.answer()


def said(events: Sequence[Event]) -> str:
    """All that a client could read, of any lane."""
    return "".join(
        e.text if isinstance(e, Text) else e.arguments if isinstance(e, ToolCall) else "\x00" for e in events
    )


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A text with planted values, and the same with them masked."""
    plain: list[str] = []
    masked: list[str] = []
    for _ in range(draw(st.integers(0, 4))):
        before = draw(st.sampled_from(PLAIN))
        plain.append(before)
        masked.append(before)
        if draw(st.booleans()):
            value = draw(st.sampled_from(PLANTED))
            after = draw(st.sampled_from((", ", ";\n", " (")))
            plain += (" ", value, after)
            kind = {"j": "EMAIL", "4": "CARD", "+": "PHONE"}.get(value[0], "KEY")
            masked += (" ", f"<{kind}>", after)
    return "".join(plain), "".join(masked)


@st.composite
def choices(draw: st.DrawFn, index: int) -> tuple[list[Event], dict[tuple[str, int], str]]:
    """The events of one choice, and what is to be left of each of its texts."""
    events: list[Event] = []
    left: dict[tuple[str, int], str] = {}
    channel: Channel
    for part, channel in enumerate(draw(st.lists(st.sampled_from(("answer", "reasoning", "refusal")), max_size=3))):
        plain, masked = draw(texts())
        for piece in cut(plain, draw(st.lists(st.integers(0, len(plain)), max_size=9))):
            events.append(Text(piece, index, channel, part))
            if draw(st.booleans()):
                events.append(Notice("anthropic", "citation", part, index, part))
        left[channel, part] = masked
    for call in range(draw(st.integers(0, 2))):
        plain, masked = draw(texts())
        count = draw(st.integers(0, 10**6))
        sent = dumps({"to": [plain, count], plain: None}).decode()
        if draw(st.booleans()):
            sent = sent.replace("@", "\\u0040").replace("o", "\\u006f").replace("/", "\\/")
        pieces = cut(sent, draw(st.lists(st.integers(0, len(sent)), max_size=9)))
        events.append(ToolCall(index, call, f"id{call}", f"tool{call}", pieces[0]))
        events += [ToolCall(index, call, arguments=piece) for piece in pieces[1:]]
        left["tools", call] = dumps({"to": [masked, count], masked: None}).decode()
    events.append(Finish("stop", index))
    return events, left


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Event], dict[tuple[int, str, int], str]]:
    """An answer of several choices, whose events come by turns."""
    waiting: list[list[Event]] = []
    left: dict[tuple[int, str, int], str] = {}
    for index in range(draw(st.integers(1, 3))):
        events, masked = draw(choices(index))
        waiting.append(events)
        left |= {(index, *key): text for key, text in masked.items()}
    mixed: list[Event] = [Start("a", "m")]
    while any(waiting):
        mixed.append(draw(st.sampled_from([each for each in waiting if each])).pop(0))
    return [*mixed, USAGE], left


def of_lanes(events: Sequence[Event]) -> dict[tuple[int, str, int], str]:
    return {
        (choice.index, block.channel, block.part)
        if isinstance(block, TextBlock)
        else (choice.index, "tools", block.index): block.text if isinstance(block, TextBlock) else block.arguments
        for choice in folded(events).choices
        for block in choice.blocks
        if not isinstance(block, Notice | Citation)
    }


def same(first: dict[tuple[int, str, int], str], second: dict[tuple[int, str, int], str]) -> None:
    for key in {*first, *second}:
        one, two = first.get(key, ""), second.get(key, "")
        if key[1] == "tools":
            assert loads(one) == loads(two), key
        else:
            assert one == two, key


@settings(max_examples=80, deadline=None)
@given(answers(), st.sampled_from(("window", "buffer")))
def test_of_every_lane_the_planted_is_masked_and_nothing_else(
    case: tuple[list[Event], dict[tuple[int, str, int], str]], mode: Mode
) -> None:
    events, left = case
    out = through(events, Lanes(WINDOW, mask, mode=mode))
    same(of_lanes(out), left)
    for index in {key[0] for key in left}:
        of_choice = said([e for e in out if isinstance(e, Text | ToolCall) and e.choice == index])
        assert not any(value in of_choice for value in PLANTED)
    assert isinstance(out[-1], UsageReport)


@settings(max_examples=60, deadline=None)
@given(answers())
def test_what_is_said_so_far_never_holds_part_of_a_match(
    case: tuple[list[Event], dict[tuple[int, str, int], str]],
) -> None:
    events, left = case
    lanes = Lanes(WINDOW, mask)
    out: list[Event] = []
    for event in events:
        out += lanes.feed([event])
        for key, text in of_lanes(out).items():
            if key[1] != "tools":
                assert left[key].startswith(text), key


@settings(max_examples=60, deadline=None)
@given(answers())
def test_order_within_a_choice_stays(case: tuple[list[Event], dict[tuple[int, str, int], str]]) -> None:
    events, _ = case
    out = through(events)

    def order(events: Sequence[Event], index: int) -> list[tuple[object, ...]]:
        keys = [_key(event) for event in events if getattr(event, "choice", index) == index and _is_seen(event)]
        return [key for at, key in enumerate(keys) if at == 0 or key != keys[at - 1] or key[0] == "notice"]

    for index in range(3):
        found, sent = order(out, index), order(events, index)
        # A text all of which went into a mask that stands before it leaves no event of its own.
        rest = iter(sent)
        assert all(each in rest for each in found)
        assert [each for each in found if each[0] in {"notice", "finish"}] == [
            each for each in sent if each[0] in {"notice", "finish"}
        ]


def _is_seen(event: Event) -> bool:
    return not isinstance(event, Text) or bool(event.text)


def _key(event: Event) -> tuple[object, ...]:
    match event:
        case Text():
            return ("text", event.channel, event.part)
        case ToolCall():
            return ("tool", event.index)
        case Notice():
            return ("notice", event.part)
        case _:
            return (type(event).__name__.lower(),)


@settings(max_examples=50, deadline=None)
@given(answers())
def test_observed_answers_pass_untouched_and_everything_is_told(
    case: tuple[list[Event], dict[tuple[int, str, int], str]],
) -> None:
    events, left = case
    told: list[str] = []

    def tell(found: Found, _: str) -> str | None:
        told.append(found.text)
        return "ignored"

    lanes = Lanes(WINDOW, tell, mode="observe")
    for event in events:
        assert lanes.feed([event]) == [event]
    assert lanes.finish() == ()
    assert len(told) == sum(text.count("<") for text in left.values())


def test_an_event_in_which_nothing_is_found_is_passed_as_it_is() -> None:
    events = [Text("Some words, "), Text("and more.", signature="s"), Text("", signature="t"), ToolCall(0, 0, "i", "n")]
    lanes = Lanes(WINDOW, mask)
    assert all(lanes.feed([event])[-1] is event for event in events[::3])


def test_a_tool_is_announced_before_its_arguments_are_known() -> None:
    lanes = Lanes(WINDOW, mask)
    assert lanes.feed([ToolCall(0, 0, "id", "mail", "john", signature="s")]) == [
        ToolCall(0, 0, "id", "mail", "", signature="s")
    ]
    assert lanes.finish() == [ToolCall(0, 0, arguments="john")]


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        ('{"to": "john.doe\\u0040example.com"}', '{"to": "<EMAIL>"}'),
        ('{"to": "john.doe@example.com", "n": 4111111111111111}', '{"to": "<EMAIL>", "n": "<CARD>"}'),
        ('{"body": "{\\"to\\": \\"john.doe\\\\u0040example.com\\"}"}', '{"body": "{\\"to\\": \\"<EMAIL>\\"}"}'),
        ('{"sk-A1b2C3d4E5f6G7h8": 1}', '{"<KEY>": 1}'),
    ],
)
def test_escapes_hide_nothing_in_arguments(arguments: str, masked: str) -> None:
    for pieces in ([arguments], list(arguments)):
        out = through([ToolCall(0, 0, arguments=piece) for piece in pieces])
        assert said(out) == masked


def test_arguments_that_are_no_json_by_their_kind_are_read_as_text() -> None:
    out = through([ToolCall(0, 0, "i", "n", "to john.doe\\u0040example.com and a@example.com", kind="custom")])
    assert said(out) == "to john.doe\\u0040example.com and <EMAIL>"
    assert all(isinstance(each, ToolCall) and each.kind == "custom" for each in out)


def test_an_answer_that_is_to_be_json_is_read_without_escapes() -> None:
    events = [Text('{"to": "john.doe\\u0040'), Text('example.com"}')]
    assert said(through(events, Lanes(WINDOW, mask, is_json=True))) == '{"to": "<EMAIL>"}'
    assert said(through(events)) == '{"to": "john.doe\\u0040example.com"}'


def test_text_before_a_tool_call_is_let_go_when_the_call_begins() -> None:
    lanes = Lanes(WINDOW, mask)
    assert said(lanes.feed([Text("I look it up")])) == "I look it "
    assert lanes.feed([ToolCall(0, 0, "id", "find")]) == [Text("up"), ToolCall(0, 0, "id", "find")]


def test_a_tool_that_the_provider_runs_ends_the_text_before_it() -> None:
    lanes = Lanes(WINDOW, mask)
    lanes.feed([Text("let me see")])
    notice = Notice("anthropic", "block", {}, part=1, is_content=True)
    assert lanes.feed([notice]) == [Text("see"), notice]


def test_going_back_to_a_part_of_which_something_was_held_is_the_provider_s_fault() -> None:
    lanes = Lanes(WINDOW, mask)
    lanes.feed([Text("write to john"), Text("hm", channel="reasoning", part=1)])
    with pytest.raises(UpstreamProtocolError):
        lanes.feed([Text("@example.com")])


def test_going_back_to_a_part_that_held_nothing_is_no_matter() -> None:
    lanes = Lanes(WINDOW, mask)
    lanes.feed([Text("write to: "), Text("hm, ", channel="reasoning", part=1)])
    assert said([*lanes.feed([Text("john@example.com ")]), *lanes.finish()]) == "<EMAIL> "


def test_pieces_of_two_calls_may_come_by_turns() -> None:
    pieces = zip(
        cut('{"a": "john@example.com"}', range(0, 24, 3)),
        cut('{"b": "AKIAABCDEFGHIJKLMNOP"}', range(0, 30, 4)),
        strict=False,
    )
    events = [ToolCall(0, index, arguments=each) for pair in pieces for index, each in enumerate(pair)]
    blocks = of_lanes(through(events))
    assert blocks == {(0, "tools", 0): '{"a": "<EMAIL>"}', (0, "tools", 1): '{"b": "<KEY>"}'}


def test_choices_do_not_wait_for_each_other() -> None:
    lanes = Lanes(WINDOW, mask)
    assert said(lanes.feed([Text("john"), Text("some words ", 1)])) == "some words "


def test_a_finish_waits_for_its_own_choice() -> None:
    lanes = Lanes(WINDOW, mask)
    lanes.feed([Text("john"), Text("ann", 1)])
    assert lanes.feed([Finish("stop", 1)]) == [Text("ann", 1), Finish("stop", 1)]
    assert lanes.feed([USAGE]) == [Text("john"), USAGE]


def test_a_notice_waits_behind_the_text_before_it() -> None:
    lanes = Lanes(WINDOW, mask)
    notice = Notice("openai-responses", "item_done", {})
    assert lanes.feed([Text("by john"), notice]) == [Text("by ")]
    assert lanes.feed([Text(" and")]) == [Text("john"), notice, Text(" ")]


def test_what_blocks_ends_the_answer_before_any_of_it_is_seen() -> None:
    def block(_: Found, place: str) -> str | None:
        raise PolicyBlocked(f"Not this: {place}")

    lanes = Lanes(WINDOW, block)
    out = list(lanes.feed([Text("the key is sk-A1b2C3d4")]))
    with pytest.raises(PolicyBlocked, match=r"choices\.0\.answer"):
        lanes.feed([Text("E5f6G7h8 ok")])
    assert said(out) == "the key is "


def leave(_: Found, __: str) -> str | None:
    return None


def test_what_the_judge_leaves_goes_on_as_it_is() -> None:
    events = [ToolCall(0, 0, "i", "n", '{"to": "john.doe\\u0040example.com"}'), Text("to a@example.com now")]
    assert said(through(events, Lanes(WINDOW, leave))) == '{"to": "john.doe\\u0040example.com"}to a@example.com now'


def test_buffered_nothing_goes_on_before_its_choice_ends() -> None:
    lanes = Lanes(WINDOW, mask, mode="buffer")
    start, call = Start("a", "m"), ToolCall(0, 0, "i", "n", "{}")
    assert lanes.feed([start, Text("all "), Text("is well", part=1), call]) == [start]
    assert lanes.feed([Finish("stop")]) == [Text("all "), Text("is well", part=1), call, Finish("stop")]


def tokens(*texts: str) -> list[JsonValue]:
    return [{"token": text, "logprob": -0.1, "bytes": list(text.encode())} for text in texts]


def logprobs(events: Sequence[Event]) -> list[str]:
    entries = [entry for e in events if isinstance(e, Text) and isinstance(e.logprobs, list) for entry in e.logprobs]
    return [str(entry["token"]) for entry in entries if isinstance(entry, dict)]


def test_log_probabilities_stay_with_what_is_shown_of_their_text() -> None:
    parts = ("Ask", " john", "@ex", "ample", ".com", " now", "é", "!")
    one = [Text("".join(parts), logprobs=tokens(*parts))]
    many = [Text(part, logprobs=tokens(part)) for part in parts]
    for events in (one, many):
        out = through(events)
        assert said(out) == "Ask <EMAIL> nowé!"
        assert logprobs(out) == ["Ask", " now", "é", "!"]


def test_log_probabilities_of_plain_text_stay_all_and_in_order() -> None:
    parts = ("Some", " plain", " words", "\u200b", " 😀")
    events = [Text(part, logprobs=tokens(part)) for part in parts]
    assert logprobs(through(events)) == list(parts)
    assert through(events) == events


def test_log_probabilities_that_do_not_spell_their_text_are_left_out() -> None:
    out = through([Text("by john@example.com "), Text("", logprobs=tokens("john", "@example.com"))])
    assert logprobs(out) == []


def test_half_a_character_s_token_is_hidden_with_it() -> None:
    entries: list[JsonValue] = [{"token": "?", "bytes": list(half)} for half in ("é".encode()[:1], "é".encode()[1:])]
    out = through([Text("é x", logprobs=[*entries, *tokens(" x")])])
    assert said(out) == "é x"
    assert len(logprobs(out)) == 3


def test_the_signature_of_reasoning_stays() -> None:
    events = [Text("think john", channel="reasoning"), Text("", channel="reasoning", signature="sig")]
    assert through(events)[-1] == Text("", channel="reasoning", signature="sig")


@pytest.mark.parametrize("planted", PLANTED)
def test_a_value_cut_anywhere_is_masked_in_every_kind_of_lane(planted: str) -> None:
    makers: tuple[Callable[[str], Event], ...] = (
        lambda piece: Text(piece, 1, "reasoning", 2),
        lambda piece: Text(piece, channel="refusal"),
        lambda piece: ToolCall(0, 3, arguments=f'"{piece}' if piece.startswith("is ") else f'{piece}"'),
        lambda piece: ToolCall(2, 0, arguments=piece, kind="custom"),
    )
    for make in makers:
        for at in range(len(planted) + 1):
            out = said(through([make(f"is {planted[:at]}"), make(f"{planted[at:]} ok")]))
            assert out.strip('"').startswith("is <")
            assert out.strip('"').endswith("> ok")
