"""Requests of the Responses dialect: read, refused, and given back to a provider of the same dialect."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Reasoning,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from penstock.core.errors import MalformedRequest
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_responses import OpenAIResponses as Upstream
from penstock.wire.openai_responses import OpenAIResponses

ENDPOINT = Endpoint("openai", "https://api.openai.com/v1", "sk-test")


def parse(**document: Any) -> ChatRequest:
    return OpenAIResponses().parse(msgspec.json.encode({"model": "m", "input": "hi", **document}))


def back(request: ChatRequest) -> dict[str, Any]:
    """What a provider of the same dialect is sent."""
    return msgspec.json.decode(Upstream().encode(request, "m", ENDPOINT, now=0).body)


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
    "content": [{"type": "reasoning_text", "text": "c"}],
    "encrypted_content": "gAAA",
}
ITEMS: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "developer", "content": "be brief"},
    {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
    {
        "role": "user",
        "content": [
            {"type": "input_image", "image_url": "https://x/y.png", "detail": "high"},
            {"type": "input_image", "image_url": "data:image/png;base64,QQ==", "detail": "auto"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "file_url": "https://x/y.pdf"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"},
            {"type": "input_file", "file_id": "file-2"},
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
            {"type": "computer_screenshot", "image_url": "https://x/y.png"},
            {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}},
        ],
    },
    {"role": "assistant", "content": "well", "phase": "commentary"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "yes", "annotations": [{"type": "file_path", "file_id": "f", "index": 1}]},
            {"type": "refusal", "refusal": "no"},
        ],
    },
    {
        "type": "message",
        "id": "msg_2",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "output_text", "text": "only", "annotations": []}],
    },
    REASONING,
    {"type": "reasoning", "id": "rs_2", "summary": []},
    {"type": "reasoning", "id": "rs_3", "summary": [], "encrypted_content": "gBBB"},
    {"type": "reasoning", "summary": [], "encrypted_content": "gCCC"},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"},
    {"type": "function_call", "call_id": "c2", "name": "g", "arguments": '{"a": 1}', "namespace": "n"},
    {"type": "custom_tool_call", "call_id": "c3", "name": "h", "input": "free text"},
    {"type": "function_call_output", "call_id": "c1", "output": "one", "id": "fco_1", "status": "completed"},
    {
        "type": "function_call_output",
        "call_id": "c2",
        "output": [{"type": "input_text", "text": "two"}, {"type": "input_image", "file_id": "file-3"}],
    },
    {"type": "custom_tool_call_output", "call_id": "c3", "output": ""},
    {"type": "item_reference", "id": "msg_9"},
    {"id": "msg_8"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
    {"type": "computer_call_output", "call_id": "c4", "output": {"type": "computer_screenshot", "file_id": None}},
    {"type": "compaction", "encrypted_content": "zz"},
    {"type": "a_kind_of_tomorrow", "nested": [None, {"x": 1}]},
]
SETTINGS: dict[str, list[Any]] = {
    "instructions": ["Be brief.", ""],
    "max_output_tokens": [1, 4096],
    "temperature": [0, 0.7, 2],
    "top_p": [0.5],
    "top_logprobs": [0, 5],
    "parallel_tool_calls": [True, False],
    "metadata": [{"a": "b"}],
    "user": ["u"],
    "safety_identifier": ["s"],
    "service_tier": ["flex"],
    "store": [True, False],
    "background": [True],
    "truncation": ["auto"],
    "previous_response_id": ["resp_0"],
    "conversation": ["conv_1", {"id": "conv_1"}],
    "prompt": [{"id": "pmpt_1", "variables": {"x": "y"}}],
    "stream": [True],
    "stream_options": [{"include_obfuscation": False}],
    "max_tool_calls": [3],
    "include": [["message.output_text.logprobs"], ["reasoning.encrypted_content", "message.output_text.logprobs"]],
    "reasoning": [{"effort": "low", "summary": "auto"}, {"effort": "none"}, {"mode": "pro"}],
    "text": [
        {"format": {"type": "text"}},
        {"format": {"type": "json_object"}, "verbosity": "low"},
        {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "strict": True}},
        {"something_new": 1},
    ],
    "tools": [
        [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, "defer_loading": True}],
        [{"type": "custom", "name": "h", "format": {"type": "text"}}, {"type": "web_search", "filters": {"x": ["y"]}}],
    ],
    "tool_choice": [
        "auto",
        "none",
        "required",
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "h"},
        {"type": "mcp", "server_label": "s"},
        {"type": "web_search_preview"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "mcp", "server_label": "s"}]},
    ],
    "a_field_of_tomorrow": [{"x": [1, None]}],
}


@settings(deadline=None, max_examples=150)
@given(
    items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=8),
    chosen=st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in SETTINGS.items()}),
)
def test_the_same_dialect_gets_back_what_the_client_sent(items: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    assert back(parse(input=items, **chosen)) == {"model": "m", "input": items, **chosen}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_and_a_leading_system_item_stay_apart(role: str) -> None:
    item = {"role": role, "content": "x"}
    assert back(parse(input=[item], instructions="y")) == {"model": "m", "instructions": "y", "input": [item]}
    sent = back(parse(input=[item]))
    assert "instructions" not in sent
    assert sent["input"] == [item]


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ({"input": "hi"}, {"input": [{"role": "user", "content": "hi"}]}),
        ({"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}]}, None),
        ({"background": False, "truncation": "disabled", "stream": False, "user": None}, {}),
        ({"tools": [{"type": "function", "name": "f", "description": None, "parameters": None}]}, None),
    ],
)
def test_other_spellings_of_the_same_are_sent_in_one_form(
    written: dict[str, Any], normal: dict[str, Any] | None
) -> None:
    once = back(parse(**written))
    if normal is not None:
        assert once == {"model": "m", "input": [{"role": "user", "content": "hi"}], **normal}
    assert back(OpenAIResponses().parse(msgspec.json.encode(once))) == once


def test_input_may_come_from_elsewhere() -> None:
    body = msgspec.json.encode({"model": "m", "previous_response_id": "resp_1"})
    assert back(OpenAIResponses().parse(body)) == {"model": "m", "previous_response_id": "resp_1"}


def test_one_turn_of_the_assistant_becomes_one_message() -> None:
    request = parse(
        input=[
            {"role": "user", "content": "go"},
            REASONING,
            {"role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "two"},
            {"role": "assistant", "content": "first"},
            {"role": "assistant", "content": "second"},
        ]
    )
    assert request.messages == (
        Message("user", (TextPart("go"),)),
        Message(
            "assistant",
            (
                ReasoningPart("a", None, {"id": "rs_1"}),
                ReasoningPart("b"),
                ReasoningPart("c", "openai-responses:gAAA", {"content": None}),
                TextPart("I look."),
                ToolCallPart("c1", "f", "{}"),
                ToolCallPart("c2", "g", "x", "custom"),
            ),
        ),
        Message(
            "tool",
            (
                ToolResultPart("c1", (TextPart("one"),)),
                ToolResultPart("c2", (TextPart("two"),), kind="custom"),
            ),
        ),
        Message("assistant", (TextPart("first"),)),
        Message("assistant", (TextPart("second"),)),
    )


def test_reasoning_items_in_a_row_stay_apart() -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "b"}]},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
        {"type": "reasoning", "id": "rs_3", "summary": []},
    ]
    assert back(parse(input=items))["input"] == items


def test_a_proof_of_another_provider_keeps_its_name() -> None:
    request = parse(input=[{"type": "reasoning", "summary": [], "encrypted_content": "anthropic:sig"}])
    assert request.messages[0].parts == (ReasoningPart("", "anthropic:sig", {"id": None}),)


def test_settings_get_their_common_names() -> None:
    request = parse(
        instructions="Be brief.",
        max_output_tokens=10,
        include=["message.output_text.logprobs", "file_search_call.results"],
        top_logprobs=3,
        reasoning={"effort": "none", "summary": "auto"},
        text={
            "format": {"type": "json_schema", "name": "s", "schema": {}, "description": "d", "strict": False},
            "verbosity": "low",
        },
        tools=[{"type": "function", "name": "f"}, {"type": "web_search"}],
        tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        stream=True,
    )
    assert request.messages == (Message("system", (TextPart("Be brief."),)), Message("user", (TextPart("hi"),)))
    assert (request.max_tokens, request.logprobs, request.top_logprobs, request.stream) == (10, True, 3, True)
    assert request.reasoning == Reasoning(effort="none", summary="auto", is_enabled=False)
    assert request.response_format == ResponseFormat("json_schema", "s", {}, strict=False, description="d")
    assert request.tools == (Tool("f"), OpaqueTool("openai-responses", "tools[1]", {"type": "web_search"}))
    assert request.tool_choice == ToolChoice("auto", allowed=("f",))
    assert request.extras == {"include": ["file_search_call.results"], "verbosity": "low"}


def test_inline_data_is_told_from_urls() -> None:
    request = parse(
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "data:image/png;base64,QQ=="},
                    {"type": "input_image", "image_url": "data:image/svg+xml,<svg/>"},
                    {"type": "input_file", "file_data": "QQ=="},
                ],
            }
        ]
    )
    assert request.messages[0].parts == (
        ImagePart(data="QQ==", media_type="image/png"),
        ImagePart(url="data:image/svg+xml,<svg/>"),
        FilePart(data="QQ=="),
    )


def test_an_item_of_a_built_in_tool_names_its_place() -> None:
    part = parse(input=[{"role": "user", "content": "x"}, {"type": "mcp_call", "id": "m"}]).messages[1].parts[0]
    assert part == OpaquePart("openai-responses", "input[1]", {"type": "mcp_call", "id": "m"})


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"input": None}, "input"),
    ({"input": 3}, "input"),
    ({"input": []}, "input"),
    ({"input": ["x"]}, "input[0]"),
    ({"input": [{}]}, "input[0].type"),
    ({"input": [{"type": 3}]}, "input[0].type"),
    ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
    ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
    ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
    ({"input": [{"type": "function_call", "name": "f", "arguments": ""}]}, "input[0].call_id"),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]}, "input[0].arguments"),
    ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
    ({"input": [{"type": "reasoning", "summary": [{"type": "x"}]}]}, "input[0].summary[0].type"),
    ({"instructions": []}, "instructions"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"max_output_tokens": 1.5}, "max_output_tokens"),
    ({"max_output_tokens": 10**12}, "max_output_tokens"),
    ({"temperature": -1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": 2}, "top_p"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"stream": "yes"}, "stream"),
    ({"background": 1}, "background"),
    ({"include": "x"}, "include"),
    ({"include": [1]}, "include[0]"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"reasoning": "low"}, "reasoning"),
    ({"reasoning": {"effort": 1}}, "reasoning.effort"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
    ({"text": {"format": {"type": "json_schema", "name": "s"}}}, "text.format.schema"),
    ({"text": {"verbosity": 1}}, "text.verbosity"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"name": "f"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tools": [{"type": "function", "name": "f", "parameters": "x"}]}, "tools[0].parameters"),
    ({"tool_choice": "maybe"}, "tool_choice"),
    ({"tool_choice": 3}, "tool_choice"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
    ({"tool_choice": {"type": "allowed_tools", "mode": "none", "tools": []}}, "tool_choice.mode"),
]


@pytest.mark.parametrize(("document", "field"), MALFORMED)
def test_a_malformed_field_is_named(document: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse(**document)
    assert caught.value.field == field
    assert field in caught.value.public
