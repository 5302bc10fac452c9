"""Requests become Converse bodies that AWS's own model of the API accepts; answers become events."""

import struct
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.answer import Answer, TextBlock
from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    Dialect,
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
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject, dumps, loads
from penstock.flow.fold import Fold
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.dialect import Decoder, Endpoint

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bedrock"
STREAMS = tuple(sorted(path.name for path in FIXTURES.glob("*.stream")))
BODIES = tuple(sorted(path.name for path in FIXTURES.glob("*.json")))
UPSTREAM = BedrockUpstream()
ENDPOINT = Endpoint("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", "AKID:SECRET")
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
HI = (Message("user", (TextPart("hi"),)),)
ADD = Tool("add", "adds", {"type": "object", "properties": {"a": {"type": "number"}}})
LOADER: Any = import_module("botocore.loaders").Loader()
MODEL: Any = import_module("botocore.model").ServiceModel(LOADER.load_service_model("bedrock-runtime", "service-2"))
VALIDATOR: Any = import_module("botocore.validate").ParamValidator()


def request(messages: tuple[Message, ...] = HI, dialect: Dialect = "openai-chat", **fields: Any) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="asked", messages=messages, **fields)


def encode(asked: ChatRequest, model: str = CLAUDE, **options: str) -> Any:
    """The body, which AWS's own description of the API has found to be right."""
    endpoint = Endpoint("bedrock", ENDPOINT.base_url, "AKID:SECRET", options=options)
    body: Any = loads(UPSTREAM.encode(asked, model, endpoint, now=0).body)
    shape = MODEL.operation_model("ConverseStream" if asked.stream else "Converse").input_shape
    report = VALIDATOR.validate({**body, "modelId": model}, shape)
    assert not report.has_errors(), report.generate_report()
    return body


def content(*parts: Part, model: str = CLAUDE) -> Any:
    return encode(request((Message("user", parts),)), model)["messages"][0]["content"]


def decoder(*, stream: bool) -> Decoder:
    return UPSTREAM.decoder(request(stream=stream), ENDPOINT)


def decode(pieces: list[bytes], *, stream: bool) -> list[Event]:
    reader = decoder(stream=stream)
    events = [event for piece in pieces for event in reader.feed(piece)]
    events += reader.finish()
    assert reader.is_complete
    return events


def folded(events: list[Event]) -> Answer:
    fold = Fold()
    fold.feed(events)
    return fold.answer()


def frame(name: str, payload: Any, kind: str = "event") -> bytes:
    headers = b""
    for key, value in ((f":{kind}-type", name), (":message-type", kind)):
        headers += struct.pack(f">B{len(key)}sBH{len(value)}s", len(key), key.encode(), 7, len(value), value.encode())
    body = dumps(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    data = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return data + struct.pack(">I", crc32(data))


START = frame("messageStart", {"role": "assistant"})
USAGE: JsonObject = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
META = frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})


def delta(index: int, **fields: Any) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": fields, "p": "abc"})


def stop(reason: str = "end_turn", **fields: Any) -> bytes:
    return frame("messageStop", {"stopReason": reason, **fields})


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


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_is_decoded_the_same_byte_by_byte(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    whole = decode([data], stream=True)
    assert decode([data[at : at + 1] for at in range(len(data))], stream=True) == whole
    assert whole[0] == Start("", "asked")
    assert [type(event) for event in whole[-2:]] == [Finish, UsageReport]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 300), max_size=50))
def test_no_cut_of_the_bytes_changes_the_events(name: str, sizes: list[int]) -> None:
    data = (FIXTURES / name).read_bytes()
    pieces: list[bytes] = []
    at = 0
    for size in [*sizes, len(data)]:
        pieces.append(data[at : at + size])
        at += size
    assert decode(pieces, stream=True) == decode([data], stream=True)


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_says_what_botocore_reads(name: str) -> None:
    buffer: Any = import_module("botocore.eventstream").EventStreamBuffer()
    buffer.add_data((FIXTURES / name).read_bytes())
    said = {"text": "", "reasoning": "", "input": ""}
    calls: dict[int, str] = {}
    ending: dict[str, Any] = {}
    for message in buffer:
        payload: Any = loads(message.payload)
        match message.headers[":event-type"]:
            case "contentBlockStart" if payload["start"].get("toolUse", {}).get("type") not in {None, "tool_use"}:
                pass
            case "contentBlockStart" if "toolUse" in payload["start"]:
                calls[payload["contentBlockIndex"]] = payload["start"]["toolUse"]["name"]
            case "contentBlockDelta":
                piece = payload["delta"]
                said["text"] += piece.get("text", "")
                said["reasoning"] += piece.get("reasoningContent", {}).get("text", "")
                if payload["contentBlockIndex"] in calls:
                    said["input"] += piece["toolUse"]["input"]
            case "messageStop" | "metadata":
                ending.update(payload)
            case _:
                pass
    answer = folded(decode([(FIXTURES / name).read_bytes()], stream=True))
    choice = answer.choices[0]
    assert {
        "text": choice.text(),
        "reasoning": choice.text("reasoning"),
        "input": "".join(call.arguments for call in choice.tool_calls()),
    } == said
    assert [call.name for call in choice.tool_calls()] == list(calls.values())
    assert choice.finish is not None
    assert choice.finish.native == ending["stopReason"]
    assert answer.usage is not None
    assert answer.usage.native == ending["usage"]


