"""Requests of every client dialect as Responses calls."""

from typing import Any

import msgspec
import pytest

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
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
from penstock.core.errors import UnsupportedField
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_responses import OpenAIResponses
from penstock.wire.openai_chat import OpenAIChat

ENDPOINT = Endpoint("openai", "https://api.openai.com/v1", "sk-test")
HI = (Message("user", (TextPart("hi"),)),)


def encode(request: ChatRequest, endpoint: Endpoint = ENDPOINT) -> dict[str, Any]:
    return msgspec.json.decode(OpenAIResponses().encode(request, "gpt-5", endpoint, now=0).body)


def chat(**fields: Any) -> ChatRequest:
    given: dict[str, Any] = {"dialect": "openai-chat", "model": "m", "messages": HI, **fields}
    return ChatRequest(**given)


def parse_chat(document: dict[str, Any]) -> ChatRequest:
    return OpenAIChat().parse(msgspec.json.encode({"model": "m", **document}))


def test_a_chat_conversation_with_tools_becomes_items_in_its_order() -> None:
    request = parse_chat(
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {
                    "role": "assistant",
                    "content": "Let me see.",
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                        {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
                {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
            ],
        }
    )
    body = encode(request)
    assert body == {
        "model": "gpt-5",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
            {"role": "assistant", "content": "Let me see."},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free"},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "two"},
        ],
        "store": False,
    }


def test_chat_settings_find_their_places() -> None:
    request = parse_chat(
        {
            "messages": [{"role": "user", "content": "hi"}],
            "max_completion_tokens": 100,
            "temperature": 0.5,
            "reasoning_effort": "low",
            "verbosity": "high",
            "logprobs": True,
            "top_logprobs": 2,
            "stream": True,
            "stream_options": {"include_usage": True},
            "service_tier": "flex",
            "prompt_cache_key": "k",
            "store": True,
            "metadata": {"a": "b"},
            "user": "u",
            "parallel_tool_calls": False,
            "tools": [
                {"type": "function", "function": {"name": "f"}},
                {
                    "type": "custom",
                    "custom": {
                        "name": "g",
                        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}},
                    },
                },
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "custom", "custom": {"name": "g"}}]},
            },
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
        }
    )
    assert encode(request) == {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "hi"}],
        "max_output_tokens": 100,
        "temperature": 0.5,
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "high", "format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 2,
        "stream": True,
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "store": True,
        "metadata": {"a": "b"},
        "user": "u",
        "parallel_tool_calls": False,
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False},
            {
                "type": "custom",
                "name": "g",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"},
            },
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "g"}]},
    }


def test_results_beside_other_parts_of_a_user_message_become_items_of_their_own() -> None:
    request = ChatRequest(
        dialect="anthropic",
        model="m",
        messages=(
            Message("assistant", (ReasoningPart("hm", "anthropic:sig"), ToolCallPart("c1", "f", "{}"))),
            Message(
                "user",
                (
                    ToolResultPart("c1", (TextPart("one"), ImagePart(data="QQ==", media_type="image/png"))),
                    TextPart("go on"),
                ),
            ),
        ),
        max_tokens=64,
    )
    assert encode(request)["input"] == [
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [
                {"type": "input_text", "text": "one"},
                {"type": "input_image", "image_url": "data:image/png;base64,QQ==", "detail": "auto"},
            ],
        },
        {"role": "user", "content": "go on"},
    ]


