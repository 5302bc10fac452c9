"""How answers and errors are written for chat-completions clients."""

from typing import Any

import msgspec
import pytest

from penstock.core.answer import Answer, Choice, TextBlock, ToolCallBlock
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import InternalError, PenstockError, PolicyBlocked, RateLimited, UnknownModel
from penstock.core.events import Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject
from penstock.core.usage import UNKNOWN_USAGE, Usage
from penstock.wire.openai_chat import OpenAIChat, error_body

DIALECT = OpenAIChat()
START = Start("chatcmpl-1", "gpt-x", 1700000000)


def exchange(*, include_usage: bool = False, extras: JsonObject | None = None) -> Exchange:
    request = ChatRequest(
        dialect="openai-chat",
        model="asked-for",
        messages=(Message("user", (TextPart("hi"),)),),
        stream=True,
        include_usage=include_usage,
        extras=extras or {},
    )
    return Exchange(
        id=ExchangeId("ex_77"),
        principal=Principal("t", "k"),
        request=request,
        dialect="openai-chat",
        started_at=1600000000.5,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )


def unary(answer: Answer, **how: Any) -> Any:
    return msgspec.json.decode(DIALECT.encode(answer, exchange(**how)))


def chunks(body: bytes) -> list[Any]:
    assert body.endswith(b"\n\n")
    frames = [frame.removeprefix("data: ") for frame in body.decode().split("\n\n")[:-1]]
    return [msgspec.json.decode(frame) for frame in frames if frame != "[DONE]"]


def deltas(body: bytes) -> list[Any]:
    return [choice["delta"] for chunk in chunks(body) for choice in chunk["choices"]]


def stream(*batches: list[Event], **how: Any) -> bytes:
    encoder = DIALECT.stream(exchange(**how))
    return b"".join(encoder.feed(batch) for batch in batches) + encoder.finish()


def test_a_plain_answer_is_written() -> None:
    usage = Usage(input_tokens=5, output_tokens=7, cache_read_tokens=2, reasoning_tokens=3)
    answer = Answer(START, [Choice(0, [TextBlock("answer", 0, "Hello")], Finish("stop"))], usage=usage)
    assert unary(answer) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-x",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }


def test_everything_an_answer_can_hold_is_written() -> None:
    entry: JsonObject = {"token": "a", "logprob": -1.0}
    blocks: list[TextBlock | ToolCallBlock | Notice | Citation] = [
        Notice("openai-chat", "answer", {"system_fingerprint": "fp"}),
        Notice("openai-chat", "chunk", {"x_groq": {"id": "g"}}),
        Notice("openai-chat", "choice", {"content_filter_results": {}}),
        Notice("openai-chat", "message", {"annotations": [1]}),
        Notice("openai-chat", "message", {"annotations": [2]}),
        Notice("anthropic", "message", {"never": "shown"}),
        TextBlock("reasoning", 0, "hm", signature="anthropic:x"),
        TextBlock("answer", 1, "a", logprobs=[entry]),
        TextBlock("answer", 2, "b", logprobs=[entry]),
        ToolCallBlock(0, "c1", "f", "{}", signature="gemini:SIG"),
        ToolCallBlock(1, "c2", "g", "free", kind="custom"),
    ]
    document = unary(Answer(START, [Choice(0, blocks, Finish("tool_calls", native="tool_use"))]))
    assert document["system_fingerprint"] == "fp"
    assert document["x_groq"] == {"id": "g"}
    assert "usage" not in document
    choice = document["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["content_filter_results"] == {}
    assert choice["logprobs"] == {"content": [entry, entry], "refusal": None}
    assert choice["message"] == {
        "role": "assistant",
        "content": "ab",
        "refusal": None,
        "reasoning_content": "hm",
        "annotations": [1, 2],
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "SIG"}},
            },
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free"}},
        ],
    }


def test_native_usage_is_shown_as_the_provider_said_it_and_unknown_usage_not_at_all() -> None:
    choices = [Choice(0, [TextBlock("answer", 0, "x")], Finish("stop"))]
    native = Usage(input_tokens=1, native_dialect="openai-chat", native={"prompt_tokens": 1, "cost": 0.5})
    assert unary(Answer(START, choices, usage=native))["usage"] == {"prompt_tokens": 1, "cost": 0.5}
    foreign = Usage(input_tokens=1, native_dialect="anthropic", native={"input_tokens": 1})
    assert unary(Answer(START, choices, usage=foreign))["usage"]["prompt_tokens"] == 1
    assert "usage" not in unary(Answer(START, choices, usage=UNKNOWN_USAGE))


def test_what_the_provider_left_open_is_filled_in() -> None:
    document = unary(Answer(Start("", ""), [Choice(0, [], Finish("stop"))]))
    assert (document["id"], document["model"], document["created"]) == ("chatcmpl-77", "asked-for", 1600000000)
    assert document["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize(
    ("reason", "native", "shown"),
    [
        ("stop", None, "stop"),
        ("length", "MAX_TOKENS", "length"),
        ("refusal", "refusal", "content_filter"),
        ("pause", "pause_turn", "stop"),
        ("error", None, "error"),
        ("tool_calls", "stop", "stop"),
    ],
)
def test_finish_reasons_are_openais(reason: Any, native: str | None, shown: str) -> None:
    answer = Answer(START, [Choice(0, [], Finish(reason, native=native))])
    assert unary(answer)["choices"][0]["finish_reason"] == shown
    assert chunks(stream([START, Finish(reason, native=native)]))[-1]["choices"][0]["finish_reason"] == shown


