"""Requests of other dialects become what the Messages API takes, or an error that names the caller's field."""

from typing import Any

import pytest

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    Dialect,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    Reasoning,
    ReasoningPart,
    RefusalPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from penstock.core.errors import MalformedRequest, UnsupportedField
from penstock.core.json import JsonObject, loads
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.dialect import Endpoint

UPSTREAM = AnthropicUpstream()
ENDPOINT = Endpoint("anthropic", "https://api.anthropic.com", "key")
HI = (Message("user", (TextPart("hi"),)),)
ADD = Tool("add", "adds", {"type": "object", "properties": {}})


def request(messages: tuple[Message, ...] = HI, dialect: Dialect = "openai-chat", **fields: Any) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="asked", messages=messages, **fields)


def encode(asked: ChatRequest, model: str = "claude-sonnet-4-5") -> Any:
    return loads(UPSTREAM.encode(asked, model, ENDPOINT, now=0).body)


def content(*parts: Part) -> Any:
    return encode(request((Message("user", parts),)))["messages"][0]["content"]


def test_a_call_goes_where_the_vendor_says_with_its_key() -> None:
    call = UPSTREAM.encode(request(), "m", ENDPOINT, now=0)
    assert (call.method, call.url) == ("POST", "https://api.anthropic.com/v1/messages")
    assert dict(call.headers) == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": "key",
    }


def test_a_vendor_may_have_its_own_path_headers_and_way_to_sign_in() -> None:
    endpoint = Endpoint(
        "v",
        "https://v.example/anthropic/v1",
        "token",
        headers=(("x-extra", "1"),),
        options={"auth": "bearer", "anthropic_version": "2024-01-01", "anthropic_beta": "c"},
    )
    asked = request(dialect="anthropic", extras={"anthropic-beta": "a,b"})
    call = UPSTREAM.encode(asked, "m", endpoint, now=0)
    assert call.url == "https://v.example/anthropic/v1/messages"
    assert dict(call.headers) == {
        "content-type": "application/json",
        "anthropic-version": "2024-01-01",
        "anthropic-beta": "a,b,c",
        "authorization": "Bearer token",
        "x-extra": "1",
    }


def test_a_key_is_not_printed() -> None:
    assert "key" not in repr(UPSTREAM.encode(request(), "m", ENDPOINT, now=0))


def test_system_messages_move_to_the_front_wherever_they_stand() -> None:
    messages = (
        Message("system", (TextPart("a"),)),
        Message("user", (TextPart("hi"),)),
        Message("developer", (TextPart("b"),)),
        Message("user", (TextPart("there"),)),
    )
    body = encode(request(messages))
    assert body["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "there"}]}
    ]


def test_tool_results_become_one_user_turn_and_come_first_in_it() -> None:
    messages = (
        Message("user", (TextPart("add"),)),
        Message("assistant", (TextPart(""), ToolCallPart("c:1", "add", '{"a": 1}'), ToolCallPart("c2", "add", ""))),
        Message("tool", (ToolResultPart("c:1", (TextPart("2"),)),)),
        Message("tool", (ToolResultPart("c2", (TextPart("3"), TextPart("!")), is_error=True),)),
        Message("user", (TextPart("so?"),)),
    )
    assert encode(request(messages))["messages"] == [
        {"role": "user", "content": "add"},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c_1", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "add", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c_1", "content": "2"},
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [{"type": "text", "text": "3"}, {"type": "text", "text": "!"}],
                    "is_error": True,
                },
                {"type": "text", "text": "so?"},
            ],
        },
    ]


def test_a_user_turn_with_results_behind_its_text_is_put_in_order() -> None:
    messages = (Message("user", (TextPart("see"), ToolResultPart("c", (TextPart("2"),)))),)
    assert [block["type"] for block in encode(request(messages))["messages"][0]["content"]] == ["tool_result", "text"]


def test_media_have_their_blocks() -> None:
    assert content(
        ImagePart(data="QUJD", media_type="image/png"),
        ImagePart(url="https://x/y.png", detail="high"),
        FilePart(data="QUJD", media_type="application/pdf", filename="a.pdf"),
        FilePart(data="QUJD", media_type="text/csv"),
        FilePart(url="https://x/y.pdf"),
        FilePart(text="abc"),
        RefusalPart("no"),
    ) == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ABC"}},
        {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}},
        {"type": "text", "text": "no"},
    ]


