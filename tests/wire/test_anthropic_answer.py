"""What an Anthropic client reads: checked with the official SDK, on recorded answers and on other dialects' ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import (
    AuthError,
    ContextTooLong,
    Forbidden,
    MethodNotAllowed,
    Overloaded,
    PenstockError,
    RateLimited,
    RequestTimeout,
    RequestTooLarge,
    UnknownModel,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject, loads
from penstock.core.sse import SseDecoder
from penstock.core.usage import Usage
from penstock.flow.fold import Fold
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.dialect import Endpoint
from penstock.wire.anthropic import AnthropicClient, encode_error

FIXTURES = Path(__file__).parent.parent / "fixtures" / "anthropic"
STREAMS = tuple(sorted(path.name for path in FIXTURES.glob("*.sse")))
BODIES = tuple(sorted(path.name for path in FIXTURES.glob("*.json") if ".request" not in path.name))
CLIENT = AnthropicClient()
ENDPOINT = Endpoint("anthropic", "https://api.anthropic.com", "key")


def exchange(*, stream: bool = False) -> Exchange:
    request = ChatRequest(
        dialect="anthropic", model="asked", messages=(Message("user", (TextPart("hi"),)),), stream=stream
    )
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal("t", "k"),
        request=request,
        dialect="anthropic",
        started_at=0,
        began_s=0,
        deadline_s=0,
        gone_policy="abort",
    )


def events_of(name: str) -> list[Event]:
    stream = name.endswith(".sse")
    reader = AnthropicUpstream().decoder(exchange(stream=stream).request, ENDPOINT)
    return [*reader.feed((FIXTURES / name).read_bytes()), *reader.finish()]


def unary(events: Sequence[Event]) -> Any:
    fold = Fold()
    fold.feed(events)
    return loads(CLIENT.encode(fold.answer(), exchange()))


def streamed(events: Sequence[Event], *, at_once: bool = True) -> bytes:
    encoder = CLIENT.stream(exchange(stream=True))
    if at_once:
        return encoder.feed(events) + encoder.finish()
    return b"".join(encoder.feed([event]) for event in events) + encoder.finish()


def frames(data: bytes) -> list[Any]:
    reader = SseDecoder()
    found = [*reader.feed(data), *reader.finish()]
    read: list[Any] = [loads(frame.data) for frame in found]
    assert [frame.event for frame in found] == [frame["type"] for frame in read]
    return read


def sdk(status: int, body: bytes, media_type: str) -> anthropic.Anthropic:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": media_type}, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="key", http_client=http, max_retries=0)


def sdk_reads(data: bytes) -> Any:
    """The message that the official SDK makes of a stream."""
    client = sdk(200, data, "text/event-stream")
    messages: Any = [{"role": "user", "content": "hi"}]
    with client.beta.messages.stream(model="m", max_tokens=1, messages=messages) as stream:
        return plain(stream.get_final_message())


def sdk_reads_unary(data: bytes) -> Any:
    client = sdk(200, data, "application/json")
    return plain(client.beta.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "hi"}]))


def plain(message: Any) -> Any:
    """A message of the SDK as JSON, without fields that are null or an empty list of citations."""
    found: Any = loads(message.to_json(exclude_none=True))
    for block in found["content"]:
        if block.get("citations") == []:
            del block["citations"]
    return found


@pytest.mark.parametrize("name", STREAMS)
def test_the_sdk_reads_the_same_from_a_recorded_stream_and_from_ours(name: str) -> None:
    assert sdk_reads(streamed(events_of(name))) == sdk_reads((FIXTURES / name).read_bytes())


@pytest.mark.parametrize("name", BODIES)
def test_a_recorded_body_comes_back_field_by_field(name: str) -> None:
    recorded: Any = loads((FIXTURES / name).read_bytes())
    written = unary(events_of(name))
    assert written["usage"] == recorded["usage"]
    for block in recorded["content"]:
        if block.get("citations") is None:
            block.pop("citations", None)
    assert {k: v for k, v in written.items() if v is not None} == {k: v for k, v in recorded.items() if v is not None}


@pytest.mark.parametrize("name", BODIES)
def test_the_sdk_reads_the_same_from_a_recorded_body_whether_we_stream_it_or_not(name: str) -> None:
    events = events_of(name)
    body = (FIXTURES / name).read_bytes()
    fold = Fold()
    fold.feed(events)
    assert sdk_reads_unary(CLIENT.encode(fold.answer(), exchange())) == sdk_reads_unary(body)
    once, expected = sdk_reads(streamed(events)), sdk_reads_unary(body)
    for field in ("content", "stop_reason", "model", "id"):
        assert once[field] == expected[field]
    assert once.get("container") == expected.get("container")
    assert once["usage"]["input_tokens"] == expected["usage"]["input_tokens"]
    assert once["usage"]["output_tokens"] == expected["usage"]["output_tokens"]


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(STREAMS + BODIES), st.lists(st.integers(0, 12), max_size=20))
def test_how_the_events_come_in_does_not_change_what_is_read(name: str, sizes: list[int]) -> None:
    events = events_of(name)
    encoder = CLIENT.stream(exchange(stream=True))
    out, at = b"", 0
    for size in [*sizes, len(events)]:
        out += encoder.feed(events[at : at + size])
        at += size
    out += encoder.finish()
    mine, whole = frames(out), frames(streamed(events))
    mine[0]["message"]["usage"] = whole[0]["message"]["usage"] = {}  # told early only where it is known in time
    assert mine == whole


OPENAI_EVENTS: tuple[Event, ...] = (
    Start("chatcmpl-1", "gpt", 5),
    Text("think", 0, "reasoning", 0),
    Text("Hel", 0, "answer", 1),
    Text("lo", 0, "answer", 1),
    ToolCall(0, 0, "call_1", "add", '{"a":'),
    ToolCall(0, 0, arguments="1}"),
    ToolCall(0, 1, "call_2", "now", "{}"),
    Notice("openai-chat", "fingerprint", "fp"),
    Finish("tool_calls", 0, "tool_calls"),
    UsageReport(Usage(input_tokens=10, output_tokens=4, cache_read_tokens=3, cache_write_tokens=2, reasoning_tokens=1)),
)


def test_another_dialects_answer_is_read_whole_by_the_sdk() -> None:
    expected: dict[str, Any] = {
        "id": "chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt",
        "content": [
            {"type": "thinking", "thinking": "think", "signature": ""},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}},
            {"type": "tool_use", "id": "call_2", "name": "now", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": {
            "input_tokens": 5,
            "cache_read_input_tokens": 3,
            "cache_creation_input_tokens": 2,
            "output_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 1},
        },
    }
    assert {k: v for k, v in unary(OPENAI_EVENTS).items() if v is not None} == expected
    assert sdk_reads(streamed(OPENAI_EVENTS)) == expected
    assert sdk_reads(streamed(OPENAI_EVENTS, at_once=False)) == expected


def test_a_stream_has_exactly_the_frames_that_anthropic_sends() -> None:
    data = streamed([Start("msg_1", "m"), Text("a"), Finish("stop", 0, "end_turn")])
    assert data == (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message",'
        b'"role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
        b'"usage":{"input_tokens":0,"output_tokens":0}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"a"}}\n\n'
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        b'"stop_sequence":null},"usage":{"input_tokens":0,"cache_creation_input_tokens":0,'
        b'"cache_read_input_tokens":0,"output_tokens":0}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )


@settings(deadline=None, max_examples=60)
@given(st.permutations([0, 0, 0, 1, 1, 1, 2, 2, 2]))
def test_tool_calls_that_come_by_turns_are_written_one_after_the_other(turns: list[int]) -> None:
    pieces = {0: ['{"a"', ":", "0}"], 1: ['{"a"', ":", "1}"], 2: ['{"a"', ":", "2}"]}
    begun: set[int] = set()
    events: list[Event] = [Start("1", "m")]
    for index in turns:
        name = "" if index in begun else f"f{index}"
        events.append(ToolCall(0, index, name and f"id{index}", name, pieces[index].pop(0)))
        begun.add(index)
    read = frames(streamed([*events, Finish("tool_calls")], at_once=False))
    open_block: int | None = None
    inputs: dict[int, str] = {}
    for frame in read:
        match frame["type"]:
            case "content_block_start":
                assert open_block is None
                open_block = frame["index"]
            case "content_block_delta":
                assert frame["index"] == open_block
                inputs[frame["index"]] = inputs.get(frame["index"], "") + frame["delta"]["partial_json"]
            case "content_block_stop":
                assert frame["index"] == open_block
                open_block = None
            case _:
                pass
    names = [f["content_block"]["name"] for f in read if f["type"] == "content_block_start"]
    assert {names[at]: loads(text) for at, text in inputs.items()} == {f"f{n}": {"a": n} for n in range(3)}


@pytest.mark.parametrize(
    ("finish", "before", "reason"),
    [
        (Finish("stop", 0, "stop"), [], "end_turn"),
        (Finish("stop", 0, "stop", "END"), [], "stop_sequence"),
        (Finish("length", 0, "length"), [], "max_tokens"),
        (Finish("tool_calls", 0, "tool_calls"), [], "tool_use"),
        (Finish("stop", 0, "stop"), [ToolCall(0, 0, "i", "n", "{}")], "tool_use"),
        (Finish("content_filter", 0, "content_filter"), [], "refusal"),
        (Finish("stop", 0, "stop"), [Text("No.", 0, "refusal")], "refusal"),
        (Finish("refusal"), [], "refusal"),
        (Finish("pause", 0, "pause_turn"), [], "pause_turn"),
        (Finish("length", 0, "model_context_window_exceeded"), [], "model_context_window_exceeded"),
        (Finish("error", 0, "malformed_tool_use"), [], "end_turn"),
        (None, [], "end_turn"),
    ],
)
def test_every_finish_reason_has_a_stop_reason(finish: Finish | None, before: list[Event], reason: str) -> None:
    events: list[Event] = [Start("1", "m"), *before, *([] if finish is None else [finish])]
    assert unary(events)["stop_reason"] == reason
    last = frames(streamed(events))[-2]
    assert last["delta"]["stop_reason"] == reason


def test_a_refusal_is_shown_as_text() -> None:
    assert unary([Start("1", "m"), Text("No.", 0, "refusal")])["content"] == [{"type": "text", "text": "No."}]


def test_arguments_cut_short_by_a_limit_are_kept() -> None:
    events = [Start("1", "m"), ToolCall(0, 0, "i", "n", '{"a": "b'), Finish("length")]
    assert unary(events)["content"][0]["input"] == {"INVALID_JSON": '{"a": "b'}
    assert [f["delta"]["partial_json"] for f in frames(streamed(events)) if f["type"] == "content_block_delta"] == [
        '{"a": "b'
    ]


def test_an_empty_answer_is_a_message_with_no_content() -> None:
    assert unary([])["content"] == []
    assert [frame["type"] for frame in frames(streamed([]))] == ["message_start", "message_delta", "message_stop"]
    assert unary([Start("1", "m"), Text("")])["content"] == []


def test_a_signature_of_another_dialect_is_shown_with_its_name_and_finds_back() -> None:
    events: list[Event] = [
        Start("1", "m"),
        Text("a", 0, "reasoning", 0, signature="bedrock:sig"),
        Text("", 0, "reasoning", 1, signature="bedrock:redacted:data"),
        Text("b", 0, "reasoning", 2, signature="anthropic:own"),
    ]
    content = unary(events)["content"]
    assert content == [
        {"type": "thinking", "thinking": "a", "signature": "bedrock:sig"},
        {"type": "redacted_thinking", "data": "bedrock:data"},
        {"type": "thinking", "thinking": "b", "signature": "own"},
    ]
    assert sdk_reads(streamed(events))["content"] == content


def test_a_signature_of_a_tool_call_goes_along_for_the_way_back() -> None:
    events: list[Event] = [
        Start("1", "m"),
        ToolCall(0, 0, "i", "n", "{}", signature="gemini:sig"),
        Finish("tool_calls"),
    ]
    expected: dict[str, Any] = {"type": "tool_use", "id": "i", "name": "n", "input": {}, "signature": "gemini:sig"}
    assert unary(events)["content"] == [expected]
    assert sdk_reads(streamed(events))["content"] == [expected]


def test_usage_that_is_known_early_is_told_early() -> None:
    usage: JsonObject = {"input_tokens": 9, "output_tokens": 1}
    events: list[Event] = [Start("1", "m"), Notice("anthropic", "message", {"usage": usage})]
    assert frames(streamed(events))[0]["message"]["usage"] == usage


def test_ids_are_made_where_the_provider_gave_none() -> None:
    events: list[Event] = [Start("", ""), ToolCall(0, 0, "", "n", "{}"), Finish("tool_calls")]
    message = unary(events)
    assert (message["id"], message["model"], message["content"][0]["id"]) == ("msg_1", "asked", "toolu_1_0")


def test_a_broken_stream_ends_in_an_error_event_that_the_sdk_raises() -> None:
    encoder = CLIENT.stream(exchange(stream=True))
    data = encoder.feed([Start("1", "m"), Text("a")])
    failed = exchange(stream=True)
    failed.error = UpstreamUnavailable("The provider failed.", detail="secret")
    data += encoder.fail(failed)
    assert b"secret" not in data
    assert frames(data)[-1] == {
        "type": "error",
        "error": {
            "type": "api_error",
            "message": "The provider failed.",
            "details": {"error_code": "upstream_unavailable"},
        },
        "request_id": "ex_1",
    }
    with pytest.raises(anthropic.APIStatusError, match="The provider failed"):
        sdk_reads(data)


@pytest.mark.parametrize(
    ("error", "kind", "raised"),
    [
        (ContextTooLong("m"), "invalid_request_error", anthropic.BadRequestError),
        (AuthError("m"), "authentication_error", anthropic.AuthenticationError),
        (Forbidden("m"), "permission_error", anthropic.PermissionDeniedError),
        (UnknownModel("m", field="model"), "not_found_error", anthropic.NotFoundError),
        (MethodNotAllowed("m"), "invalid_request_error", anthropic.APIStatusError),
        (RequestTimeout("m"), "timeout_error", anthropic.APIStatusError),
        (RequestTooLarge("m"), "request_too_large", anthropic.APIStatusError),
        (RateLimited("m"), "rate_limit_error", anthropic.RateLimitError),
        (Overloaded("m"), "overloaded_error", anthropic.InternalServerError),
        (UpstreamTimeout("m", phase="total"), "timeout_error", anthropic.InternalServerError),
        (UpstreamUnavailable("m"), "api_error", anthropic.InternalServerError),
    ],
)
def test_every_status_has_anthropics_error_type(
    error: PenstockError, kind: str, raised: type[anthropic.APIStatusError]
) -> None:
    body = encode_error(error, "ex_1")
    with pytest.raises(raised) as caught:
        sdk_reads_unary_error(error.status, body)
    assert caught.value.status_code == error.status
    assert caught.value.type == kind
    assert caught.value.error_code == error.code
    assert caught.value.api_message == "m"


def sdk_reads_unary_error(status: int, body: bytes) -> None:
    client = sdk(status, body, "application/json")
    client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "hi"}])


def test_no_status_is_left_without_an_error_type() -> None:
    for status in range(400, 600):
        error = UnknownModel("m")
        error.status = status
        body: Any = loads(encode_error(error, "ex_1"))
        assert body["error"]["type"].endswith(("_error", "request_too_large"))