@pytest.mark.parametrize("name", BODIES)
def test_a_recorded_body_says_what_its_blocks_say(name: str) -> None:
    body: Any = loads((FIXTURES / name).read_bytes())
    blocks = body["output"]["message"]["content"]
    answer = folded(decode([(FIXTURES / name).read_bytes()], stream=False))
    choice = answer.choices[0]
    assert choice.text() == "".join(block.get("text", "") for block in blocks)
    assert choice.text("reasoning") == "".join(
        block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "") for block in blocks
    )
    assert [(c.id, c.name, loads(c.arguments)) for c in choice.tool_calls()] == [
        (b["toolUse"]["toolUseId"], b["toolUse"]["name"], b["toolUse"]["input"]) for b in blocks if "toolUse" in b
    ]
    assert choice.finish is not None
    assert choice.finish.native == body["stopReason"]
    usage, native = answer.usage, body["usage"]
    assert usage is not None
    assert usage.input_tokens == (
        native["inputTokens"] + native.get("cacheReadInputTokens", 0) + native.get("cacheWriteInputTokens", 0)
    )
    assert usage.output_tokens == native["outputTokens"]


def test_cached_tokens_count_as_input() -> None:
    body: Any = loads((FIXTURES / "cache.json").read_bytes())
    usage = folded(decode([(FIXTURES / "cache.json").read_bytes()], stream=False)).usage
    assert usage is not None
    assert body["usage"]["cacheWriteInputTokens"] + body["usage"]["cacheReadInputTokens"] > 0
    assert usage.input_tokens > body["usage"]["inputTokens"]


def test_signatures_carry_the_name_of_their_dialect() -> None:
    data = (
        START
        + delta(0, reasoningContent={"text": "hm"})
        + delta(0, reasoningContent={"signature": "abc"})
        + frame("contentBlockStop", {"contentBlockIndex": 0})
        + delta(1, reasoningContent={"redactedContent": "QUI="})
        + delta(1, reasoningContent={"redactedContent": "Qw=="})
        + frame("contentBlockStop", {"contentBlockIndex": 1})
        + stop()
        + META
    )
    assert folded(decode([data], stream=True)).choices[0].blocks == [
        TextBlock("reasoning", 0, "hm", signature="bedrock:abc"),
        TextBlock("reasoning", 1, "", signature="bedrock:redacted:QUJD"),
    ]


def test_a_tool_call_without_arguments_is_called_with_an_empty_object() -> None:
    begin = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "now"}}}
    end = frame("contentBlockStop", {"contentBlockIndex": 0})
    data = START + frame("contentBlockStart", begin) + end + stop("tool_use") + META
    assert decode([data], stream=True)[1:3] == [ToolCall(0, 0, "t", "now"), ToolCall(0, 0, arguments="{}")]


def test_text_with_citations_is_text() -> None:
    block: JsonObject = {"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": []}}
    body: JsonObject = {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "end_turn"}
    events = decode([dumps(body)], stream=False)
    assert events[1:3] == [Text("ab"), Notice("bedrock", "block", block)]


def test_an_answer_without_metadata_is_whole_but_has_no_usage() -> None:
    events = decode([START + delta(0, text="a") + stop()], stream=True)
    assert [type(event) for event in events] == [Start, Text, Finish]


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "error"),
        ("malformed_tool_use", "error"),
        ("of_tomorrow", "stop"),
    ],
)
def test_every_stop_reason_has_its_meaning(native: str, reason: str) -> None:
    (finish,) = [e for e in decode([START + stop(native) + META], stream=True) if isinstance(e, Finish)]
    assert (finish.reason, finish.native) == (reason, native)


