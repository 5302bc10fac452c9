"""The ways in which servers that copy OpenAI deviate from it, and what is made of them."""

from typing import Any

import msgspec
import pytest

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import PenstockError, UpstreamProtocolError, UpstreamRefused, UpstreamUnavailable
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject
from penstock.core.usage import Usage
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_chat import OpenAIChatUpstream

UPSTREAM = OpenAIChatUpstream()
ENDPOINT = Endpoint("test", "https://provider.test/v1")
DONE = b"data: [DONE]\n\n"


def request(*, stream: bool = True, choices: int = 1) -> ChatRequest:
    message = Message("user", (TextPart("hi"),))
    return ChatRequest(dialect="openai-chat", model="m", messages=(message,), stream=stream, choices=choices)


def chunk(delta: Any = None, *, reason: str | None = None, index: int = 0, **top: Any) -> bytes:
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": reason}]
    document = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "g", "choices": choices, **top}
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


def read(*frames: bytes, choices: int = 1) -> list[Event]:
    decoder = UPSTREAM.decoder(request(choices=choices), ENDPOINT)
    events: list[Event] = []
    for frame in frames:
        events += decoder.feed(frame)
    return [*events, *decoder.finish()]


def whole(document: Any) -> list[Event]:
    decoder = UPSTREAM.decoder(request(stream=False), ENDPOINT)
    assert not decoder.feed(msgspec.json.encode(document))
    return list(decoder.finish())


def calls(events: list[Event]) -> list[tuple[int, str, str, str]]:
    return [(e.index, e.id, e.name, e.arguments) for e in events if isinstance(e, ToolCall)]


def test_finishes_and_usage_come_last_whatever_the_order_on_the_wire() -> None:
    usage: JsonObject = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = read(
        chunk({"role": "assistant", "content": "a"}, reason="stop", usage={"prompt_tokens": 1, "completion_tokens": 1}),
        chunk({"content": "b"}, reason="stop", usage=usage),
        DONE,
    )
    assert events == [
        Start("c1", "g", 5),
        Text("a"),
        Text("b"),
        Finish("stop", native="stop"),
        UsageReport(Usage(input_tokens=3, output_tokens=2, native_dialect="openai-chat", native=usage)),
    ]


def test_usage_once_told_is_not_taken_back() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    events = read(chunk({"content": "a"}, usage=usage), chunk({}, reason="stop", usage=zero), DONE)
    assert isinstance(events[-1], UsageReport)
    assert events[-1].usage.native == usage


def test_bytes_after_done_are_ignored() -> None:
    decoder = UPSTREAM.decoder(request(), ENDPOINT)
    decoder.feed(chunk({"content": "a"}, reason="stop") + DONE)
    assert decoder.is_complete
    assert decoder.feed(b"data: garbage\n\n") == ()
    assert decoder.finish() == ()


def test_a_server_without_done_is_taken_at_its_finish_reasons() -> None:
    one, two = chunk({"content": "a"}, reason="stop"), chunk({"content": "b"}, reason="length", index=1)
    assert [e.reason for e in read(one, two, choices=2) if isinstance(e, Finish)] == ["stop", "length"]
    with pytest.raises(UpstreamProtocolError):
        read(one, choices=2)
    with pytest.raises(UpstreamProtocolError):
        read(chunk({"content": "a"}))


def test_azure_filter_results_wait_for_the_start_and_are_told_once() -> None:
    safe: JsonObject = {"hate": {"filtered": False}}

    def filtered(text: str) -> bytes:
        document = {
            "id": "c1",
            "model": "g",
            "created": 5,
            "choices": [
                {"index": 0, "delta": {"content": text}, "content_filter_results": safe, "finish_reason": None}
            ],
        }
        return b"data: " + msgspec.json.encode(document) + b"\n\n"

    events = read(
        chunk(id="", model="", prompt_filter_results=[1]),
        filtered("a"),
        filtered("b"),
        chunk({}, reason="stop"),
        DONE,
    )
    assert events == [
        Start("c1", "g", 5),
        Notice("openai-chat", "chunk", {"prompt_filter_results": [1]}),
        Notice("openai-chat", "choice", {"content_filter_results": safe}),
        Text("a"),
        Text("b"),
        Finish("stop", native="stop"),
    ]