def test_a_mark_for_the_cache_goes_along_from_any_dialect() -> None:
    mark: JsonObject = {"type": "ephemeral"}
    assert content(TextPart("a", {"cache_control": mark})) == [{"type": "text", "text": "a", "cache_control": mark}]
    asked = request((Message("user", (TextPart("a", {"cache_control": mark}),)),), metadata={"a": "b"}, user="u")
    assert UPSTREAM.advisory(asked, ENDPOINT) == ["metadata"]


def test_thinking_goes_back_only_to_the_dialect_that_signed_it() -> None:
    messages = (
        Message("user", (TextPart("hi"),)),
        Message(
            "assistant",
            (
                ReasoningPart("own", "anthropic:s"),
                ReasoningPart("", "anthropic:redacted:d"),
                ReasoningPart("other's", "gemini:s"),
                ReasoningPart("unsigned"),
                TextPart("a"),
            ),
        ),
        Message("user", (TextPart("b"),)),
        Message("assistant", (ReasoningPart("unsigned only"),)),
    )
    written = encode(request(messages))["messages"]
    assert written[1]["content"] == [
        {"type": "thinking", "thinking": "own", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "a"},
    ]
    assert len(written) == 3


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-3-haiku-20240307", 4_096),
        ("claude-3-5-sonnet-20241022", 8_192),
        ("claude-3-7-sonnet-latest", 64_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-4-opus-20250514", 32_000),
        ("claude-opus-4-1@20250805", 32_000),
        ("claude-sonnet-4-20250514", 64_000),
        ("claude-haiku-4-5", 64_000),
        ("claude-opus-4-5-20251101", 64_000),
        ("claude-sonnet-4-6", 128_000),
        ("claude-opus-5", 128_000),
        ("claude-fable-5-1", 128_000),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64_000),
        ("kimi-k2", 4_096),
        ("claude-of-tomorrow", 4_096),
    ],
)
def test_a_caller_who_sets_no_limit_gets_the_models_own(model: str, most: int) -> None:
    assert encode(request(), model)["max_tokens"] == most
    assert encode(request(max_tokens=7), model)["max_tokens"] == 7


def test_sampling_and_identity_have_their_fields() -> None:
    body = encode(request(temperature=0.5, top_p=0.9, top_k=4, stop=("END",), user="u", stream=True))
    assert {k: v for k, v in body.items() if k not in {"model", "messages", "max_tokens"}} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "stream": True,
    }


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("named", "add"), None, {"type": "tool", "name": "add"}),
        (ToolChoice("none"), False, {"type": "none"}),
    ],
)
def test_a_choice_of_tools_has_anthropics_words(
    choice: ToolChoice | None, *, parallel: bool | None, written: Any
) -> None:
    body = encode(request(tools=(ADD,), tool_choice=choice, parallel_tool_calls=parallel))
    assert body.get("tool_choice") == written
    assert body["tools"] == [{"name": "add", "description": "adds", "input_schema": ADD.parameters}]


def test_only_the_allowed_tools_are_offered() -> None:
    asked = request(tools=(ADD, Tool("sub", strict=True)), tool_choice=ToolChoice("auto", allowed=("sub",)))
    assert encode(asked)["tools"] == [
        {"name": "sub", "input_schema": {"type": "object", "properties": {}}, "strict": True}
    ]