def test_a_stream_has_a_role_first_then_text_then_the_reason_then_done() -> None:
    body = stream([START], [Text("Hel")], [Text('lo \n"ü'), Finish("stop", native="stop")])
    assert body.endswith(b"data: [DONE]\n\n")
    assert [c["choices"][0] for c in chunks(body)] == [
        {"index": 0, "delta": {"role": "assistant"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": "Hel"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": 'lo \n"ü'}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"},
    ]
    assert all(
        {k: c[k] for k in ("id", "object", "created", "model")}
        == {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-x"}
        for c in chunks(body)
    )
    assert all("usage" not in c for c in chunks(body))


def test_usage_is_the_last_chunk_for_who_asked_and_null_before() -> None:
    events: list[Event] = [START, Text("x"), Finish("stop"), UsageReport(Usage(input_tokens=1, output_tokens=2))]
    *before, last = chunks(stream(events, include_usage=True))
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 3
    assert all(c["usage"] is None for c in before)
    assert all("usage" not in c for c in chunks(stream(events)))
    unknown: list[Event] = [START, Text("x"), Finish("stop"), UsageReport(UNKNOWN_USAGE)]
    assert all(c["usage"] is None for c in chunks(stream(unknown, include_usage=True)))


def test_each_choice_begins_with_its_role() -> None:
    body = stream([START, Text("a"), Text("b", choice=1)], [Text("c"), Text("d", choice=1)])
    assert deltas(body) == [
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"content": "c"},
        {"content": "d"},
    ]


def test_channels_logprobs_and_calls_are_streamed() -> None:
    entry: JsonObject = {"token": "a", "logprob": -1.0}
    body = stream(
        [START],
        [Text("hm", channel="reasoning"), Text("", channel="reasoning", signature="anthropic:s")],
        [Text("no", channel="refusal"), Text("a", logprobs=[entry])],
        [
            ToolCall(0, 0, "c1", "f", ""),
            ToolCall(0, 0, arguments='{"a"'),
            ToolCall(0, 1, "c2", "g", "x", kind="custom"),
        ],
        [ToolCall(0, 1, arguments="y", kind="custom"), ToolCall(0, 0, arguments=":1}")],
        [Finish("tool_calls")],
    )
    assert deltas(body) == [
        {"role": "assistant"},
        {"reasoning_content": "hm"},
        {"refusal": "no"},
        {"content": "a"},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}}]},
        {"tool_calls": [{"index": 1, "custom": {"input": "y"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {},
    ]
    assert chunks(body)[3]["choices"][0]["logprobs"] == {"content": [entry], "refusal": None}


def test_notices_ride_on_the_next_chunk_and_fields_of_the_answer_on_all() -> None:
    body = stream(
        [Notice("openai-chat", "answer", {"system_fingerprint": "fp"}), START],
        [
            Notice("openai-chat", "chunk", {"prompt_filter_results": [1]}),
            Notice("openai-chat", "choice", {"content_filter_results": {"a": 1}}),
            Text("x"),
        ],
        [Notice("openai-chat", "message", {"annotations": [1]})],
        [Notice("gemini", "message", {"never": "shown"}), Text("y")],
    )
    one, two, three, four = chunks(body)
    assert all(c["system_fingerprint"] == "fp" for c in (one, two, three, four))
    assert two["prompt_filter_results"] == [1]
    assert two["choices"][0]["content_filter_results"] == {"a": 1}
    assert two["choices"][0]["delta"] == {"content": "x"}
    assert three["choices"][0]["delta"] == {"annotations": [1]}
    assert four["choices"][0] == {"index": 0, "delta": {"content": "y"}, "logprobs": None, "finish_reason": None}


def test_a_caller_of_the_deprecated_form_is_answered_in_it() -> None:
    how = {"extras": {"functions": None}}
    answer = Answer(START, [Choice(0, [ToolCallBlock(0, "c", "f", "{}")], Finish("tool_calls", native="tool_calls"))])
    choice = unary(answer, **how)["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"
    assert "tool_calls" not in choice["message"]
    body = stream([START, ToolCall(0, 0, "c", "f", "{"), ToolCall(0, 0, arguments="}"), Finish("tool_calls")], **how)
    assert deltas(body) == [
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{"}},
        {"function_call": {"arguments": "}"}},
        {},
    ]


def test_a_stream_that_fails_ends_in_an_error_without_done() -> None:
    failed = exchange()
    encoder = DIALECT.stream(failed)
    encoder.feed([START, Text("x")])
    failed.error = PolicyBlocked("Not today.")
    body = encoder.fail(failed)
    assert chunks(body) == [
        {"error": {"message": "Not today.", "type": "invalid_request_error", "param": None, "code": "policy_blocked"}}
    ]
    assert b"[DONE]" not in body


@pytest.mark.parametrize(
    ("error", "kind", "param"),
    [
        (UnknownModel("No such model.", field="model"), "invalid_request_error", "model"),
        (RateLimited("Slow down."), "rate_limit_error", None),
    ],
)
def test_errors_have_openais_shape(error: PenstockError, kind: str, param: str | None) -> None:
    assert msgspec.json.decode(error_body(error, "ex_1")) == {
        "error": {"message": error.public, "type": kind, "param": param, "code": error.code}
    }


def test_a_fault_of_our_own_shows_nothing_but_the_exchange_id() -> None:
    shown = DIALECT.encode_error(InternalError("KeyError: 'secret'"), "ex_77")
    assert b"secret" not in shown
    assert b"ex_77" in shown