def test_fields_that_every_chunk_repeats_are_told_once() -> None:
    events = read(
        chunk({"content": "a"}, system_fingerprint="f", service_tier=None, obfuscation="xx"),
        chunk({"content": "b"}, system_fingerprint="f", p="xxx"),
        chunk({}, reason="stop", system_fingerprint=None, service_tier="default"),
        DONE,
    )
    assert [e.data for e in events if isinstance(e, Notice)] == [
        {"system_fingerprint": "f"},
        {"service_tier": "default"},
    ]


def test_mistral_thinking_parts_are_reasoning() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    events = read(
        chunk({"content": [thinking]}),
        chunk({"content": [{"type": "text", "text": "so"}, {"type": "reference", "reference_ids": [1]}]}),
        chunk({"content": "!"}, reason="stop"),
        DONE,
    )
    assert events[1:-1] == [
        Text("hm", channel="reasoning"),
        Text("so", part=1),
        Notice("openai-chat", "message", {"content_parts": [{"type": "reference", "reference_ids": [1]}]}),
        Text("!", part=1),
    ]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_has_two_names(name: str) -> None:
    events = read(chunk({name: "hm", "content": None}), chunk({"content": "a", name: None}, reason="stop"), DONE)
    assert events[1:3] == [Text("hm", channel="reasoning"), Text("a", part=1)]


def test_groq_usage_is_found_where_groq_puts_it() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = read(chunk({"content": "a"}), chunk({}, reason="stop", x_groq={"id": "r", "usage": usage}), DONE)
    assert isinstance(events[-1], UsageReport)
    assert events[-1].usage.native == usage


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (  # OpenAI: index always, id and name once
            [
                {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
                {"index": 0, "function": {"arguments": "{}"}},
                {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}},
            ],
            [(0, "a", "f", ""), (0, "", "", "{}"), (1, "b", "g", "{}")],
        ),
        (  # every call has the index 0 and its own id (Gemini's compatible API)
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}},
            ],
            [(0, "a", "f", "{}"), (1, "b", "f", "{}")],
        ),
        (  # the id is repeated on every piece, the name too
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
            ],
            [(0, "a", "f", "{"), (0, "", "", "}")],
        ),
        (  # no index at all (Mistral), the arguments an object (Ollama)
            [
                {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}},
                {"id": "b", "function": {"name": "g", "arguments": "{"}},
                {"function": {"arguments": "}"}},
            ],
            [(0, "a", "f", '{"x":1}'), (1, "b", "g", "{"), (1, "", "", "}")],
        ),
        (  # neither id nor index
            [{"function": {"name": "f", "arguments": "{}"}}, {"id": "", "function": {"name": "g", "arguments": ""}}],
            [(0, "call_c1_0", "f", "{}"), (1, "call_c1_1", "g", "")],
        ),
        (  # a custom tool
            [
                {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}},
                {"index": 0, "custom": {"input": "y"}},
            ],
            [(0, "a", "f", "x"), (0, "", "", "y")],
        ),
    ],
)
def test_tool_calls_are_told_apart_however_the_server_numbers_them(
    pieces: list[Any], expected: list[tuple[int, str, str, str]]
) -> None:
    events = read(*(chunk({"tool_calls": [piece]}) for piece in pieces), chunk({}, reason="tool_calls"), DONE)
    assert calls(events) == expected


def test_a_stop_after_calls_is_a_stop_for_calls_but_keeps_its_word() -> None:
    events = read(chunk({"tool_calls": [{"id": "a", "function": {"name": "f"}}]}), chunk({}, reason="stop"), DONE)
    assert events[-1] == Finish("tool_calls", native="stop")


