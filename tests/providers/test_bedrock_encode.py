"""What Converse is asked, judged by the types that botocore has of it."""

from typing import Any

import pytest
from tests.providers.bedrock_frames import ENDPOINT, HI, UPSTREAM, botocore, request, service_model

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
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
from penstock.core.json import JsonObject, loads
from penstock.providers.dialect import Endpoint

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
ADD = Tool("add", "adds", {"type": "object", "properties": {"a": {"type": "number"}}})


def encode(asked: ChatRequest, model: str = CLAUDE, **options: str) -> Any:
    """The body, which AWS's own description of the API has found to be right."""
    endpoint = Endpoint("bedrock", ENDPOINT.base_url, "AKID:SECRET", options=options)
    body: Any = loads(UPSTREAM.encode(asked, model, endpoint, now=0).body)
    shape = service_model().operation_model("ConverseStream" if asked.stream else "Converse").input_shape
    report = botocore("validate").ParamValidator().validate({**body, "modelId": model}, shape)
    assert not report.has_errors(), report.generate_report()
    return body


def content(*parts: Part, model: str = CLAUDE) -> Any:
    return encode(request((Message("user", parts),)), model)["messages"][0]["content"]


def test_a_conversation_with_tools_has_converses_form() -> None:
    messages = (
        Message("system", (TextPart("brief"),)),
        Message("user", (TextPart("add"),)),
        Message("assistant", (TextPart(""), ToolCallPart("c:1", "add", '{"a": 1}'), ToolCallPart("c2", "add", ""))),
        Message("tool", (ToolResultPart("c:1", (TextPart("2"),)),)),
        Message("tool", (ToolResultPart("c2", (), is_error=True),)),
        Message("user", (TextPart("so?"),)),
    )
    asked = request(
        messages,
        tools=(ADD,),
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        tool_choice=ToolChoice("required"),
    )
    assert encode(asked) == {
        "system": [{"text": "brief"}],
        "messages": [
            {"role": "user", "content": [{"text": "add"}]},
            {
                "role": "assistant",
                "content": [
                    {"toolUse": {"toolUseId": "c_1", "name": "add", "input": {"a": 1}}},
                    {"toolUse": {"toolUseId": "c2", "name": "add", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "c_1", "content": [{"text": "2"}]}},
                    {"toolResult": {"toolUseId": "c2", "content": [{"text": ""}], "status": "error"}},
                    {"text": "so?"},
                ],
            },
        ],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "add", "description": "adds", "inputSchema": {"json": ADD.parameters}}}],
            "toolChoice": {"any": {}},
        },
    }


def test_media_have_their_blocks() -> None:
    assert content(
        ImagePart(data="QUJD", media_type="image/jpg"),
        ImagePart(url="s3://bucket/a.png"),
        FilePart(data="QUJD", media_type="application/pdf", filename="my_report  (1).pdf"),
        FilePart(text="abc"),
        FilePart(data="QUJD", media_type="video/mp4"),
        AudioPart("QUJD", "wav"),
    ) == [
        {"image": {"format": "jpeg", "source": {"bytes": "QUJD"}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}},
        {"document": {"format": "pdf", "name": "my report (1) pdf", "source": {"bytes": "QUJD"}}},
        {"document": {"format": "txt", "name": "document messages[0] content[3]", "source": {"bytes": "YWJj"}}},
        {"video": {"format": "mp4", "source": {"bytes": "QUJD"}}},
        {"audio": {"format": "wav", "source": {"bytes": "QUJD"}}},
    ]


def test_a_mark_for_the_cache_becomes_a_cache_point_where_the_model_knows_them() -> None:
    marked = TextPart("a", {"cache_control": {"type": "ephemeral", "ttl": "1h"}})
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert content(marked) == [{"text": "a"}, point]
    assert content(marked, model=NOVA) == [{"text": "a"}, point]
    assert content(marked, model="meta.llama3-8b-instruct-v1:0") == [{"text": "a"}]
    asked = request(tools=(Tool("f", parameters={"type": "object"}, extras={"cache_control": {"type": "ephemeral"}}),))
    assert encode(asked)["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}


def test_thinking_goes_back_only_to_the_dialect_that_signed_it() -> None:
    parts = (
        ReasoningPart("own", "bedrock:s"),
        ReasoningPart("", "bedrock:redacted:QUJD"),
        ReasoningPart("other's", "anthropic:s"),
        ReasoningPart("unsigned"),
        TextPart("a"),
    )
    messages = (*HI, Message("assistant", parts), *HI, Message("assistant", (ReasoningPart("unsigned"),)))
    written = encode(request(messages))["messages"]
    assert written[1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "own", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "QUJD"}},
        {"text": "a"},
    ]
    assert len(written) == 3


