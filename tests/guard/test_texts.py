"""Every text of a request is judged, and what is replaced is what is sent."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest, EmbeddingRequest
from penstock.core.json import JsonValue, dumps
from penstock.guard.texts import may_hold_untrusted, segments_of, unreadable, visited
from penstock.guard.verdict import UNTRUSTED, Segment
from penstock.wire.anthropic import AnthropicClient
from penstock.wire.openai_chat.dialect import OpenAIChat
from penstock.wire.openai_responses.dialect import OpenAIResponses

SECRET = "qz7-secret-qz7"


def chat(body: dict[str, JsonValue]) -> ChatRequest:
    request = OpenAIChat().parse(dumps({"model": "m", **body}))
    assert isinstance(request, ChatRequest)
    return request


def masked(segment: Segment) -> str:
    return segment.text.replace(SECRET, "<X_1>")


def test_every_message_has_its_trust() -> None:
    request = chat(
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {
                    "role": "assistant",
                    "content": "a",
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q":"z"}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": "t"},
            ]
        }
    )
    assert [(each.text, each.trust) for each in segments_of(request) if each.is_said] == [
        ("s", "system"),
        ("u", "user"),
        ("a", "model"),
        ("z", "model"),
        ("t", "tool_result"),
    ]


def test_what_nothing_is_changed_in_is_the_same_object() -> None:
    request = chat({"messages": [{"role": "user", "content": "hello"}], "metadata": {"a": "b"}, "user": "u"})
    assert visited(request, lambda each: each.text) is request


def bodies() -> list[tuple[str, bytes]]:
    """One secret in every place that a caller can write to."""
    arguments = dumps({"q": SECRET, SECRET: [SECRET], "deep": {"x": [{"y": SECRET}]}}).decode()
    tool: JsonValue = {"name": "f", "description": SECRET, "parameters": {"type": "object", "description": SECRET}}
    openai: JsonValue = {
        "model": "m",
        "user": SECRET,
        "metadata": {"a": SECRET},
        "stop": [SECRET],
        "unknown_field": {"x": [SECRET]},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "description": SECRET, "schema": {"description": SECRET}},
        },
        "tools": [{"type": "function", "function": tool}],
        "messages": [
            {"role": "system", "content": SECRET},
            {"role": "developer", "content": SECRET},
            {"role": "user", "name": SECRET, "content": [{"type": "text", "text": f"x {SECRET}"}]},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": f"https://a.example/{SECRET}"}}],
            },
            {"role": "assistant", "refusal": SECRET},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": SECRET},
        ],
    }
    anthropic: JsonValue = {
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": SECRET}],
        "metadata": {"user_id": SECRET},
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "title": SECRET,
                        "source": {"type": "text", "data": SECRET, "media_type": "text/plain"},
                    },
                    {"type": "text", "text": SECRET},
                ],
            },
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"q": SECRET}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": SECRET}]},
        ],
    }
    responses: JsonValue = {
        "model": "m",
        "instructions": SECRET,
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": SECRET}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments},
            {"type": "function_call_output", "call_id": "c", "output": SECRET},
        ],
    }
    return [("openai-chat", dumps(openai)), ("anthropic", dumps(anthropic)), ("openai-responses", dumps(responses))]


def test_a_value_is_replaced_wherever_a_caller_can_write_it() -> None:
    dialects = {each.name: each for each in (OpenAIChat(), AnthropicClient(), OpenAIResponses())}
    for name, body in bodies():
        request = dialects[name].parse(body)
        assert SECRET.encode() in msgspec.json.encode(request)
        changed = visited(request, masked)
        assert SECRET.encode() not in msgspec.json.encode(changed), name


def test_inputs_of_embeddings_are_texts_too() -> None:
    request = EmbeddingRequest(dialect="openai-chat", model="m", inputs=(SECRET, (1, 2)), user=SECRET)
    changed = visited(request, masked)
    assert SECRET.encode() not in msgspec.json.encode(changed)
    assert list(unreadable(request)) == ["inputs.1"]


def test_a_picture_is_named_as_what_nobody_can_read() -> None:
    request = chat(
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what is this"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                    ],
                }
            ]
        }
    )
    assert list(unreadable(request)) == ["messages.0.parts.1"]


def test_a_number_in_arguments_can_be_a_value() -> None:
    call: JsonValue = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": '{"iban": 4242424242424242}'},
    }
    request = chat({"messages": [{"role": "assistant", "tool_calls": [call]}]})
    changed = visited(request, lambda each: "<CREDIT_CARD_1>" if each.text == "4242424242424242" else each.text)
    assert b"4242" not in msgspec.json.encode(changed)


def test_arguments_that_are_no_json_are_read_as_text() -> None:
    for arguments in ("{broken " + SECRET, SECRET, "[" * 5_000 + SECRET):
        call: JsonValue = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
        changed = visited(chat({"messages": [{"role": "assistant", "tool_calls": [call]}]}), masked)
        assert SECRET.encode() not in msgspec.json.encode(changed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_what_is_left_alone_is_left_as_it_was(value: JsonValue) -> None:
    request = chat({"messages": [{"role": "user", "content": "x"}], "extra_field": value})
    assert msgspec.json.encode(visited(request, lambda each: each.text)) == msgspec.json.encode(request)


@pytest.mark.parametrize(
    ("message", "may"),
    [
        ({"role": "user", "content": "u"}, False),
        ({"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "text", "text": "v"}]}, False),
        ({"role": "assistant", "content": "a"}, False),
        ({"role": "tool", "tool_call_id": "c", "content": "t"}, True),
        ({"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;base64,eA=="}}]}, True),
    ],
)
def test_whether_anybody_else_may_have_written_a_part(message: JsonValue, *, may: bool) -> None:
    request = chat({"messages": [{"role": "user", "content": "first"}, message]})
    assert may_hold_untrusted(request) is may


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["system", "user", "assistant", "tool", "parts", "file"]), max_size=5))
def test_where_nobody_may_have_nobody_has(kinds: list[str]) -> None:
    written: dict[str, JsonValue] = {
        "tool": {"role": "tool", "tool_call_id": "c", "content": "t"},
        "parts": {"role": "user", "content": [{"type": "text", "text": "u"}]},
        "file": {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;base64,eA=="}}]},
    }
    messages: list[JsonValue] = [written.get(kind, {"role": kind, "content": "x"}) for kind in kinds]
    request = chat({"messages": [{"role": "user", "content": "first"}, *messages]})
    has = any(each.trust in UNTRUSTED for each in segments_of(request))
    assert may_hold_untrusted(request) or not has
