"""What a chat-completions request says, and what it may not say."""

from typing import Any

import msgspec
import pytest

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
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
from penstock.core.errors import MalformedRequest
from penstock.wire.openai_chat import OpenAIChat

USER = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f"}}


def parse(**body: Any) -> ChatRequest:
    return OpenAIChat().parse(msgspec.json.encode({"model": "m", "messages": [USER], **body}))


def parts(*content: Any) -> tuple[Any, ...]:
    return parse(messages=[{"role": "user", "content": list(content)}]).messages[0].parts


def test_every_named_field_is_read() -> None:
    request = parse(
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        max_completion_tokens=5,
        temperature=1,
        top_p=0.5,
        presence_penalty=-2,
        frequency_penalty=2.0,
        n=3,
        seed=-7,
        stop="x",
        logprobs=True,
        top_logprobs=20,
        parallel_tool_calls=False,
        reasoning_effort="minimal",
        metadata={"a": "b"},
        user="u",
        store=True,
        verbosity="low",
        logit_bias={"50256": -100},
        service_tier="flex",
        modalities=["text", "audio"],
        audio={"voice": "ash", "format": "wav"},
        prediction={"type": "content", "content": "x"},
        web_search_options={},
        unheard_of={"x": [1]},
        temperature_unit=None,
    )
    assert request == ChatRequest(
        dialect="openai-chat",
        model="m",
        messages=(Message("user", (TextPart("hi"),)),),
        stream=True,
        include_usage=True,
        max_tokens=5,
        temperature=1,
        top_p=0.5,
        presence_penalty=-2,
        frequency_penalty=2.0,
        choices=3,
        seed=-7,
        stop=("x",),
        logprobs=True,
        top_logprobs=20,
        parallel_tool_calls=False,
        reasoning=Reasoning(effort="minimal"),
        metadata={"a": "b"},
        user="u",
        extras={
            "stream_options": {"include_obfuscation": False},
            "store": True,
            "verbosity": "low",
            "logit_bias": {"50256": -100},
            "service_tier": "flex",
            "modalities": ["text", "audio"],
            "audio": {"voice": "ash", "format": "wav"},
            "prediction": {"type": "content", "content": "x"},
            "web_search_options": {},
            "unheard_of": {"x": [1]},
            "temperature_unit": None,
        },
    )


def test_content_parts_are_read() -> None:
    assert parts(
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "image_url", "image_url": "https://x/z.png"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "u"}},
    ) == (
        TextPart("a", {"cache_control": {"type": "ephemeral"}}),
        ImagePart(url="https://x/y.png", detail="low"),
        ImagePart(media_type="image/png", data="QUJD"),
        ImagePart(url="https://x/z.png"),
        AudioPart("QQ==", "wav"),
        FilePart(media_type="application/pdf", data="QQ==", filename="a.pdf"),
        FilePart(file_id="file-1"),
        OpaquePart("openai-chat", "messages[0].content[7].video_url", {"type": "video_url", "video_url": {"url": "u"}}),
    )


def test_an_assistants_turn_and_the_results_of_its_calls_are_read() -> None:
    calls: list[Any] = [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "f", "arguments": "{"},
            "extra_content": {"google": {"thought_signature": "SIG"}},
        },
        {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free"}},
    ]
    request = parse(
        messages=[
            {"role": "developer", "content": "d", "name": "n"},
            {"role": "assistant", "content": None, "tool_calls": calls, "reasoning_content": "hm", "refusal": None},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "r"}]},
            {"role": "tool", "tool_call_id": "c2", "content": "s"},
            {"role": "assistant", "content": [{"type": "text", "text": "t"}], "refusal": "no"},
        ]
    )
    assert request.messages == (
        Message("developer", (TextPart("d"),), "n"),
        Message(
            "assistant",
            (
                ReasoningPart("hm"),
                ToolCallPart("c1", "f", "{", signature="gemini:SIG"),
                ToolCallPart("c2", "g", "free", kind="custom"),
            ),
            extras={"content": None, "refusal": None},
        ),
        Message("tool", (ToolResultPart("c1", (TextPart("r"),)),)),
        Message("tool", (ToolResultPart("c2", (TextPart("s"),), kind="custom"),)),
        Message("assistant", (TextPart("t"), RefusalPart("no"))),
    )


def test_tools_are_read() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    request = parse(
        tools=[
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": True}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
            {"type": "web_search", "size": 1},
            {"type": "function", "function": {"name": "h", "x": 1}, "y": 2},
        ]
    )
    assert request.tools == (
        Tool("f", "d", schema, strict=True),
        Tool("g", kind="custom", extras={"format": {"type": "text"}}),
        OpaqueTool("openai-chat", "tools[2].web_search", {"type": "web_search", "size": 1}),
        Tool("h", extras={"function": {"x": 1}, "y": 2}),
    )


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", "f")),
        ({"type": "custom", "custom": {"name": "g"}}, ToolChoice("named", "g", "custom")),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [FUNCTION]}},
            ToolChoice("required", allowed=("f",)),
        ),
    ],
)
def test_every_form_of_tool_choice_is_read(given: Any, read: ToolChoice) -> None:
    assert parse(tools=[FUNCTION], tool_choice=given).tool_choice == read


