"""How a request in the common form is written for OpenAI and for the servers that deviate from it."""

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
    Part,
    Reasoning,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from penstock.core.errors import UnsupportedField
from penstock.providers.dialect import Endpoint, HttpCall
from penstock.providers.openai_chat import OpenAIChatUpstream
from penstock.providers.vendors import vendors

UPSTREAM = OpenAIChatUpstream()
USER = Message("user", (TextPart("hi"),))


def endpoint(vendor: str = "openai", **how: Any) -> Endpoint:
    row = vendors()[vendor]
    settings: dict[str, Any] = {"base_url": row.base_url, "credential": "key-1", "options": row.options, **how}
    return Endpoint(vendor, quirks=frozenset(row.quirks), **settings)


def call(request: ChatRequest, vendor: str = "openai", **how: Any) -> HttpCall:
    return UPSTREAM.encode(request, "m-up", endpoint(vendor, **how), now=0.0)


def sent(request: ChatRequest, vendor: str = "openai", **how: Any) -> Any:
    return msgspec.json.decode(call(request, vendor, **how).body)


def chat(*messages: Message, dialect: Any = "anthropic", **fields: Any) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="m", messages=messages or (USER,), **fields)


def test_a_call_carries_the_key_and_says_what_it_takes() -> None:
    plain = call(chat())
    assert plain.url == "https://api.openai.com/v1/chat/completions"
    assert plain.headers == (
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("authorization", "Bearer key-1"),
    )
    streamed = call(chat(stream=True), credential=None, headers=(("x-org", "o"),))
    assert streamed.headers == (
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
        ("x-org", "o"),
    )


@pytest.mark.parametrize(
    ("base", "options", "url"),
    [
        ("https://r.openai.azure.com", {}, "https://r.openai.azure.com/openai/v1/chat/completions"),
        ("https://r.openai.azure.com/openai/v1", {}, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.openai.azure.com",
            {"api_version": "2024-10-21"},
            "https://r.openai.azure.com/openai/deployments/m-up/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://r.openai.azure.com",
            {"api_version": "2024-10-21", "deployment": "my one"},
            "https://r.openai.azure.com/openai/deployments/my%20one/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_azure_has_its_own_urls_and_header(base: str, options: dict[str, str], url: str) -> None:
    made = call(chat(), "azure", base_url=base, options=options)
    assert made.url == url
    assert ("api-key", "key-1") in made.headers
    assert not any(name == "authorization" for name, _ in made.headers)


@pytest.mark.parametrize(
    ("vendor", "options", "name"),
    [
        ("openai", {}, "max_completion_tokens"),
        ("mistral", {}, "max_tokens"),
        ("azure", {"api_version": "2024-02-01"}, "max_tokens"),
        ("azure", {"api_version": "2024-10-21"}, "max_completion_tokens"),
        ("azure", {}, "max_completion_tokens"),
    ],
)
def test_the_bound_on_the_output_has_the_name_that_the_vendor_knows(
    vendor: str, options: dict[str, str], name: str
) -> None:
    body = sent(chat(max_tokens=9), vendor, options=options, base_url="https://x")
    assert {k: v for k, v in body.items() if "tokens" in k} == {name: 9}


def test_writer_has_its_own_path() -> None:
    assert call(chat(), "writer").url == "https://api.writer.com/v1/chat"


def test_usage_is_always_asked_for_unless_the_vendor_refuses_to_be_asked() -> None:
    own = {"dialect": "openai-chat", "stream": True, "extras": {"stream_options": {"include_obfuscation": False}}}
    assert sent(chat(**own))["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in sent(chat(**own), "mistral")
    assert "stream_options" not in sent(chat())


def test_every_named_field_is_written() -> None:
    body = sent(
        chat(
            temperature=0.5,
            top_p=0.9,
            presence_penalty=0.1,
            frequency_penalty=0.2,
            stop=("a",),
            seed=3,
            choices=2,
            logprobs=True,
            top_logprobs=4,
            parallel_tool_calls=False,
            metadata={"a": "b"},
            user="u",
            response_format=ResponseFormat("json_schema", name="n", schema={"type": "object"}, strict=True),
            reasoning=Reasoning(effort="low"),
            tools=(Tool("f", "d", {"type": "object"}, strict=True), Tool("g", kind="custom", extras={"format": {}})),
            tool_choice=ToolChoice("required", allowed=("f", "g")),
        )
    )
    assert body == {
        "model": "m-up",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "stop": ["a"],
        "seed": 3,
        "n": 2,
        "logprobs": True,
        "top_logprobs": 4,
        "parallel_tool_calls": False,
        "metadata": {"a": "b"},
        "user": "u",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
        },
        "reasoning_effort": "low",
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
            },
            {"type": "custom", "custom": {"name": "g", "format": {}}},
        ],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}],
            },
        },
    }


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (2048, "low"), (2049, "medium"), (8192, "medium"), (30000, "high")]
)
def test_a_thinking_budget_becomes_an_effort(budget: int, effort: str) -> None:
    assert sent(chat(reasoning=Reasoning(budget_tokens=budget)))["reasoning_effort"] == effort
    assert "reasoning_effort" not in sent(chat(reasoning=Reasoning(budget_tokens=budget, is_enabled=False)))


