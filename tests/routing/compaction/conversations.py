"""Conversations for tests: any order of turns, calls of tools with their results, images and repeated texts."""

from collections.abc import Sequence

from hypothesis import strategies as st

from penstock.core.chat import (
    ChatRequest,
    Dialect,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

_WORDS = ("invoice", "remote", "Berlin", "42", "pays", "not", "the", "budget", "Anna", "2024-01-31", "é", "漢字", "ok.")
WORDY = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=120).map(" ".join)
JSON = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 9), "name": st.sampled_from(_WORDS), "note": WORDY}),
    min_size=1,
    max_size=40,
).map(lambda rows: str(rows).replace("'", '"'))


def text(said: str) -> TextPart:
    return TextPart(said)


@st.composite
def turns(draw: st.DrawFn) -> list[Message]:
    """A user's turn and what follows it: an answer, or calls of tools with their results and then an answer."""
    parts: list[Part] = [text(draw(WORDY))]
    if draw(st.integers(0, 5)) == 0:
        parts.append(ImagePart(data="aGk=", media_type="image/png"))
    messages = [Message("user", tuple(parts))]
    number = draw(st.integers(0, 2))
    if number:
        ids = [f"call_{draw(st.integers(0, 10**9))}" for _ in range(number)]
        said: list[Part] = [text(draw(WORDY))] if draw(st.booleans()) else []
        calls = [ToolCallPart(each, "look_up", '{"of": "invoice 42"}') for each in ids]
        messages.append(Message("assistant", (*said, *calls)))
        messages.extend(
            Message("tool", (ToolResultPart(each, (text(draw(JSON if draw(st.booleans()) else WORDY)),)),))
            for each in ids
        )
    if draw(st.integers(0, 9)):
        thought: list[Part] = [ReasoningPart("hm")] if draw(st.integers(0, 4)) == 0 else []
        messages.append(Message("assistant", (*thought, text(draw(WORDY)))))
    return messages


@st.composite
def requests(draw: st.DrawFn, dialect: Dialect = "openai-chat") -> ChatRequest:
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message("system", (text(draw(WORDY)),)))
    for each in draw(st.lists(turns(), min_size=1, max_size=8)):
        messages += each
        if draw(st.integers(0, 9)) == 0:
            messages.append(Message("developer", (text(draw(WORDY)),)))
    messages += draw(turns()) if draw(st.integers(0, 3)) == 0 else [Message("user", (text(draw(WORDY)),))]
    return ChatRequest(dialect=dialect, model="m", messages=tuple(messages))


def chat(*messages: Message) -> ChatRequest:
    return ChatRequest(dialect="openai-chat", model="m", messages=messages)


def user(said: str) -> Message:
    return Message("user", (text(said),))


def assistant(said: str) -> Message:
    return Message("assistant", (text(said),))


def texts_of(messages: Sequence[Message]) -> list[str]:
    return [part.text for message in messages for part in message.parts if isinstance(part, TextPart)]