@pytest.mark.parametrize(
    ("model", "fields", "more"),
    [
        (CLAUDE, {"top_k": 4}, {"top_k": 4}),
        (NOVA, {"top_k": 4}, {"inferenceConfig": {"topK": 4}}),
        ("cohere.command-r-v1:0", {"top_k": 4}, {"k": 4}),
        (CLAUDE, {"reasoning": Reasoning("low")}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (CLAUDE, {"reasoning": Reasoning("none")}, None),
        (
            "anthropic.claude-opus-4-6-v1",
            {"reasoning": Reasoning("high")},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (
            "anthropic.claude-opus-4-6-v1",
            {"dialect": "anthropic", "reasoning": Reasoning()},
            {"thinking": {"type": "adaptive"}},
        ),
        (
            "anthropic.claude-opus-4-6-v1",
            {"dialect": "anthropic", "reasoning": Reasoning("high", extras={"thinking": None})},
            {"output_config": {"effort": "high"}},
        ),
        (
            CLAUDE,
            {"dialect": "anthropic", "reasoning": Reasoning(budget_tokens=3000)},
            {"thinking": {"type": "enabled", "budget_tokens": 3000}},
        ),
        ("openai.gpt-oss-120b-1:0", {"reasoning": Reasoning("high")}, {"reasoning_effort": "high"}),
        ("qwen.qwen3-32b-v1:0", {"reasoning": Reasoning("minimal")}, {"reasoning_config": "low"}),
        (NOVA, {"reasoning": Reasoning("low")}, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ("meta.llama3-8b-instruct-v1:0", {"reasoning": Reasoning("none")}, None),
        (
            CLAUDE,
            {"tools": (ADD,), "parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (
            CLAUDE,
            {"top_k": 4, "extras": {"additionalModelRequestFields": {"anthropic_beta": ["b"]}}},
            {"top_k": 4, "anthropic_beta": ["b"]},
        ),
    ],
)
def test_each_family_gets_its_own_words(model: str, fields: dict[str, Any], more: Any) -> None:
    assert encode(request(**fields), model).get("additionalModelRequestFields") == more


def test_a_schema_for_the_answer_becomes_an_output_format() -> None:
    wish = ResponseFormat("json_schema", "City", {"type": "object"}, description="d")
    assert encode(request(response_format=wish))["outputConfig"] == {
        "textFormat": {
            "type": "json_schema",
            "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "City", "description": "d"}},
        }
    }


def test_converses_own_fields_go_along_but_a_guardrail_of_the_deployment_stands() -> None:
    mine: JsonObject = {"guardrailIdentifier": "mine", "guardrailVersion": "1"}
    asked = request(extras={"guardrailConfig": mine, "performanceConfig": {"latency": "optimized"}})
    assert encode(asked)["guardrailConfig"] == mine
    body = encode(asked, guardrail_id="g", guardrail_version="2", guardrail_trace="enabled")
    assert body["guardrailConfig"] == {"guardrailIdentifier": "g", "guardrailVersion": "2", "trace": "enabled"}
    assert body["performanceConfig"] == {"latency": "optimized"}


def test_what_cannot_change_the_answer_is_left_out_and_said() -> None:
    asked = request(metadata={"a": "b"}, user="u", extras={"store": True, "anthropic-beta": "x"})
    assert encode(asked).keys() == {"messages"}
    assert set(UPSTREAM.advisory(asked, ENDPOINT)) == {"metadata", "user", "store", "anthropic-beta"}


def user(*parts: Part) -> tuple[Message, ...]:
    return (Message("user", parts),)


LLAMA = "meta.llama3-8b-instruct-v1:0"
UNSUPPORTED: tuple[tuple[str, dict[str, Any], str], ...] = (
    (CLAUDE, {"choices": 2}, "n"),
    (CLAUDE, {"logprobs": True}, "logprobs"),
    (CLAUDE, {"seed": 1}, "seed"),
    (CLAUDE, {"presence_penalty": 1}, "presence_penalty"),
    (CLAUDE, {"temperature": 1.5}, "temperature"),
    (CLAUDE, {"extras": {"logit_bias": {"1": 2}}}, "logit_bias"),
    (CLAUDE, {"response_format": ResponseFormat("json_object")}, "response_format"),
    (CLAUDE, {"tools": (Tool("f", kind="custom"),)}, "tools[0]"),
    (LLAMA, {"top_k": 3}, "top_k"),
    (LLAMA, {"reasoning": Reasoning("low")}, "reasoning_effort"),
    (LLAMA, {"reasoning": Reasoning(budget_tokens=2000), "dialect": "anthropic"}, "thinking"),
    (NOVA, {"reasoning": Reasoning("xhigh")}, "reasoning_effort"),
    (LLAMA, {"tools": (ADD,), "parallel_tool_calls": False}, "parallel_tool_calls"),
    (CLAUDE, {"messages": user(ImagePart(url="https://x/y.png"))}, "messages[0].content[0]"),
    (CLAUDE, {"messages": user(ImagePart(data="QUJD", media_type="image/tiff"))}, "messages[0].content[0]"),
    (CLAUDE, {"messages": user(FilePart(file_id="f"))}, "messages[0].content[0].file_id"),
    (CLAUDE, {"messages": user(FilePart(data="QUJD", media_type="application/zip"))}, "messages[0].content[0]"),
    (
        CLAUDE,
        {"messages": user(OpaquePart("anthropic", "messages[0].content[0]", {})), "dialect": "anthropic"},
        "messages[0].content[0]",
    ),
    (
        CLAUDE,
        {
            "tools": (ADD,),
            "tool_choice": ToolChoice("none"),
            "messages": user(ToolResultPart("c", (TextPart("2"),))),
        },
        "tool_choice",
    ),
)


@pytest.mark.parametrize(("model", "fields", "field"), UNSUPPORTED)
def test_what_a_model_cannot_do_is_refused_by_the_callers_name(model: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        encode(request(**fields), model)
    assert caught.value.field == field
    assert field in caught.value.public


def test_tools_that_may_not_be_called_are_not_offered() -> None:
    assert "toolConfig" not in encode(request(tools=(ADD,), tool_choice=ToolChoice("none")))


def test_embeddings_are_refused() -> None:
    with pytest.raises(UnsupportedField):
        UPSTREAM.encode(EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a",)), "m", ENDPOINT, now=0)
