"""Cohere's v2 API: recorded and made-up answers, and what reaches it, whoever asks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    Dialect,
    EmbeddingRequest,
    ImagePart,
    Message,
    Reasoning,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from penstock.core.errors import (
    ContextTooLong,
    PenstockError,
    UnsupportedField,
    UpstreamAuthFailed,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.json import JsonObject, dumps
from penstock.providers.cohere import CohereUpstream
from penstock.providers.dialect import Endpoint

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cohere"
ENDPOINT = Endpoint("cohere", "https://api.cohere.com", "co-1")
HELLO = Message("user", (TextPart("hello"),))
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}


def chat(*messages: Message, dialect: Dialect = "openai-chat", **fields: Any) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="asked", messages=messages or (HELLO,), **fields)


def decode(pieces: Sequence[bytes], *, stream: bool) -> list[Event]:
    decoder = CohereUpstream().decoder(chat(stream=stream), ENDPOINT)
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    assert decoder.is_complete is stream
    events += decoder.finish()
    assert decoder.is_complete
    return events


def recorded(name: str) -> list[Event]:
    return decode([(FIXTURES / name).read_bytes()], stream=name.endswith(".sse"))


def text(events: Sequence[Event], channel: str = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.channel == channel)


def calls(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    joined: dict[int, tuple[str, str, str]] = {}
    for e in events:
        if isinstance(e, ToolCall):
            call_id, name, arguments = joined.get(e.index, ("", "", ""))
            joined[e.index] = (call_id + e.id, name + e.name, arguments + e.arguments)
    return list(joined.values())


def finish(events: Sequence[Event]) -> Finish:
    (only,) = [e for e in events if isinstance(e, Finish)]
    return only


def counts(events: Sequence[Event]) -> tuple[int, int]:
    (only,) = [e.usage for e in events if isinstance(e, UsageReport)]
    return only.input_tokens, only.output_tokens


def test_a_recorded_stream_is_read() -> None:
    events = recorded("stream_text.sse")
    assert events[0] == Start("6cd6ce61-bb3b-46f6-907e-fcfab45e51b6", "asked")
    assert text(events).endswith("-themed humor!")
    assert finish(events) == Finish("stop", 0, "COMPLETE")
    assert counts(events) == (7, 109)  # what is billed, not the 69 and 110 tokens that were processed


def test_recorded_calls_of_a_stream_come_with_the_plan_that_led_to_them() -> None:
    events = recorded("stream_tool_calls.sse")
    assert text(events, "reasoning") == "I will search for the current time and weather in Tokyo."
    first, second = calls(events)
    assert first == ("get_time_dg5wwc00d8v5", "get_time", '{\n    "location": "Tokyo"\n}')
    assert second[1] == "get_weather"
    assert finish(events).reason == "tool_calls"


def test_recorded_unary_answers_are_read() -> None:
    events = recorded("unary_tool_calls.json")
    assert [name for _, name, _ in calls(events)] == ["get_time", "get_weather"]
    assert text(events, "reasoning").startswith("I will search")
    cited = recorded("unary_citations.json")
    assert text(cited).startswith("The current time in Tokyo is 4:20 PM")
    assert [e.kind for e in cited if isinstance(e, Notice)] == ["citation", "citation"]
    assert counts(cited) == (94, 27)


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("[su]*_*")))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_how_the_bytes_are_cut_changes_nothing(name: str, data: st.DataObject) -> None:
    body = (FIXTURES / name).read_bytes()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=40)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    whole, cut = recorded(name), decode(pieces, stream=name.endswith(".sse"))
    assert cut == whole


def sse(*events: JsonObject) -> bytes:
    return b"".join(b"event: x\ndata: " + dumps(event) + b"\n\n" for event in events)


def piece(kind: str, index: int = 0, **message: Any) -> JsonObject:
    return {"type": kind, "index": index, "delta": {"message": message}}


START: JsonObject = {"type": "message-start", "id": "i", "delta": {"message": {"content": [], "tool_calls": []}}}
END: JsonObject = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {}}}}


def test_thinking_and_citations_of_a_stream_find_their_part() -> None:
    events = decode(
        [
            sse(
                START,
                piece("content-start", content={"type": "thinking", "thinking": ""}),
                piece("content-delta", content={"thinking": "hm"}),
                piece("content-end"),
                piece("content-start", 1, content={"type": "text", "text": ""}),
                {**piece("content-delta", 1, content={"text": "a"}), "logprobs": {"text": "a", "logprobs": [-1, -2]}},
                piece("citation-start", 1, citations={"start": 0}),
                piece("citation-end", 1),
                piece("something-new"),
                END,
            )
            + b"data: [DONE]\n\n"
        ],
        stream=True,
    )
    entry: JsonObject = {"token": "a", "logprob": -3.0, "bytes": [97], "top_logprobs": []}
    assert [e for e in events if isinstance(e, Text)] == [
        Text("hm", 0, "reasoning", 0),
        Text("a", part=1, logprobs=[entry]),
    ]
    assert [e for e in events if isinstance(e, Notice)] == [Notice("cohere", "citation", {"start": 0}, 0, 1)]
    assert not [e for e in events if isinstance(e, UsageReport)]  # it counted nothing: unknown is not zero


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR", "error"),
        ("TIMEOUT", "error"),
        ("SOMETHING_NEW", "error"),
    ],
)
def test_every_finish_reason_has_a_meaning(native: str, reason: str) -> None:
    body = dumps({"id": "i", "message": {"role": "assistant", "content": []}, "finish_reason": native})
    assert (finish(decode([body], stream=False)).reason, finish(decode([body], stream=False)).native) == (
        reason,
        native,
    )


def test_tokens_are_counted_where_nothing_is_billed_by_them() -> None:
    usage = {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 5.0, "output_tokens": 6.0}}
    body = dumps({"id": "i", "message": {}, "finish_reason": "COMPLETE", "usage": usage})
    assert counts(decode([body], stream=False)) == (5, 6)


@pytest.mark.parametrize(
    ("body", "stream"),
    [
        (b"", False),
        (b"{}", False),
        (b'{"message": {}}', False),
        (b'{"message": {"content": [{"text": "\xff"}]}, "finish_reason": "COMPLETE"}', False),
        (b"", True),
        (sse(START, piece("content-delta", content={"text": "a"})), True),
        (sse(START) + b"data: [DONE]\n\n", True),
        (sse(START, {"type": "message-end", "delta": {}}), True),
        (b"data: nonsense\n\n", True),
    ],
)
def test_an_answer_that_is_cut_or_unreadable_is_an_error(body: bytes, *, stream: bool) -> None:
    decoder = CohereUpstream().decoder(chat(stream=stream), ENDPOINT)
    with pytest.raises(UpstreamProtocolError):
        _ = (decoder.feed(body), decoder.finish())  # either may find out


def test_an_error_at_the_end_of_a_stream_is_an_error() -> None:
    decoder = CohereUpstream().decoder(chat(stream=True), ENDPOINT)
    with pytest.raises(UpstreamUnavailable):
        decoder.feed(sse(START, {"type": "message-end", "delta": {"error": "overloaded", "finish_reason": "ERROR"}}))


def body(request: ChatRequest | EmbeddingRequest) -> dict[str, Any]:
    return msgspec.json.decode(CohereUpstream().encode(request, "command-a", ENDPOINT, now=1.0).body)


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic"])
def test_any_client_reaches_the_chat(dialect: Dialect) -> None:
    call = CohereUpstream().encode(chat(dialect=dialect), "command-a", ENDPOINT, now=1.0)
    assert call.url == "https://api.cohere.com/v2/chat"
    assert ("authorization", "Bearer co-1") in call.headers
    assert call.body == b'{"model":"command-a","messages":[{"role":"user","content":"hello"}]}'


def test_a_tool_conversation_is_written_in_coheres_words() -> None:
    request = chat(
        Message("developer", (TextPart("rules"),)),
        Message("user", (TextPart("see"), ImagePart(data="QQ==", media_type="image/png"))),
        Message("assistant", (ReasoningPart("plan"), ReasoningPart("x", "anthropic:s"), ToolCallPart("c1", "f", "{}"))),
        Message("user", (TextPart("well"), ToolResultPart("c1", (TextPart("42"),)))),
    )
    assert body(request)["messages"] == [
        {"role": "system", "content": "rules"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "plan",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "user", "content": "well"},
    ]


def test_every_setting_has_its_place() -> None:
    request = chat(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        max_tokens=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=3,
        stop=("a",),
        logprobs=True,
        response_format=ResponseFormat("json_schema", "n", SCHEMA),
        reasoning=Reasoning(budget_tokens=100),
        tools=(Tool("f", "does", SCHEMA, strict=True), Tool("g")),
        tool_choice=ToolChoice("named", "f"),
    )
    written = body(request)
    del written["messages"]
    function = {"name": "f", "description": "does", "parameters": SCHEMA}
    assert written == {
        "model": "command-a",
        "stream": True,
        "temperature": 0.5,
        "p": 0.9,
        "k": 5,
        "max_tokens": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "seed": 3,
        "stop_sequences": ["a"],
        "logprobs": True,
        "response_format": {"type": "json_object", "json_schema": SCHEMA},
        "thinking": {"type": "enabled", "token_budget": 100},
        "tools": [{"type": "function", "function": function}],
        "strict_tools": True,
        "tool_choice": "REQUIRED",
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"choices": 2}, "n"),
        ({"top_logprobs": 3, "logprobs": True}, "top_logprobs"),
        ({"parallel_tool_calls": False, "tools": (Tool("a"),)}, "parallel_tool_calls"),
        ({"extras": {"logit_bias": {"1": 2}}}, "logit_bias"),
        ({"reasoning": Reasoning("low")}, "reasoning_effort"),
        ({"tools": (Tool("a", kind="custom"),)}, "tools[0]"),
    ],
)
def test_what_cohere_cannot_do_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        body(chat(**fields))
    assert caught.value.field == field


def test_a_part_that_cohere_cannot_read_is_named() -> None:
    with pytest.raises(UnsupportedField) as caught:
        body(chat(Message("user", (TextPart("a"), AudioPart("QQ==", "wav")))))
    assert caught.value.field == "messages[0].content[1]"


def test_what_is_left_out_is_said() -> None:
    request = chat(user="u", metadata={"a": "b"}, extras={"store": True})
    assert set(CohereUpstream().advisory(request, ENDPOINT)) == {"store", "user", "metadata"}


def test_embeddings_are_asked_for_and_read() -> None:
    request = EmbeddingRequest(
        dialect="openai-chat", model="e", inputs=("a", "b"), dimensions=256, extras={"input_type": "search_query"}
    )
    assert body(request) == {
        "model": "command-a",
        "texts": ["a", "b"],
        "input_type": "search_query",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    decoder = CohereUpstream().decoder(request, ENDPOINT)
    decoder.feed(
        b'{"id": "i", "embeddings": {"float": [[1, 2], [3, 4]]}, "meta": {"billed_units": {"input_tokens": 4}}}'
    )
    events = decoder.finish()
    assert [e.values for e in events if isinstance(e, Vector)] == [[1.0, 2.0], [3.0, 4.0]]
    assert counts(events) == (4, 0)


def test_an_embedding_for_each_input_or_an_error() -> None:
    decoder = CohereUpstream().decoder(EmbeddingRequest(dialect="openai-chat", model="e", inputs=("a", "b")), ENDPOINT)
    decoder.feed(b'{"embeddings": {"float": [[1]]}}')
    with pytest.raises(UpstreamProtocolError):
        decoder.finish()


@pytest.mark.parametrize(
    ("status", "message", "kind", "retry"),
    [
        (400, "invalid request", UpstreamRefused, "never"),
        (400, "too many tokens: size limit exceeded by 9 tokens", ContextTooLong, "other"),
        (401, "invalid api token", UpstreamAuthFailed, "other"),
        (403, "no", UpstreamAuthFailed, "other"),
        (404, "model 'x' not found", UpstreamRefused, "other"),
        (422, "bad", UpstreamRefused, "never"),
        (429, "slow", UpstreamThrottled, "same"),
        (429, "Trial key, limited to 1000 API calls / month", UpstreamThrottled, "other"),
        (498, "revoked", UpstreamAuthFailed, "other"),
        (499, "closed", UpstreamUnavailable, "same"),
        (500, "oops", UpstreamUnavailable, "same"),
        (503, "busy", UpstreamUnavailable, "same"),
        (504, "slow", UpstreamTimeout, "other"),
        (302, "", UpstreamProtocolError, "same"),
    ],
)
def test_every_error_of_cohere_has_its_meaning(
    status: int, message: str, kind: type[PenstockError], retry: str
) -> None:
    error = CohereUpstream().error(status, {"retry-after": "3"}, dumps({"message": message}))
    assert type(error) is kind
    assert error.retry == retry
    assert CohereUpstream().error(status, {}, b"<html>").status >= 400
