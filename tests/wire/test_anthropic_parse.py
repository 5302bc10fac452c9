"""Anthropic requests are read whole; the provider of the same dialect gets them back; bad ones name the field."""

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import (
    FilePart,
    ImagePart,
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
from penstock.core.json import dumps, loads
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.dialect import Endpoint
from penstock.wire.anthropic import AnthropicClient, encode_token_count, parse_count_tokens

FIXTURES = Path(__file__).parent.parent / "fixtures" / "anthropic"
REQUESTS = tuple(sorted(path.name for path in FIXTURES.glob("*.request.json")))
CLIENT = AnthropicClient()
ENDPOINT = Endpoint("anthropic", "https://api.anthropic.com", "key")


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **fields}


def parse(**fields: Any) -> Any:
    return CLIENT.parse(dumps(body(**fields)))


def parts(*blocks: Any) -> Any:
    return parse(messages=[{"role": "user", "content": list(blocks)}]).messages[0].parts


def there_and_back(document: Any) -> Any:
    """What Anthropic's provider gets of a request that an Anthropic client sent."""
    request = CLIENT.parse(dumps(document))
    call = AnthropicUpstream().encode(request, document["model"], ENDPOINT, now=0)
    return loads(call.body)


def plain(document: Any) -> Any:
    """A request body with everything in it that is meant without being said taken out."""
    found: Any = loads(dumps(document))
    if found.get("stream") is False:
        del found["stream"]
    if "system" in found:
        found["system"] = _content(found["system"])
    for message in found["messages"]:
        message["content"] = _content(message["content"])
    for tool in found.get("tools", []):
        if tool.get("defer_loading") is False:
            del tool["defer_loading"]
    return found


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    blocks = cast("list[Any]", content)
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    for block in blocks:
        if "content" in block and block["type"] == "tool_result":
            block["content"] = _content(block["content"])
        if block.get("is_error") is False:
            del block["is_error"]
        if block.get("caller") == {"type": "direct"}:
            del block["caller"]
    return blocks


@pytest.mark.parametrize("name", REQUESTS)
def test_a_recorded_request_reaches_the_same_dialect_unchanged(name: str) -> None:
    recorded: Any = loads((FIXTURES / name).read_bytes())
    assert plain(there_and_back(recorded)) == plain(recorded)