def test_text_after_a_call_is_a_part_of_its_own() -> None:
    call = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}
    events = read(chunk({"content": "a"}), chunk(call), chunk({"content": "b"}, reason="stop"), DONE)
    assert [e.part for e in events if isinstance(e, Text)] == [0, 1]


def test_the_deprecated_function_call_is_a_tool_call() -> None:
    events = read(
        chunk({"function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}),
        chunk({}, reason="function_call"),
        DONE,
    )
    assert calls(events) == [(0, "call_c1_0", "f", "{"), (0, "", "", "}")]
    assert events[-1] == Finish("tool_calls", native="function_call")


def test_a_server_that_does_not_stream_answers_all_the_same() -> None:
    document = {
        "id": "c1",
        "model": "g",
        "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
    }
    body = msgspec.json.encode(document)
    assert read(b"\n", body[:9], body[9:]) == [Start("c1", "g"), Text("a"), Finish("stop", native="stop")]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}, (5, 7, 0, 0)),
        # reasoning that is not counted as output (xAI)
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "total_tokens": 112,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            (5, 107, 0, 100),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}, (5, 7, 3, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_cache_hit_tokens": 2}, (5, 7, 2, 0)),
        ({"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": None}, (5, 0, 0, 0)),
    ],
)
def test_usage_is_read_in_one_convention(usage: Any, counts: tuple[int, int, int, int]) -> None:
    message = {"message": {"content": "a"}, "finish_reason": "stop", "index": 0}
    report = whole({"id": "c", "choices": [message], "usage": usage})[-1]
    assert isinstance(report, UsageReport)
    used = report.usage
    assert (used.input_tokens, used.output_tokens, used.cache_read_tokens, used.reasoning_tokens) == counts
    assert used.accuracy == "exact"
    assert used.native == usage


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, 5])
def test_usage_of_nothing_is_no_report_so_that_it_is_estimated_and_never_read_as_free(usage: Any) -> None:
    message = {"message": {"content": "a"}, "finish_reason": "stop", "index": 0}
    assert isinstance(whole({"id": "c", "choices": [message], "usage": usage})[-1], Finish)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>bad gateway</html>",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[5]}',
        b'{"choices":[{"index":0,"message":{"content":"cut',
        b'{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":null}]}',
        b'{"choices":[{"index":"x"}]}',
        b'\xff{"choices":[]}',
    ],
)
def test_a_whole_answer_that_is_none_is_a_protocol_error(body: bytes) -> None:
    decoder = UPSTREAM.decoder(request(stream=False), ENDPOINT)
    decoder.feed(body)
    with pytest.raises(UpstreamProtocolError):
        decoder.finish()
    assert not decoder.is_complete


@pytest.mark.parametrize(
    "frames",
    [
        b"",
        DONE,
        b": keep-alive\n\n",
        b"data: {broken\n\n",
        b"data: hello\n\n",
        b"data: [1]\n\n",
        b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
        b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"a"},"finish_re',
        b'data: {"id":"a","choices":[5]}\n\n' + DONE,
        b'data: {"id":"a","choices":[{"index":0,"delta":{"tool_calls":[5]}}]}\n\n' + DONE,
    ],
)
def test_a_stream_that_is_none_is_a_protocol_error(frames: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        read(frames)


def test_an_error_in_mid_stream_is_raised_with_what_was_used() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    failure = chunk(error={"code": 400, "message": "Token limit reached"}, usage=usage)
    with pytest.raises(UpstreamRefused) as caught:
        read(chunk({"content": "a"}), failure)
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens == 2
    with pytest.raises(UpstreamUnavailable):
        read(chunk({"content": "a"}), b'event: error\ndata: {"error":{"message":"x","type":"server_error"}}\n\n')


def test_an_error_in_a_whole_answer_is_raised() -> None:
    with pytest.raises(PenstockError, match="overloaded"):
        whole({"error": {"message": "overloaded", "code": 502}})