def test_the_stop_sequence_that_hit_is_told() -> None:
    data = START + stop("stop_sequence", additionalModelResponseFields={"stop_sequence": "END"}) + META
    assert Finish("stop", 0, "stop_sequence", "END") in decode([data], stream=True)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_before_its_end_is_an_error(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    end = data.rindex(b"messageStop") - 24
    for size in (*range(0, end, max(1, end // 40)), len(data) - 1):
        reader = decoder(stream=True)
        reader.feed(data[:size])
        with pytest.raises(UpstreamProtocolError):
            reader.finish()


@pytest.mark.parametrize(
    "data",
    [
        frame("messageStop", {"stopReason": "end_turn"}),
        delta(0, text="a"),
        START + META,
        START + frame("messageStop", {}),
        START + frame("contentBlockStart", {"contentBlockIndex": 0}),
        START + frame("contentBlockDelta", {"delta": {"text": "a"}}),
        START + frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 3}}),
        START
        + frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": "!"}}}),
        START + frame("messageStop", []),
    ],
)
def test_a_stream_that_is_not_the_dialects_is_an_error(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode([data], stream=True)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"output": {"message": {"content": [1]}}, "stopReason": "x"}', b"<"]
)
def test_a_body_that_is_not_the_dialects_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode([body], stream=False)


EXCEPTIONS: tuple[tuple[str, int, str, type[PenstockError], str], ...] = (
    ("ValidationException", 400, "The provided model identifier is invalid.", UpstreamRefused, "never"),
    ("ValidationException", 400, "Input is too long for requested model.", ContextTooLong, "other"),
    ("AccessDeniedException", 403, "You don't have access", UpstreamAuthFailed, "other"),
    ("UnrecognizedClientException", 403, "The security token is invalid", UpstreamAuthFailed, "other"),
    ("ExpiredTokenException", 403, "expired", UpstreamAuthFailed, "other"),
    ("InvalidSignatureException", 403, "signature", UpstreamAuthFailed, "other"),
    ("ResourceNotFoundException", 404, "no such model", UpstreamRefused, "other"),
    ("ModelTimeoutException", 408, "late", UpstreamTimeout, "other"),
    ("ModelErrorException", 424, "broken", UpstreamUnavailable, "same"),
    ("ModelStreamErrorException", 424, "broken", UpstreamUnavailable, "same"),
    ("ThrottlingException", 429, "Too many tokens, please wait", UpstreamThrottled, "same"),
    ("ServiceQuotaExceededException", 400, "quota", UpstreamThrottled, "same"),
    ("ModelNotReadyException", 429, "not ready", UpstreamUnavailable, "same"),
    ("InternalServerException", 500, "oops", UpstreamUnavailable, "same"),
    ("ServiceUnavailableException", 503, "busy", UpstreamUnavailable, "same"),
)


@pytest.mark.parametrize(("name", "status", "message", "expected", "retry"), EXCEPTIONS)
def test_every_exception_has_its_class_and_its_retry(
    name: str, status: int, message: str, *, expected: type[PenstockError], retry: str
) -> None:
    by_header = UPSTREAM.error(
        status, {"x-amzn-errortype": f"{name}:http://internal.amazon.com/x"}, dumps({"message": message})
    )
    by_body = UPSTREAM.error(status, {}, dumps({"__type": f"com.amazon.coral#{name}", "Message": message}))
    for error in (by_header, by_body):
        assert type(error) is expected
        assert error.retry == retry
        assert error.detail is not None
        assert message in error.detail
        assert (message in error.public) == (expected is UpstreamRefused)


def test_every_exception_that_aws_declares_is_in_the_table() -> None:
    known = {name for name, *_ in EXCEPTIONS}
    for operation in ("Converse", "ConverseStream"):
        assert {shape.name for shape in MODEL.operation_model(operation).error_shapes} <= known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("throttlingException", UpstreamThrottled),
        ("modelStreamErrorException", UpstreamUnavailable),
        ("internalServerException", UpstreamUnavailable),
        ("serviceUnavailableException", UpstreamUnavailable),
        ("validationException", UpstreamRefused),
        ("ofTomorrowException", UpstreamUnavailable),
    ],
)
def test_an_exception_inside_a_stream_is_mapped_by_its_name(name: str, expected: type[PenstockError]) -> None:
    reader = decoder(stream=True)
    assert len(reader.feed(START + delta(0, text="a"))) == 2
    with pytest.raises(expected):
        reader.feed(frame(name, {"message": "said"}, kind="exception"))


def test_no_status_is_left_without_an_error() -> None:
    for status in (*range(300, 600), 999):
        for body in (b"", b"<html>", b"[]", b'{"message": 1}'):
            assert isinstance(UPSTREAM.error(status, {"retry-after": "soon"}, body), PenstockError)


def test_an_error_does_not_name_our_account() -> None:
    said = "No access to arn:aws:bedrock:us-east-1:123456789012:inference-profile/x, ask for it."
    error = UPSTREAM.error(404, {}, dumps({"message": said}))
    assert "123456789012" not in error.public
    assert "ask for it" in error.public


def test_how_long_to_wait_is_read_from_the_header() -> None:
    assert UPSTREAM.error(429, {"retry-after": "3"}, b"").retry_after_s == 3.0