def test_tool_results_of_a_user_message_become_messages_of_their_own() -> None:
    body = sent(
        chat(
            Message("system", (TextPart("s"), TextPart("t"))),
            Message("assistant", (TextPart("ok"), ToolCallPart("c1", "f", ""), ToolCallPart("c2", "g", "{}"))),
            Message(
                "user",
                (
                    ToolResultPart("c1", (TextPart("one"),)),
                    ToolResultPart("c2", (TextPart("two"),), is_error=True),
                    TextPart("and now?"),
                    ImagePart(data="QQ==", media_type="image/png"),
                ),
            ),
        )
    )
    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "s"}, {"type": "text", "text": "t"}]},
        {
            "role": "assistant",
            "content": "ok",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: two"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "and now?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
            ],
        },
    ]


def test_files_and_sounds_are_written() -> None:
    parts: tuple[Part, ...] = (
        FilePart(data="QQ==", media_type="application/pdf"),
        FilePart(text="plain"),
        AudioPart("QQ==", "wav"),
    )
    assert sent(chat(Message("user", parts)))["messages"][0]["content"] == [
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "file.pdf"}},
        {"type": "text", "text": "plain"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
    ]


def test_thinking_goes_back_only_to_servers_that_take_it() -> None:
    turn = Message("assistant", (ReasoningPart("hm", signature="anthropic:s"), TextPart("a")))
    own = chat(turn, dialect="openai-chat")
    assert sent(own, "deepseek")["messages"][0] == {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    assert sent(own, "groq")["messages"][0] == {"role": "assistant", "content": "a", "reasoning": "hm"}
    assert sent(own, "openai")["messages"][0] == {"role": "assistant", "content": "a"}
    assert sent(chat(turn), "deepseek")["messages"][0] == {"role": "assistant", "content": "a"}
    assert UPSTREAM.advisory(own, endpoint("openai")) == ["messages[0].reasoning"]


def test_signatures_go_back_only_to_who_made_them() -> None:
    turn = Message("assistant", (ToolCallPart("c", "f", "{}", signature="gemini:SIG"),))
    assert sent(chat(turn), "gemini-openai")["messages"][0]["tool_calls"][0]["extra_content"] == {
        "google": {"thought_signature": "SIG"}
    }
    assert "SIG" not in str(sent(chat(turn), "openai"))


def test_a_developer_is_called_system_where_there_is_none() -> None:
    assert sent(chat(Message("developer", (TextPart("d"),))), "mistral")["messages"][0]["role"] == "system"
    assert sent(chat(Message("developer", (TextPart("d"),))), "openai")["messages"][0]["role"] == "developer"


UNSUPPORTED: list[tuple[ChatRequest, str, str]] = [
    (chat(choices=2), "groq", "n"),
    (chat(logprobs=True), "mistral", "logprobs"),
    (chat(top_k=5), "openai", "top_k"),
    (chat(presence_penalty=1.0), "cerebras", "presence_penalty"),
    (chat(parallel_tool_calls=False), "ollama", "parallel_tool_calls"),
    (chat(extras={"container": "c"}), "openai", "container"),
    (chat(Message("user", (TextPart("x", {"citations": True}),))), "openai", "messages[0].content[0].citations"),
    (
        chat(Message("user", (OpaquePart("anthropic", "messages[0].content[0]", {}),))),
        "openai",
        "messages[0].content[0]",
    ),
    (chat(tools=(OpaqueTool("anthropic", "tools[0]", {}),)), "openai", "tools[0]"),
    (chat(Message("user", (FilePart(url="https://x"), TextPart("x")))), "openai", "messages[0].content"),
    (chat(Message("user", (ImagePart(file_id="f"), TextPart("x")))), "openai", "messages[0].content"),
    (chat(Message("user", (ToolResultPart("c", (ImagePart(url="u"),)),))), "openai", "messages[0].content"),
]


@pytest.mark.parametrize(("request_", "vendor", "field"), UNSUPPORTED)
def test_what_a_server_cannot_do_is_refused_by_name(request_: ChatRequest, vendor: str, field: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        call(request_, vendor)
    assert caught.value.field == field
    assert field in caught.value.public


def test_what_cannot_change_the_answer_is_left_out_and_said() -> None:
    request = chat(
        Message("user", (TextPart("x", {"cache_control": {"type": "ephemeral"}}),)),
        extras={"service_tier": "auto", "nothing": None},
        user="u",
        metadata={"a": "b"},
        parallel_tool_calls=True,
        reasoning=Reasoning(effort="low", summary="auto"),
    )
    body = sent(request, "ollama")
    assert body.keys() == {"model", "messages", "reasoning_effort"}
    assert body["messages"] == [{"role": "user", "content": "x"}]
    assert set(UPSTREAM.advisory(request, endpoint("ollama"))) == {
        "messages[0].content[0].cache_control",
        "service_tier",
        "user",
        "metadata",
        "parallel_tool_calls",
        "reasoning.summary",
    }


def test_the_mark_of_the_deprecated_form_stays_inside() -> None:
    assert "functions" not in sent(chat(dialect="openai-chat", extras={"functions": None}))


def test_mistral_calls_a_seed_random() -> None:
    body = sent(chat(seed=1), "mistral")
    assert body["random_seed"] == 1
    assert "seed" not in body
