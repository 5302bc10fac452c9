"""Answers of the Responses API, recorded and made up, through the decoders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.answer import Answer, TextBlock
from penstock.core.chat import ChatRequest
from penstock.core.errors import (
    ContentRefused,
    ContextTooLong,
    PenstockError,
    UpstreamAuthFailed,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import dumps
from penstock.flow.fold import Fold
from penstock.providers.dialect import Decoder, Endpoint
from penstock.providers.openai_responses import OpenAIResponses

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openai_responses"
STREAMED = sorted(FIXTURES.glob("*.sse"))
UNARY = sorted(p for p in FIXTURES.glob("*.json") if not p.name.endswith(".request.json"))
ENDPOINT = Endpoint("openai", "https://api.openai.com/v1", "sk-test")


def decoder(*, stream: bool) -> Decoder:
    request = ChatRequest(dialect="openai-chat", model="m", messages=(), stream=stream)
    return OpenAIResponses().decoder(request, ENDPOINT)


def decode(body: bytes, *, stream: bool, cuts: Sequence[int] = ()) -> list[Event]:
    reader = decoder(stream=stream)
    events: list[Event] = []
    at = 0
    for cut in [*sorted(cuts), len(body)]:
        events += reader.feed(body[at:cut])
        at = cut
    return [*events, *reader.finish()]


def fold(events: Sequence[Event]) -> Answer:
    folded = Fold()
    folded.feed(events)
    return folded.answer()


def recorded(path: Path) -> dict[str, Any]:
    """The response object with which the recording ends."""
    if path.suffix == ".json":
        return msgspec.json.decode(path.read_bytes())
    frames = [line[6:] for line in path.read_bytes().splitlines() if line.startswith(b"data: {")]
    return msgspec.json.decode(frames[-1])["response"]


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), dumps(event)) for event in events)


CREATED: dict[str, Any] = {
    "type": "response.created",
    "response": {"id": "resp_1", "model": "m", "created_at": 5, "output": []},
}
MESSAGE: dict[str, Any] = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []}


def completed(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    response = {**CREATED["response"], "status": "completed", "output": list(output), **more}
    return {"type": f"response.{response['status']}", "response": response}


@pytest.mark.parametrize("path", [*STREAMED, *UNARY], ids=lambda path: path.name)
def test_a_recorded_answer_decodes_to_what_it_says(path: Path) -> None:
    answer = fold(decode(path.read_bytes(), stream=path.suffix == ".sse"))
    said = recorded(path)
    output = said["output"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    calls = [item for item in output if item["type"] == "function_call"]
    thoughts: list[str] = []
    for item in output:
        if item["type"] == "reasoning":
            thoughts += [entry["text"] for entry in item["summary"]]
            thoughts += [entry["text"] for entry in item.get("content") or ()]
    assert answer.start == Start(said["id"], said["model"], said["created_at"])
    choice = answer.choices[0]
    assert choice.text() == "".join(part["text"] for part in parts)
    assert choice.text("reasoning") == "".join(thoughts)
    blocks = [block for block in choice.blocks if isinstance(block, TextBlock) and block.channel == "answer"]
    assert [_tokens(block.logprobs) for block in blocks] == [_tokens(part.get("logprobs")) for part in parts]
    assert [(c.id, c.name, c.arguments) for c in choice.tool_calls()] == [
        (c["call_id"], c["name"], c["arguments"]) for c in calls
    ]
    assert choice.finish is not None
    assert choice.finish.native == said["status"]
    assert choice.finish.reason == ("pause" if said["status"] == "queued" else "tool_calls" if calls else "stop")
    if said["usage"] is None:
        assert answer.usage is None
    else:
        assert answer.usage is not None
        assert answer.usage.native == said["usage"]
        assert answer.usage.input_tokens == said["usage"]["input_tokens"]
        assert answer.usage.output_tokens == said["usage"]["output_tokens"]
        assert answer.usage.reasoning_tokens == said["usage"]["output_tokens_details"]["reasoning_tokens"]


def _tokens(logprobs: Any) -> list[str]:
    """The numbers themselves are rounded in one of the places that repeat them."""
    return [entry["token"] for entry in logprobs or ()]


@pytest.mark.parametrize("path", STREAMED, ids=lambda path: path.name)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_the_events_do_not_depend_on_how_the_bytes_were_cut(path: Path, data: st.DataObject) -> None:
    body = path.read_bytes()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=40))
    assert decode(body, stream=True, cuts=cuts) == decode(body, stream=True)


def test_the_events_do_not_depend_on_line_ends_or_single_bytes() -> None:
    body = (FIXTURES / "annotations.sse").read_bytes()
    whole = decode(body, stream=True)
    assert decode(body, stream=True, cuts=range(len(body))) == whole
    crlf = body.replace(b"\n", b"\r\n")
    assert decode(crlf, stream=True, cuts=range(len(crlf))) == whole


@pytest.mark.parametrize("path", [*STREAMED, *UNARY], ids=lambda path: path.name)
def test_what_guards_must_see_is_in_no_notice(path: Path) -> None:
    events = decode(path.read_bytes(), stream=path.suffix == ".sse")
    secret = [event.text for event in events if isinstance(event, Text) and len(event.text) > 12]
    secret += [event.arguments for event in events if isinstance(event, ToolCall) and len(event.arguments) > 12]
    shown = b"".join(
        dumps(event.data)
        for event in events
        if isinstance(event, Notice) and event.kind in ("item", "item_done", "reasoning_text")
        if not isinstance(event.data, dict)
        or event.data["item"]["type"] in ("message", "reasoning", "function_call", "custom_tool_call")  # type: ignore[index, call-overload] # the shape these notices have
    )
    assert [text for text in secret if dumps(text)[1:-1] in shown] == []


def test_a_stream_cut_before_its_end_is_an_error() -> None:
    body = (FIXTURES / "tool_call.sse").read_bytes()
    frames = body.split(b"\n\n")
    end = next(at for at, frame in enumerate(frames) if b"response.completed" in frame)
    for kept in range(end):
        with pytest.raises(UpstreamProtocolError):
            decode(b"".join(frame + b"\n\n" for frame in frames[:kept]), stream=True)
    assert decode(b"".join(frame + b"\n\n" for frame in frames[: end + 1]), stream=True)


def test_bytes_after_the_end_are_ignored() -> None:
    reader = decoder(stream=True)
    events = [*reader.feed(sse(CREATED, completed()) + b"data: {broken\n\n"), *reader.feed(b"data: more")]
    assert reader.is_complete
    assert [*events, *reader.finish()] == decode(sse(CREATED, completed()), stream=True)


def test_an_answer_that_comes_only_with_its_end_is_whole() -> None:
    message = {
        **MESSAGE,
        "content": [
            {
                "type": "output_text",
                "text": "hello",
                "annotations": [{"type": "file_path", "file_id": "f", "index": 1}],
            },
            {"type": "refusal", "refusal": "no"},
        ],
    }
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}
    custom = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "g", "input": "free"}
    streamed = decode(sse(CREATED, completed(message, call, custom)), stream=True)
    unary = decode(dumps(completed(message, call, custom)["response"]), stream=False)
    for events in (streamed, unary):
        choice = fold(events).choices[0]
        assert (choice.text(), choice.text("refusal")) == ("hello", "no")
        assert [(c.kind, c.id, c.name, c.arguments) for c in choice.tool_calls()] == [
            ("function", "call_1", "f", '{"a":1}'),
            ("custom", "call_2", "g", "free"),
        ]
        assert [e.kind for e in events if isinstance(e, Notice)].count("annotation") == 1


def test_pieces_are_not_said_twice_by_the_events_that_repeat_them() -> None:
    place = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    part: dict[str, Any] = {"type": "output_text", "text": "hello", "annotations": []}
    body = sse(
        CREATED,
        {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": "hel", "logprobs": []},
        {"type": "response.output_text.delta", **place, "delta": "lo", "logprobs": []},
        {"type": "response.output_text.done", **place, "text": "hello", "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": {**MESSAGE, "content": [part]}},
        completed({**MESSAGE, "content": [part]}),
    )
    assert [e.text for e in decode(body, stream=True) if isinstance(e, Text)] == ["hel", "lo"]


def test_an_unknown_event_of_an_item_with_text_passes_no_guard() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    body = sse(
        CREATED,
        {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE},
        {"type": "response.output_item.added", "output_index": 1, "item": search},
        {"type": "response.output_text.tomorrow", "output_index": 0, "text": "unseen"},
        {"type": "response.tomorrow", "text": "unseen"},
        {"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1", "sequence_number": 9},
        completed(MESSAGE, search),
    )
    passed = [e.data for e in decode(body, stream=True) if isinstance(e, Notice) and e.kind == "event"]
    assert passed == [{"n": 1, "event": {"type": "response.web_search_call.searching", "item_id": "ws_1"}}]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("steered", "pause")],
)
def test_an_incomplete_answer_keeps_its_reason(reason: str, expected: str) -> None:
    end = completed(MESSAGE, status="incomplete", incomplete_details={"reason": reason})
    for events in (decode(sse(CREATED, end), stream=True), decode(dumps(end["response"]), stream=False)):
        finish = next(event for event in events if isinstance(event, Finish))
        assert (finish.reason, finish.native) == (expected, reason)


def test_usage_counts_cached_tokens_within_the_input() -> None:
    counts = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 7},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 12},
        "total_tokens": 120,
    }
    reports = [e for e in decode(sse(CREATED, completed(usage=counts)), stream=True) if isinstance(e, UsageReport)]
    assert len(reports) == 1
    used = reports[0].usage
    assert (used.input_tokens, used.cache_read_tokens, used.cache_write_tokens) == (100, 64, 7)
    assert (used.output_tokens, used.reasoning_tokens, used.accuracy) == (20, 12, "exact")


FAILED = "response.failed"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None}, UpstreamThrottled),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}, UpstreamRefused),
        ({"type": "error", "code": None, "message": "?"}, UpstreamUnavailable),
        ({"type": FAILED, "response": {"error": {"code": "server_error", "message": "x"}}}, UpstreamUnavailable),
        ({"type": FAILED, "response": {"error": {"code": "invalid_prompt", "message": "x"}}}, ContentRefused),
        ({"type": FAILED, "response": {"error": {"code": "image_too_large", "message": "x"}}}, UpstreamRefused),
        (
            {"type": FAILED, "response": {"error": {"code": "vector_store_timeout", "message": "x"}}},
            UpstreamUnavailable,
        ),
        ({"type": FAILED, "response": {"error": {"code": "context_length_exceeded", "message": "x"}}}, ContextTooLong),
        ({"type": FAILED, "response": {"error": None}}, UpstreamUnavailable),
    ],
)
def test_an_error_inside_the_stream_is_mapped(event: dict[str, Any], expected: type[PenstockError]) -> None:
    with pytest.raises(expected) as caught:
        decode(sse(CREATED, event), stream=True)
    assert type(caught.value) is expected


def test_a_failed_unary_answer_is_an_error_with_its_usage() -> None:
    body = dumps({**completed(status="failed", usage={"input_tokens": 9, "output_tokens": 0})["response"], "error": {}})
    with pytest.raises(UpstreamUnavailable) as caught:
        decode(body, stream=False)
    assert caught.value.usage is not None
    assert caught.value.usage.input_tokens == 9


@pytest.mark.parametrize(
    "body",
    [
        b"data: {not json}\n\n",
        b"data: []\n\n",
        b'data: {"type":"response.created","response":3}\n\n',
        b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"x"}\n\n',
        b'data: {"type":"response.function_call_arguments.delta","output_index":4,"delta":"x"}\n\n',
        b"data: \xff\xfe\n\n",
        b"",
    ],
)
def test_bytes_that_are_not_the_dialect_are_a_protocol_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode(body, stream=True)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"output": 3}', b'{"output": []', b"\xff"])
def test_a_unary_body_that_is_no_response_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode(body, stream=False)


@pytest.mark.parametrize(
    ("status", "error", "expected", "retry"),
    [
        (
            400,
            {"code": "decimal_below_min_value", "param": "temperature", "message": "too low"},
            UpstreamRefused,
            "never",
        ),
        (400, {"code": "context_length_exceeded", "message": "long"}, ContextTooLong, "other"),
        (401, {"code": "invalid_api_key", "message": "no"}, UpstreamAuthFailed, "other"),
        (403, {"message": "no"}, UpstreamAuthFailed, "other"),
        (404, {"code": "model_not_found", "message": "no"}, UpstreamRefused, "other"),
        (429, {"code": "rate_limit_exceeded", "message": "slow"}, UpstreamThrottled, "same"),
        (429, {"code": "insufficient_quota", "message": "pay"}, UpstreamThrottled, "other"),
        (500, {"message": "oops"}, UpstreamUnavailable, "same"),
        (504, None, UpstreamUnavailable, "same"),
        (408, None, UpstreamTimeout, "other"),
        (302, None, UpstreamProtocolError, "same"),
    ],
)
def test_an_http_error_is_mapped_with_its_retry_class(
    status: int, error: dict[str, Any] | None, expected: type[PenstockError], retry: str
) -> None:
    body = b"<html>" if error is None else dumps({"error": error})
    mapped = OpenAIResponses().error(status, {"retry-after": "7"}, body)
    assert type(mapped) is expected
    assert mapped.retry == retry
    if retry == "same" and status == 429:
        assert mapped.retry_after_s == 7
    if error is not None and "param" in error:
        assert mapped.field == error["param"]
        assert "too low" in mapped.public


def test_what_the_provider_says_of_our_account_stays_inside() -> None:
    body = dumps({"error": {"code": "invalid_api_key", "message": "Incorrect API key provided: sk-secret"}})
    assert "sk-secret" not in OpenAIResponses().error(401, {}, body).public