SOURCES: tuple[Any, ...] = (
    {"type": "base64", "media_type": "image/png", "data": "QUJD"},
    {"type": "url", "url": "https://example.com/a.png"},
    {"type": "file", "file_id": "file_1"},
)
BLOCKS: tuple[Any, ...] = (
    {"type": "text", "text": "a"},
    {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    {"type": "text", "text": "c", "citations": [{"type": "char_location", "cited_text": "c"}]},
    *({"type": "image", "source": source} for source in SOURCES),
    {"type": "image", "source": {"type": "of_tomorrow", "x": 1}, "cache_control": {"type": "ephemeral"}},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "t"}, "title": "T"},
    {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}, "citations": {"enabled": True}},
    {"type": "document", "source": {"type": "file", "file_id": "f"}, "context": "c"},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
    {"type": "thinking", "thinking": "hm", "signature": "sig"},
    {"type": "thinking", "thinking": "", "signature": "sig"},
    {"type": "thinking", "thinking": "unsigned"},
    {"type": "redacted_thinking", "data": "xyz"},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1, 2.5, None], "b": {}}},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {}, "caller": {"type": "code_execution", "tool_id": "s"}},
    {"type": "tool_result", "tool_use_id": "t1"},
    {"type": "tool_result", "tool_use_id": "t1", "content": "x", "is_error": True},
    {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    },
    {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "tool_reference", "tool_name": "f"}]},
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
    {"type": "container_upload", "file_id": "f"},
    {"type": "of_tomorrow", "anything": {"goes": True}},
)
FIELDS: dict[str, tuple[Any, ...]] = {
    "system": ("be brief", [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]),
    "temperature": (0, 0.5, 1),
    "top_p": (0.9,),
    "top_k": (5,),
    "stop_sequences": (["END", "STOP"],),
    "stream": (True,),
    "metadata": ({"user_id": "u"}, {"user_id": "u", "team": "t"}),
    "service_tier": ("auto",),
    "container": ("c1", {"id": "c", "skills": []}),
    "context_management": ({"edits": [{"type": "compact_20260112"}]},),
    "mcp_servers": ([{"type": "url", "name": "n", "url": "https://x"}],),
    "thinking": (
        {"type": "enabled", "budget_tokens": 2000},
        {"type": "enabled", "budget_tokens": 2000, "display": "summarized"},
        {"type": "adaptive"},
        {"type": "adaptive", "display": "omitted"},
        {"type": "disabled"},
        {"type": "between_tools"},
    ),
    "output_config": (
        {"effort": "high"},
        {"effort": "low", "task_budget": {"type": "tokens", "total": 9}},
        {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        {"format": {"type": "of_tomorrow"}},
    ),
    "tools": (
        [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": False}],
        [{"name": "f", "input_schema": {}, "defer_loading": True, "cache_control": {"type": "ephemeral"}}],
        [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
    ),
    "tool_choice": (
        {"type": "auto"},
        {"type": "any", "disable_parallel_tool_use": True},
        {"type": "tool", "name": "f", "disable_parallel_tool_use": False},
        {"type": "none"},
        {"type": "auto", "of_tomorrow": 1},
    ),
    "of_tomorrow": ({"x": [1]},),
}
turns: st.SearchStrategy[Any] = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant"]),
            "content": st.one_of(st.text(max_size=5), st.lists(st.sampled_from(BLOCKS), max_size=4)),
        },
        optional={"of_tomorrow": st.integers(0, 3)},
    ),
    min_size=1,
    max_size=4,
)
requests: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"model": st.just("claude"), "max_tokens": st.integers(0, 9), "messages": turns},
    optional={name: st.sampled_from(values) for name, values in FIELDS.items()},
)


@settings(deadline=None, max_examples=200)
@given(requests)
def test_any_request_reaches_the_same_dialect_unchanged(document: dict[str, Any]) -> None:
    sent = {**document, "messages": loads(dumps(document["messages"]))}
    assert plain(there_and_back(sent)) == plain(sent)


def test_parts_have_their_common_form() -> None:
    assert parts(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "t"}, "title": "T"},
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "thinking", "thinking": "hm", "signature": "bedrock:sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "redacted_thinking", "data": "bedrock:xyz"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "signature": "gemini:s"},
        {"type": "tool_result", "tool_use_id": "t", "content": "ok", "is_error": True},
        {"type": "of_tomorrow"},
    ) == (
        ImagePart(data="QUJD", media_type="image/png"),
        FilePart(text="t", media_type="text/plain", filename="T"),
        ReasoningPart("hm", "anthropic:sig"),
        ReasoningPart("hm", "bedrock:sig"),
        ReasoningPart("", "anthropic:redacted:xyz"),
        ReasoningPart("", "bedrock:redacted:xyz"),
        ToolCallPart("t", "f", '{"a":1}', signature="gemini:s"),
        ToolResultPart("t", (TextPart("ok"),), is_error=True),
        OpaquePart("anthropic", "messages[0].content[8]", {"type": "of_tomorrow"}),
    )


