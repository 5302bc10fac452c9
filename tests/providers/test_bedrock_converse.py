"""Answers of Converse: recorded ones, and those cut or spoilt."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.bedrock_frames import START, decoder, delta, frame

from penstock.core.answer import Answer, TextBlock
from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject, dumps, loads
from penstock.flow.fold import Fold

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bedrock"
STREAMS = tuple(sorted(path.name for path in FIXTURES.glob("*.stream")))
BODIES = tuple(sorted(path.name for path in FIXTURES.glob("*.json")))


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


USAGE: JsonObject = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
META = frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})


def stop(reason: str = "end_turn", **fields: Any) -> bytes:
    return frame("messageStop", {"stopReason": reason, **fields})


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
