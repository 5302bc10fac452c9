"""A unary answer is a folded stream: however the pieces were cut, the whole is the same."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.answer import Answer, TextBlock, ToolCallBlock
from penstock.core.events import Channel, Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.usage import Usage
from penstock.flow.fold import Fold

WORDS = st.text(max_size=12)
CHANNELS: st.SearchStrategy[Channel] = st.sampled_from(["answer", "reasoning", "refusal"])


def fold(events: Sequence[Event]) -> Answer:
    made = Fold()
    for event in events:
        made.feed([event])
    return made.answer()


@settings(deadline=None, max_examples=150)
@given(parts=st.lists(st.tuples(CHANNELS, st.lists(WORDS, min_size=1, max_size=4)), max_size=6))
def test_the_cut_of_the_text_does_not_show(parts: list[tuple[Channel, list[str]]]) -> None:
    pieces = [Text(piece, channel=channel, part=at) for at, (channel, words) in enumerate(parts) for piece in words]
    whole = [Text("".join(words), channel=channel, part=at) for at, (channel, words) in enumerate(parts)]
    assert fold(pieces) == fold(whole)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), calls=st.lists(WORDS, min_size=1, max_size=4))
def test_tool_calls_may_come_interleaved(data: st.DataObject, calls: list[str]) -> None:
    left = {index: list(arguments) for index, arguments in enumerate(calls)}
    events: list[Event] = [ToolCall(0, index, f"id{index}", f"tool{index}") for index in left]
    while any(left.values()):
        index = data.draw(st.sampled_from([index for index, rest in left.items() if rest]))
        events.append(ToolCall(0, index, arguments=left[index].pop(0)))
    [choice] = fold(events).choices
    assert [(call.id, call.arguments) for call in choice.tool_calls()] == [
        (f"id{index}", arguments) for index, arguments in enumerate(calls)
    ]


def test_everything_finds_its_place() -> None:
    usage = Usage(input_tokens=1, output_tokens=2)
    answer = fold(
        [
            Start("a", "m", 5),
            Text("b", choice=1, part=0),
            Text("thinking", channel="reasoning", part=0, signature="s"),
            Notice("openai-chat", "choice", {"x": 1}),
            Text("an", part=1, logprobs=[{"token": "an"}]),
            Text("swer", part=1, logprobs=[{"token": "swer"}]),
            ToolCall(0, 0, "id", "tool", "{}"),
            Finish("tool_calls"),
            Finish("stop", choice=1),
            UsageReport(usage),
        ]
    )
    first, second = answer.choices
    assert answer.start == Start("a", "m", 5)
    assert answer.usage == usage
    assert [type(block) for block in first.blocks] == [TextBlock, Notice, TextBlock, ToolCallBlock]
    assert first.text() == "answer"
    assert first.text("reasoning") == "thinking"
    assert first.blocks[2] == TextBlock("answer", 1, "answer", [{"token": "an"}, {"token": "swer"}])
    assert first.finish == Finish("tool_calls")
    assert second.text() == "b"


def test_a_notice_inside_a_part_does_not_break_it_in_two() -> None:
    answer = fold([Text("a", part=3), Notice("openai-chat", "choice", {}), Text("b", part=3)])
    assert answer.choices[0].text() == "ab"
    assert len([block for block in answer.choices[0].blocks if isinstance(block, TextBlock)]) == 1