def test_a_schema_for_the_answer_becomes_a_format() -> None:
    wish = ResponseFormat("json_schema", "Name", {"type": "object"}, strict=True, description="d")
    assert encode(request(response_format=wish))["output_config"] == {
        "format": {"type": "json_schema", "schema": {"type": "object", "description": "d"}}
    }
    assert "output_config" not in encode(request(response_format=ResponseFormat("text")))


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking", "effort"),
    [
        ("claude-opus-4-6", Reasoning("high"), {"type": "adaptive"}, "high"),
        ("claude-opus-5", Reasoning("minimal"), {"type": "adaptive"}, "low"),
        ("claude-opus-5", Reasoning("none"), {"type": "disabled"}, None),
        ("claude-opus-5", Reasoning("low", summary="auto"), {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-sonnet-4-5", Reasoning("low"), {"type": "enabled", "budget_tokens": 2048}, None),
        ("claude-sonnet-4-5", Reasoning("none"), None, None),
        ("claude-sonnet-4-5", Reasoning(), None, None),
        ("claude-3-haiku-20240307", Reasoning("none"), None, None),
    ],
)
def test_an_effort_becomes_thinking_as_the_model_takes_it(
    model: str, reasoning: Reasoning, thinking: Any, effort: str | None
) -> None:
    body = encode(request(reasoning=reasoning), model)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_a_budget_for_thinking_stays_below_the_limit() -> None:
    asked = request(reasoning=Reasoning("high"), max_tokens=5_000)
    assert encode(asked)["thinking"] == {"type": "enabled", "budget_tokens": 4_999}


def user(*parts: Part) -> tuple[Message, ...]:
    return (Message("user", parts),)


UNSUPPORTED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"choices": 2}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"seed": 0}, "seed"),
    ({"presence_penalty": 0.1}, "presence_penalty"),
    ({"frequency_penalty": -1}, "frequency_penalty"),
    ({"temperature": 1.5}, "temperature"),
    ({"extras": {"logit_bias": {"1": 2}}}, "logit_bias"),
    ({"response_format": ResponseFormat("json_object")}, "response_format"),
    ({"dialect": "openai-responses", "response_format": ResponseFormat("json_object")}, "text.format"),
    ({"reasoning": Reasoning("utmost")}, "reasoning_effort"),
    ({"reasoning": Reasoning("low"), "max_tokens": 1024}, "reasoning_effort"),
    ({"tools": (Tool("f", kind="custom"),)}, "tools[0]"),
    ({"tools": (OpaqueTool("openai-responses", "tools[0].type", {}),)}, "tools[0].type"),
    ({"messages": (Message("user", (TextPart("a"),), name="bob"),)}, "messages[0].name"),
    ({"messages": user(AudioPart("QUJD", "wav"))}, "messages[0].content[0]"),
    ({"messages": user(TextPart("a"), ImagePart(file_id="f"))}, "messages[0].content[1].file_id"),
    ({"messages": user(FilePart(file_id="f"))}, "messages[0].content[0].file_id"),
    ({"messages": user(FilePart(data="QUJD", media_type="video/mp4"))}, "messages[0].content[0]"),
    ({"messages": user(OpaquePart("openai-chat", "messages[0].content[0]", {}))}, "messages[0].content[0]"),
    ({"messages": user(ToolCallPart("i", "n", "x", kind="custom"))}, "messages[0].content[0]"),
    (
        {"dialect": "openai-responses", "messages": user(AudioPart("QUJD", "wav"))},
        "input[0].content[0]",
    ),
)


@pytest.mark.parametrize(("fields", "field"), UNSUPPORTED)
def test_what_anthropic_cannot_do_is_refused_by_the_callers_name(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        encode(request(**fields))
    assert caught.value.field == field
    assert field in caught.value.public


def test_a_wish_for_thinking_is_refused_for_a_model_that_does_not_think() -> None:
    with pytest.raises(UnsupportedField, match="does not think"):
        encode(request(reasoning=Reasoning("low")), "claude-3-5-haiku-latest")


def test_values_that_ask_for_nothing_are_no_wish() -> None:
    body = encode(request(presence_penalty=0, frequency_penalty=0.0, top_logprobs=0, extras={"logit_bias": None}))
    assert body.keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize("arguments", ["{", "[1]", '"a"', "\ud800"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    messages = (*HI, Message("assistant", (ToolCallPart("i", "n", arguments),)))
    with pytest.raises(MalformedRequest) as caught:
        encode(request(messages))
    assert caught.value.field == "messages[1].content[0].arguments"


def test_text_in_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedRequest, match=r"messages\[0\]"):
        content(FilePart(data="/w==", media_type="text/plain"))


def test_embeddings_are_refused() -> None:
    with pytest.raises(UnsupportedField):
        UPSTREAM.encode(EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a",)), "m", ENDPOINT, now=0)
