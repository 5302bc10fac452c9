"""Anthropic answers become the same events whatever the bytes' cut; a broken answer is an error, never a short one."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.answer import Answer, TextBlock
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import (
    PenstockError,
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
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.dialect import Decoder, Endpoint

FIXTURES = Path(__file__).parent.parent / "fixtures" / "anthropic"
STREAMS = tuple(sorted(path.name for path in FIXTURES.glob("*.sse")))
BODIES = tuple(sorted(path.name for path in FIXTURES.glob("*.json") if ".request" not in path.name))
ENDPOINT = Endpoint("anthropic", "https://api.anthropic.com", "key")


def decoder(*, stream: bool) -> Decoder:
    request = ChatRequest(dialect="anthropic", model="m", messages=(Message("user", (TextPart("hi"),)),), stream=stream)
    return AnthropicUpstream().decoder(request, ENDPOINT)


def decode(pieces: list[bytes], *, stream: bool) -> list[Event]:
    reader = decoder(stream=stream)
    events = [event for piece in pieces for event in reader.feed(piece)]
    events += reader.finish()
    assert reader.is_complete
    return events


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (str(e["type"]).encode(), dumps(e)) for e in events)


def start(**usage: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "usage": usage,
    }
    return {"type": "message_start", "message": message}


def block_start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def block_stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def message_delta(reason: str, **usage: int) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


STOP: dict[str, Any] = {"type": "message_stop"}


def folded(events: list[Event]) -> Answer:
    fold = Fold()
    fold.feed(events)
    return fold.answer()


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces: list[bytes] = []
    at = 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_is_decoded_the_same_byte_by_byte(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    whole = decode([data], stream=True)
    assert decode([data[at : at + 1] for at in range(len(data))], stream=True) == whole
    assert isinstance(whole[0], Start)
    assert [type(event) for event in whole[-2:]] == [Finish, UsageReport]
    assert sum(isinstance(event, Finish) for event in whole) == 1


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 400), max_size=60))
def test_no_cut_of_the_bytes_changes_the_events(name: str, sizes: list[int]) -> None:
    data = (FIXTURES / name).read_bytes()
    assert decode(cut(data, sizes), stream=True) == decode([data], stream=True)


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_says_what_its_frames_say(name: str) -> None:
    text = thinking = arguments = ""
    calls: list[str] = []
    for line in (FIXTURES / name).read_text().splitlines():
        if not line.startswith("data:"):
            continue
        frame: Any = loads(line.removeprefix("data:"))
        piece = frame.get("delta", {})
        if frame["type"] == "content_block_start" and frame["content_block"]["type"] == "tool_use":
            calls.append(frame["content_block"]["name"])
        if piece.get("type") == "input_json_delta" and calls:
            arguments += piece["partial_json"]
        text += piece.get("text", "") if piece.get("type") == "text_delta" else ""
        thinking += piece.get("thinking", "")
    choice = folded(decode([(FIXTURES / name).read_bytes()], stream=True)).choices[0]
    assert choice.text() == text
    assert choice.text("reasoning") == thinking
    assert [call.name for call in choice.tool_calls()] == calls
    assert "".join(call.arguments for call in choice.tool_calls()) == arguments


@pytest.mark.parametrize("name", BODIES)
def test_a_recorded_body_says_what_its_blocks_say(name: str) -> None:
    body: Any = loads((FIXTURES / name).read_bytes())
    answer = folded(decode([(FIXTURES / name).read_bytes()], stream=False))
    choice = answer.choices[0]
    assert choice.text() == "".join(b["text"] for b in body["content"] if b["type"] == "text")
    assert [(c.id, c.name, loads(c.arguments)) for c in choice.tool_calls()] == [
        (b["id"], b["name"], b["input"]) for b in body["content"] if b["type"] == "tool_use"
    ]
    assert choice.finish is not None
    assert choice.finish.native == body["stop_reason"]
    assert answer.usage is not None
    assert answer.usage.native == body["usage"]


def test_cached_tokens_count_as_input() -> None:
    answer = folded(decode([(FIXTURES / "cache.json").read_bytes()], stream=False))
    body: Any = loads((FIXTURES / "cache.json").read_bytes())
    native = body["usage"]
    assert native["cache_read_input_tokens"] > 0
    assert answer.usage is not None
    assert answer.usage.cache_read_tokens == native["cache_read_input_tokens"]
    assert answer.usage.input_tokens == (
        native["input_tokens"] + native["cache_read_input_tokens"] + native["cache_creation_input_tokens"]
    )


def test_tokens_of_sub_calls_outside_the_totals_make_the_usage_an_estimate() -> None:
    answer = folded(decode([(FIXTURES / "advisor.json").read_bytes()], stream=False))
    assert answer.usage is not None
    assert answer.usage.accuracy == "estimated"
    assert answer.usage.native is not None


def test_the_last_running_total_of_a_stream_is_its_usage() -> None:
    data = sse(
        start(input_tokens=10, output_tokens=1, cache_read_input_tokens=5),
        message_delta("end_turn", output_tokens=3),
        message_delta("end_turn", output_tokens=7),
        STOP,
    )
    reports = [event.usage for event in decode([data], stream=True) if isinstance(event, UsageReport)]
    assert [(u.input_tokens, u.output_tokens, u.cache_read_tokens) for u in reports] == [(15, 7, 5)]


def test_a_stream_without_usage_reports_none() -> None:
    events = decode([sse(start(), STOP)], stream=True)
    assert not any(isinstance(event, UsageReport) for event in events)


def test_a_tool_call_without_arguments_is_called_with_an_empty_object() -> None:
    data = sse(
        start(),
        block_start(0, type="tool_use", id="t1", name="now", input={}),
        delta(0, "input_json_delta", partial_json=""),
        block_stop(0),
        message_delta("tool_use", output_tokens=1),
        STOP,
    )
    (call,) = folded(decode([data], stream=True)).choices[0].tool_calls()
    assert (call.id, call.name, call.arguments) == ("t1", "now", "{}")


def test_what_only_anthropic_knows_of_a_tool_call_stands_before_it() -> None:
    caller: JsonObject = {"type": "code_execution_20260120", "tool_id": "srv"}
    data = sse(start(), block_start(0, type="tool_use", id="t", name="n", input={}, caller=caller), block_stop(0), STOP)
    events = decode([data], stream=True)
    assert events[1] == Notice("anthropic", "tool_use", {"index": 0, "caller": caller})
    assert events[2] == ToolCall(0, 0, "t", "n")


def test_signatures_carry_the_name_of_their_dialect() -> None:
    data = sse(
        start(),
        block_start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="abc"),
        block_stop(0),
        block_start(1, type="redacted_thinking", data="xyz"),
        block_stop(1),
        STOP,
    )
    blocks = folded(decode([data], stream=True)).choices[0].blocks
    assert blocks == [
        TextBlock("reasoning", 0, "hm", signature="anthropic:abc"),
        TextBlock("reasoning", 1, "", signature="anthropic:redacted:xyz"),
    ]


def test_a_block_that_only_anthropic_knows_comes_whole() -> None:
    data = sse(
        start(),
        block_start(0, type="server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":'),
        delta(0, "input_json_delta", partial_json=' "x"}'),
        block_stop(0),
        block_start(1, type="compaction", content=None),
        delta(1, "compaction_delta", content="short", encrypted_content="e"),
        block_stop(1),
        STOP,
    )
    notices = [event.data for event in decode([data], stream=True) if isinstance(event, Notice)]
    assert notices == [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "compaction", "content": "short", "encrypted_content": "e"},
    ]


def test_pings_and_events_of_tomorrow_are_passed_over() -> None:
    data = sse(
        start(),
        {"type": "ping"},
        {"type": "of_tomorrow", "index": 3},
        block_start(0, type="text", text=""),
        delta(0, "of_tomorrow_delta", text="?"),
        delta(0, "text_delta", text="a"),
        block_stop(0),
        message_delta("of_tomorrow", output_tokens=1),
        STOP,
    )
    events = decode([data], stream=True)
    assert [event for event in events if isinstance(event, Text)] == [Text("a", 0, "answer", 0)]
    assert [event for event in events if isinstance(event, Finish)] == [Finish("stop", 0, "of_tomorrow")]


def test_bytes_after_the_end_are_passed_over() -> None:
    reader = decoder(stream=True)
    reader.feed(sse(start(), STOP) + b"data: not json\n\n")
    assert reader.is_complete
    assert reader.feed(b"data: not json either\n\n") == []
    assert reader.finish() == []


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("compaction", "pause"),
        ("refusal", "refusal"),
    ],
)
def test_every_stop_reason_has_its_meaning(native: str, reason: str) -> None:
    events = decode([sse(start(), message_delta(native, output_tokens=1), STOP)], stream=True)
    assert [(e.reason, e.native) for e in events if isinstance(e, Finish)] == [(reason, native)]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_anywhere_before_its_end_is_an_error(name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    end = data.rindex(b"event: message_stop")
    for size in range(0, end, max(1, end // 40)):
        reader = decoder(stream=True)
        reader.feed(data[:size])
        with pytest.raises(UpstreamProtocolError):
            reader.finish()


@pytest.mark.parametrize("name", BODIES)
def test_a_body_cut_short_is_an_error(name: str) -> None:
    data = (FIXTURES / name).read_bytes().rstrip()
    for size in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(UpstreamProtocolError):
            decode([data[:size]], stream=False)


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b'data: {"type": 3}\n\n',
        sse(start(), start()),
        sse(block_start(0, type="text", text="")),
        sse(STOP),
        sse({"type": "message_start"}),
        sse(start(), {"type": "content_block_start", "index": 0}),
        sse(start(), delta(0, "text_delta", text="a")),
        sse(start(), block_stop(0)),
        sse(start(), block_start(0, type="text", text=""), delta(0, "input_json_delta", partial_json="{")),
        sse(start(), block_start(0, type="text", text=""), delta(0, "text_delta", text=3)),
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"type": "\xff"}\n\n',
    ],
)
def test_a_stream_that_is_not_the_dialects_is_an_error(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode([data], stream=True)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"content": [1]}', b'{"content": [{"type": "text", "text": 1}]}', b"[" * 9999],
)
def test_a_body_that_is_not_the_dialects_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode([body], stream=False)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", UpstreamUnavailable),
        ("api_error", UpstreamUnavailable),
        ("rate_limit_error", UpstreamThrottled),
        ("timeout_error", UpstreamTimeout),
        ("invalid_request_error", UpstreamRefused),
        ("authentication_error", UpstreamAuthFailed),
        ("of_tomorrow", UpstreamUnavailable),
    ],
)
def test_an_error_inside_a_stream_is_mapped_by_its_type(kind: str, expected: type[PenstockError]) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "said"}}
    reader = decoder(stream=True)
    assert len(reader.feed(sse(start(), block_start(0, type="text", text=""), delta(0, "text_delta", text="a")))) == 2
    with pytest.raises(expected):
        reader.feed(sse(error))