def test_reasoning_of_this_dialect_finds_its_way_back_through_a_client_of_another() -> None:
    request = ChatRequest(
        dialect="anthropic",
        model="m",
        messages=(
            *HI,
            Message(
                "assistant",
                (
                    ReasoningPart("first"),
                    ReasoningPart("second", "openai-responses:gAAA"),
                    ToolCallPart("c1", "f", "{}"),
                ),
            ),
        ),
    )
    body = encode(request)
    assert body["include"] == ["reasoning.encrypted_content"]
    # Unsigned text before the proof cannot be told from another provider's: only what carries the proof goes back.
    assert body["input"][1] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "second"}],
        "encrypted_content": "gAAA",
    }


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (ImagePart(url="https://x/y.png"), {"type": "input_image", "image_url": "https://x/y.png", "detail": "auto"}),
        (
            ImagePart(data="QQ==", media_type="image/jpeg", detail="low"),
            {"type": "input_image", "image_url": "data:image/jpeg;base64,QQ==", "detail": "low"},
        ),
        (FilePart(url="https://x/y.pdf"), {"type": "input_file", "file_url": "https://x/y.pdf"}),
        (FilePart(file_id="file-1"), {"type": "input_file", "file_id": "file-1"}),
        (
            FilePart(data="QQ==", media_type="application/pdf"),
            {"type": "input_file", "file_data": "data:application/pdf;base64,QQ==", "filename": "document.pdf"},
        ),
        (
            FilePart(text="é", filename="n.txt"),
            {"type": "input_file", "file_data": "data:text/plain;base64,w6k=", "filename": "n.txt"},
        ),
        (RefusalPart("no"), {"type": "refusal", "refusal": "no"}),
    ],
)
def test_content_parts_are_written_as_this_dialect_has_them(part: Any, expected: dict[str, Any]) -> None:
    assert encode(chat(messages=(Message("user", (part,)),)))["input"] == [{"role": "user", "content": [expected]}]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"choices": 2}, "n"),
        ({"stop": ("x",)}, "stop"),
        ({"stop": ("x",), "dialect": "anthropic"}, "stop_sequences"),
        ({"seed": 1}, "seed"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"top_k": 3, "dialect": "anthropic"}, "top_k"),
        ({"extras": {"logit_bias": {"1": 2}}}, "logit_bias"),
        ({"extras": {"modalities": ["text", "audio"]}}, "modalities"),
        ({"extras": {"web_search_options": {"x": 1}}}, "web_search_options"),
        ({"extras": {"verbosity": "low"}, "dialect": "anthropic"}, "verbosity"),
        ({"messages": (Message("user", (AudioPart("QQ==", "wav"),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (ImagePart(file_id="f"),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (TextPart("x"),), "bob"),)}, "messages[0].name"),
        (
            {"messages": (Message("user", (OpaquePart("anthropic", "messages[0].content[0]", {}),)),)},
            "messages[0].content[0]",
        ),
        ({"tools": (OpaqueTool("anthropic", "tools[0]", {"type": "bash"}),), "dialect": "anthropic"}, "tools[0]"),
    ],
)
def test_what_the_target_cannot_do_is_refused_by_its_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        encode(chat(**fields))
    assert caught.value.field == named


def test_fields_that_cannot_change_the_answer_are_left_out_and_said_so() -> None:
    request = chat(
        dialect="anthropic",
        extras={"service_tier": "standard_only"},
        messages=(Message("user", (TextPart("hi", {"cache_control": {"type": "ephemeral"}}),)),),
    )
    assert set(OpenAIResponses().advisory(request, ENDPOINT)) == {
        "service_tier",
        "messages[0].content[0].cache_control",
    }
    body = encode(request)
    assert "service_tier" not in body
    assert body["input"] == [{"role": "user", "content": "hi"}]
    thought = (*HI, Message("assistant", (ReasoningPart("hm", "anthropic:sig"), TextPart("ok"))))
    assert OpenAIResponses().advisory(chat(messages=thought), ENDPOINT) == ["messages[1].content[0]"]
    assert OpenAIResponses().advisory(chat(extras={"service_tier": "flex"}), ENDPOINT) == []


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (Reasoning(budget_tokens=1024), {"effort": "low"}),
        (Reasoning(budget_tokens=4000), {"effort": "medium"}),
        (Reasoning(budget_tokens=32000), {"effort": "high"}),
        (Reasoning(effort="none", is_enabled=False), {"effort": "none"}),
        (Reasoning(is_enabled=False), None),
    ],
)
def test_a_budget_of_thinking_becomes_an_effort(reasoning: Reasoning, expected: dict[str, str] | None) -> None:
    assert encode(chat(dialect="anthropic", reasoning=reasoning)).get("reasoning") == expected


def test_a_named_choice_and_a_plain_format_are_written() -> None:
    tool = Tool("f", "does", {"type": "object"}, strict=True)
    body = encode(
        chat(tools=(tool,), tool_choice=ToolChoice("named", "f"), response_format=ResponseFormat("json_object"))
    )
    assert body["tools"] == [
        {"type": "function", "name": "f", "description": "does", "parameters": {"type": "object"}, "strict": True}
    ]
    assert body["tool_choice"] == {"type": "function", "name": "f"}
    assert body["text"] == {"format": {"type": "json_object"}}


def test_openai_gets_a_bearer_token_and_azure_its_own_header_and_version() -> None:
    dialect = OpenAIResponses()
    call = dialect.encode(chat(), "gpt-5", ENDPOINT, now=0)
    assert call.url == "https://api.openai.com/v1/responses"
    assert ("authorization", "Bearer sk-test") in call.headers
    azure = Endpoint(
        "azure", "https://x.openai.azure.com/openai/v1", "key", (("x-team", "a"),), options={"api_version": "preview"}
    )
    call = dialect.encode(chat(), "gpt-5", azure, now=0)
    assert call.url == "https://x.openai.azure.com/openai/v1/responses?api-version=preview"
    assert ("api-key", "key") in call.headers
    assert ("x-team", "a") in call.headers
    assert all(name != "authorization" for name, _ in call.headers)


def test_the_responses_api_makes_no_embeddings() -> None:
    with pytest.raises(UnsupportedField):
        OpenAIResponses().encode(
            EmbeddingRequest(dialect="openai-chat", model="m", inputs=("x",)), "m", ENDPOINT, now=0
        )
