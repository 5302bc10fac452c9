"""What compaction leaves out, and what it never does."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.routing.compaction.conversations import assistant, chat, requests, texts_of, user

from penstock.config.routing.compaction import CompactionSettings, ToolResultSettings
from penstock.core.chat import ChatRequest, Dialect, Message, TextPart, ToolCallPart, ToolResultPart
from penstock.core.json import dumps, loads
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.cohere import CohereUpstream
from penstock.providers.dialect import Endpoint, UpstreamDialect
from penstock.providers.gemini import GeminiUpstream
from penstock.providers.openai_chat.dialect import OpenAIChatUpstream
from penstock.providers.openai_responses.dialect import OpenAIResponses
from penstock.routing.compaction.compactor import Compaction, Compactor
from penstock.watch.tokens import Counter

COUNTER = Counter()
MODEL = "gpt-4o"
DIALECTS: Mapping[Dialect, UpstreamDialect] = {
    "openai-chat": OpenAIChatUpstream(),
    "openai-responses": OpenAIResponses(),
    "anthropic": AnthropicUpstream(),
    "gemini": GeminiUpstream(),
    "bedrock": BedrockUpstream(),
    "cohere": CohereUpstream(),
}
ENDPOINT = Endpoint("custom", "https://upstream.invalid/v1", "key")


def compact(request: ChatRequest, wanted: CompactionSettings) -> Compaction | None:
    return Compactor(COUNTER).compact(request, MODEL, wanted)


def small(share: float = 0.4, **more: object) -> CompactionSettings:
    fields: dict[str, object] = {"keep_share": share, "after_tokens": 1, "encoder_tokens": 0, **more}
    return CompactionSettings(**fields)  # type: ignore[arg-type]  # a short way to write settings


def talk(number: int, about: str = "the weather is fine in spring and the birds sing all day long") -> list[Message]:
    said: list[Message] = []
    for at in range(number):
        said += [user(f"Question {at}: {about}?"), assistant(f"Answer {at}: {about}, number {at}.")]
    return said


def test_what_has_to_do_with_the_question_stays_and_the_rest_goes() -> None:
    answer = assistant("The invoice of Anna Weber is number 4711 and is due on 31 March.")
    filler = talk(20)
    request = chat(
        *filler[:10], user("What of Anna's invoice?"), answer, *filler[10:], user("When is Anna's invoice due?")
    )
    made = compact(request, small(0.3))
    assert made is not None
    assert answer in made.request.messages
    assert made.tokens_after <= 0.3 * made.tokens_before


@settings(max_examples=60, deadline=None)
@given(requests(), st.sampled_from([0.1, 0.3, 0.6, 0.9]))
def test_every_compacted_request_can_be_sent_to_every_provider_that_took_the_whole_one(
    request: ChatRequest, share: float
) -> None:
    made = compact(request, small(share, tool_results=ToolResultSettings(max_tokens=60)))
    if made is None:
        return
    for dialect in DIALECTS.values():
        dialect.encode(request, "model", ENDPOINT, now=0)
        dialect.encode(made.request, "model", ENDPOINT, now=0)


@settings(max_examples=60, deadline=None)
@given(requests(), st.sampled_from([0.1, 0.3, 0.6, 0.9]), st.integers(0, 4))
def test_instructions_the_last_question_and_the_messages_before_it_stay_whole(
    request: ChatRequest, share: float, keep_last: int
) -> None:
    made = compact(request, small(share, keep_last=keep_last, tool_results=ToolResultSettings(max_tokens=None)))
    if made is None:
        return
    kept = list(made.request.messages)
    instructions = [message for message in request.messages if message.role in ("system", "developer")]
    assert [message for message in kept if message.role in ("system", "developer")] == instructions
    last = max(at for at, message in enumerate(request.messages) if message.role == "user")
    tail = request.messages[max(0, last - keep_last) :]
    assert tuple(kept[-len(tail) :]) == tail


@settings(max_examples=60, deadline=None)
@given(requests(), st.sampled_from([0.1, 0.3, 0.6]))
def test_a_call_and_its_result_are_never_parted_and_turns_alternate_as_before(
    request: ChatRequest, share: float
) -> None:
    made = compact(request, small(share))
    if made is None:
        return
    calls: list[str] = []
    results: list[str] = []
    for message in made.request.messages:
        calls += [part.id for part in message.parts if isinstance(part, ToolCallPart)]
        results += [part.call_id for part in message.parts if isinstance(part, ToolResultPart)]
    assert calls == results
    roles = [message.role for message in made.request.messages if message.role not in ("system", "developer")]
    assert roles[0] == "user"
    assert all(message.parts for message in made.request.messages)


@settings(max_examples=40, deadline=None)
@given(requests(), st.sampled_from([0.2, 0.5]))
def test_every_word_that_is_kept_was_said_and_every_part_that_changed_can_be_had_again(
    request: ChatRequest, share: float
) -> None:
    made = compact(request, small(share, tool_results=ToolResultSettings(max_tokens=None)))
    if made is None:
        return
    said = "\n".join(texts_of(request.messages))
    for text in texts_of(made.request.messages):
        without_notice = text.split("left out …]\n")[-1]
        for piece in without_notice.split("[…]"):
            assert piece.strip() in said
    places = {each.id: each.part for each in made.left_out}
    for place, part in places.items():
        at, ordinal = map(int, place.split("."))
        assert request.messages[at].parts[ordinal] == part
    gone = sum(len(message.parts) for message in request.messages) - sum(len(m.parts) for m in made.request.messages)
    assert len(places) >= gone


@pytest.mark.parametrize("tokens", [60, 100, 300, 900])
def test_the_budget_is_kept_by_the_count_of_the_whole_request(tokens: int) -> None:
    request = chat(*talk(40), user("What was the number of answer 7?"))
    made = compact(request, CompactionSettings(budget_tokens=tokens, after_tokens=1, keep_last=0, encoder_tokens=0))
    assert made is not None
    assert COUNTER.count_request(made.request, MODEL) <= tokens * 1.02
    assert abs(COUNTER.count_request(made.request, MODEL) - made.tokens_after) <= 5 + 0.03 * tokens


def test_a_short_prompt_is_left_alone() -> None:
    assert compact(chat(*talk(3), user("And?")), CompactionSettings(keep_share=0.1, encoder_tokens=0)) is None


def test_what_is_said_again_later_goes_once_and_its_last_copy_stays() -> None:
    terms = "You may cancel within fourteen days of the order, by letter or mail, without a reason and free of charge."
    request = chat(
        user("What are the terms?"), assistant(terms), user("Again please."), assistant(terms), user("Thanks")
    )
    made = compact(request, CompactionSettings(after_tokens=1, keep_last=1))
    assert made is not None
    assert made.repeated == 1
    assert texts_of(made.request.messages).count(terms) == 1
    assert made.request.messages[-2] == assistant(terms)


def test_a_text_with_another_number_is_no_repetition() -> None:
    said = "The order with the number {} was sent on Monday by the usual carrier and will be there within three days."
    request = chat(user("?"), assistant(said.format(17)), user("?"), assistant(said.format(71)), user("Thanks"))
    assert compact(request, CompactionSettings(after_tokens=1)) is None


def tool_talk(result: str) -> ChatRequest:
    return chat(
        user("Which orders are late?"),
        Message("assistant", (ToolCallPart("call_1", "orders", "{}"),)),
        Message("tool", (ToolResultPart("call_1", (TextPart(result),)),)),
        assistant("Several."),
        user("What of order 77 of Weber?"),
    )


def test_a_long_list_from_a_tool_stays_json_and_keeps_the_row_that_is_asked_for() -> None:
    rows = [{"order": at, "of": "Weber" if at == 77 else "Meyer", "note": "late " * 5} for at in range(200)]
    made = compact(tool_talk(dumps(rows).decode()), small(1.0, tool_results=ToolResultSettings(max_tokens=200)))
    assert made is not None
    assert made.shortened == 1
    (result,) = made.request.messages[2].parts
    assert isinstance(result, ToolResultPart)
    (text,) = result.parts
    assert isinstance(text, TextPart)
    kept = loads(text.text.encode())
    assert isinstance(kept, list)
    assert {"order": 77, "of": "Weber", "note": "late " * 5} in kept
    assert str(kept[-1]).endswith("of 200 left out]")
    assert COUNTER.count_text(text.text, MODEL) <= 260


def test_the_results_that_the_model_has_yet_to_read_are_left_alone_unless_told_otherwise() -> None:
    request = chat(
        *talk(2),
        user("Which orders are late?"),
        Message("assistant", (ToolCallPart("call_1", "orders", "{}"),)),
        Message("tool", (ToolResultPart("call_1", (TextPart("late " * 5_000),)),)),
    )
    assert compact(request, CompactionSettings(after_tokens=1)) is None
    made = compact(request, CompactionSettings(after_tokens=1, tool_results=ToolResultSettings(current=True)))
    assert made is not None
    assert made.shortened == 1


def test_the_same_conversation_is_cut_the_same_way_every_time() -> None:
    request = chat(*talk(30), user("What was the number of answer 7?"))
    first, second = compact(request, small()), compact(request, small())
    assert first == second


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_result_that_comes_after_another_question_stays_with_its_call(share: float) -> None:
    request = chat(
        *talk(3),
        user("Which orders are late?"),
        Message("assistant", (ToolCallPart("call_1", "orders", "{}"),)),
        user("Still there? The cellar of the castle is dark and full of old wine."),
        Message("user", (ToolResultPart("call_1", (TextPart("Order 77 of Weber is late."),)),)),
        assistant("One."),
        *talk(3, "of quite another matter there is nothing to be told"),
        user("Which castle has wine?"),
    )
    made = compact(request, small(share, keep_last=0))
    assert made is not None
    parts = [part for message in made.request.messages for part in message.parts]
    calls = [part.id for part in parts if isinstance(part, ToolCallPart)]
    results = [part.call_id for part in parts if isinstance(part, ToolResultPart)]
    assert calls == results


def test_the_encoder_reads_no_more_than_it_may_and_of_each_passage_the_longest_pieces() -> None:
    heard: list[str] = []

    def read(read_text: str) -> NDArray[np.float32]:
        heard.append(read_text)
        return np.full(4, 0.5, np.float32)

    request = chat(*talk(60), user("What was the number of answer 7?"))
    compactor = Compactor(COUNTER, read)
    assert compactor.compact(request, MODEL, small(0.3, encoder_tokens=600)) is not None
    asked, passages = heard[-1], heard[:-1]
    assert asked == "number answer 7"
    assert 400 < sum(COUNTER.count_text(each, MODEL) for each in passages) <= 640  # the breaks between pieces count
    assert len(passages) >= 8, "whole passages would be three"
    heard.clear()
    assert compactor.compact(request, MODEL, small(0.3, encoder_tokens=100_000)) is not None
    assert sum(COUNTER.count_text(each, MODEL) for each in heard) > 1_500
    heard.clear()
    assert compactor.compact(chat(*request.messages, *talk(1)), MODEL, small(0.3, encoder_tokens=100_000)) is not None
    assert sum(COUNTER.count_text(each, MODEL) for each in heard) < 250