def test_response_formats_are_read_and_unknown_ones_kept() -> None:
    schema = {"name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
    assert parse(response_format={"type": "json_schema", "json_schema": schema}).response_format == ResponseFormat(
        "json_schema", name="n", schema={"type": "object"}, strict=True, description="d"
    )
    assert parse(response_format={"type": "json_object"}).response_format == ResponseFormat("json_object")
    grammar = {"type": "grammar", "grammar": "root ::= x"}
    request = parse(response_format=grammar)
    assert request.response_format is None
    assert request.extras == {"response_format": grammar}


def test_the_deprecated_functions_are_read_as_tools() -> None:
    request = parse(
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
        messages=[
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "r"},
        ],
    )
    assert request.tools == (Tool("f", parameters={"type": "object"}),)
    assert request.tool_choice == ToolChoice("named", "f")
    assert request.parallel_tool_calls is False
    assert request.messages[1].parts == (ToolCallPart("call_f", "f", "{}"),)
    assert request.messages[2].parts == (ToolResultPart("call_f", (TextPart("r"),), "f"),)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "model", "required"),
    ({"model": ""}, "model", "must not be empty"),
    ({"model": 5}, "model", "expected a string, got a number"),
    ({"model": "a\x00b"}, "model", "control characters"),
    ({"messages": None}, "messages", "required"),
    ({"messages": []}, "messages", "at least one"),
    ({"messages": "hi"}, "messages", "expected an array, got a string"),
    ({"messages": [5]}, "messages[0]", "expected an object"),
    ({"messages": [{"content": "x"}]}, "messages[0].role", "required"),
    ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role", "one of"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "required"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "a string or an array, got a number"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "empty array"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", "string"),
    ({"messages": [{"role": "user", "content": "x", "name": "a\nb"}]}, "messages[0].name", "control"),
    (
        {"messages": [{"role": "tool", "tool_call_id": "\x00", "content": "x"}]},
        "messages[0].tool_call_id",
        "control",
    ),
    ({"n": 0}, "n", "at least 1"),
    ({"n": -1}, "n", "at least 1"),
    ({"n": 10**9}, "n", "at most 128"),
    ({"n": True}, "n", "expected an integer, got a boolean"),
    ({"max_tokens": 0}, "max_tokens", "at least 1"),
    ({"max_tokens": 2**62}, "max_tokens", "at most"),
    ({"max_completion_tokens": 1.5}, "max_completion_tokens", "an integer"),
    ({"max_tokens": 1, "max_completion_tokens": 2}, "max_completion_tokens", "cannot both"),
    ({"temperature": 2.1}, "temperature", "at most 2"),
    ({"temperature": -0.1}, "temperature", "at least 0"),
    ({"temperature": "1"}, "temperature", "expected a number"),
    ({"top_p": 1.1}, "top_p", "at most 1"),
    ({"presence_penalty": -2.1}, "presence_penalty", "at least -2"),
    ({"frequency_penalty": 3}, "frequency_penalty", "at most 2"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "at most 20"),
    ({"top_logprobs": 2}, "top_logprobs", "needs `logprobs`"),
    ({"stop": 5}, "stop", "a string or an array"),
    ({"stop": ["a"] * 17}, "stop", "at most 16"),
    ({"stop": ["a", 1]}, "stop[1]", "expected a string"),
    ({"stream": "yes"}, "stream", "a boolean"),
    ({"stream_options": {}}, "stream_options", "only allowed when"),
    ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "a boolean"),
    ({"tools": {}}, "tools", "an array"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "required"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "required"),
    ({"tool_choice": "maybe"}, "tool_choice", "must be"),
    ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name", "required"),
    ({"response_format": {}}, "response_format.type", "string"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "required"),
    ({"metadata": {"a": 1}}, "metadata.a", "expected a string"),
    ({"logit_bias": {"1": 101}}, "logit_bias.1", "at most 100"),
    ({"seed": "1"}, "seed", "an integer"),
    ({"functions": [], "tools": []}, "functions", "cannot be combined"),
    ({"function_call": "auto"}, "function_call", "needs `functions`"),
    ({"verbosity": "loud"}, "verbosity", "one of"),
]


@pytest.mark.parametrize(("body", "field", "says"), REFUSED)
def test_a_field_that_cannot_be_is_refused_by_name(body: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse(**body)
    assert caught.value.field == field
    assert says in caught.value.public