def test_fields_have_their_common_form() -> None:
    request = parse(
        system="s",
        tools=[
            {"name": "f", "input_schema": {"type": "object"}, "strict": True, "defer_loading": False},
            {"type": "bash_20250124", "name": "bash"},
        ],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        thinking={"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
        metadata={"user_id": "u"},
        stop_sequences=["END"],
    )
    assert request.messages[0].role == "system"
    assert request.tools == (
        Tool("f", parameters={"type": "object"}, strict=True),
        OpaqueTool("anthropic", "tools[1].type", {"type": "bash_20250124", "name": "bash"}),
    )
    assert request.tool_choice == ToolChoice("named", "f")
    assert request.parallel_tool_calls is False
    assert request.response_format == ResponseFormat("json_schema", schema={"type": "object"})
    assert request.reasoning == Reasoning("low", 1024, "auto")
    assert (request.user, request.stop, request.include_usage, request.extras) == ("u", ("END",), True, {})


def test_the_older_output_format_is_the_same_wish() -> None:
    wish = {"type": "json_schema", "schema": {"type": "object"}}
    assert parse(output_format=wish).response_format == parse(output_config={"format": wish}).response_format


class Headers:
    """Headers as a server hands them over."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def get(self, key: str) -> str | None:
        return self._values.get(key)


def test_headers_of_the_question_are_kept_and_sent_on() -> None:
    headers = Headers({"anthropic-beta": "a,b", "anthropic-version": "2026-10-21", "authorization": "secret"})
    request = CLIENT.parse(dumps(body()), headers)
    assert request.extras == {"anthropic-beta": "a,b", "anthropic-version": "2026-10-21"}
    call = AnthropicUpstream().encode(request, "m", ENDPOINT, now=0)
    sent = dict(call.headers)
    assert (sent["anthropic-beta"], sent["anthropic-version"]) == ("a,b", "2026-10-21")
    assert b"anthropic-" not in call.body


@pytest.mark.parametrize("name", ["anthropic-beta", "anthropic-version"])
@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "日本", "2023-06-01", 5])
def test_a_field_of_the_body_is_never_taken_for_a_header(name: str, value: object) -> None:
    for headers in (None, Headers({}), Headers({name: "x"})):
        with pytest.raises(MalformedRequest) as caught:
            CLIENT.parse(dumps({**body(), name: value}), headers)
        assert caught.value.field == name


def test_an_empty_system_prompt_is_none() -> None:
    empty: tuple[Any, ...] = ("", [], None)
    for nothing in empty:
        assert [message.role for message in parse(system=nothing).messages] == ["user"]


def test_a_count_needs_no_limit() -> None:
    without = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert parse_count_tokens(dumps(without)).max_tokens is None
    with pytest.raises(MalformedRequest):
        CLIENT.parse(dumps(without))
    assert encode_token_count(7) == b'{"input_tokens":7}'


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"model": 3}, "model"),
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": "9"}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "tool", "content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]},
        "messages[0].content[0].source.data",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "i", "name": "n", "input": "{}"}]}]},
        "messages[0].content[0].input",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
        "messages[0].content[0].tool_use_id",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "i", "content": [3]}]}]},
        "messages[0].content[0].content[0]",
    ),
    ({"system": 3}, "system"),
    ({"system": False}, "system"),
    ({"system": [{"type": "text", "text": None}]}, "system[0].text"),
    ({"temperature": 1.1}, "temperature"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": "0"}, "temperature"),
    ({"top_p": 2}, "top_p"),
    ({"top_k": -1}, "top_k"),
    ({"stream": "yes"}, "stream"),
    ({"stop_sequences": "END"}, "stop_sequences"),
    ({"stop_sequences": [1]}, "stop_sequences[0]"),
    ({"metadata": {"user_id": 3}}, "metadata.user_id"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
    ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
    ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"tool_choice": {"type": "any", "disable_parallel_tool_use": 1}}, "tool_choice.disable_parallel_tool_use"),
    ({"thinking": {}}, "thinking.type"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking.budget_tokens"),
    ({"output_config": {"effort": 3}}, "output_config.effort"),
)


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_a_bad_request_names_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse(**fields)
    assert caught.value.field == field
    assert field in caught.value.public


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"model": "m", "model": "n"}', b'{"model": NaN}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        CLIENT.parse(data)
