"""Recorded conversations with eleven vendors: what was asked goes out unchanged, what was answered arrives whole."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest
from penstock.core.errors import PenstockError, UpstreamProtocolError
from penstock.core.events import Event, Finish, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_chat import OpenAIChatUpstream
from penstock.wire.openai_chat import OpenAIChat

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openai_chat"
REQUESTS: list[Any] = msgspec.json.decode((FIXTURES / "requests.json").read_bytes())
ANSWERS: list[Any] = msgspec.json.decode((FIXTURES / "answers.json").read_bytes())
WHOLE = [a for a in ANSWERS if a["status"] == 200 and a["body"].lstrip().startswith("{") and '"choices"' in a["body"]]
STREAMS = [a for a in ANSWERS if a["status"] == 200 and "data:" in a["body"] and '"error"' not in a["body"]]
ENDPOINT = Endpoint("test", "https://provider.test/v1")
UPSTREAM, CLIENT = OpenAIChatUpstream(), OpenAIChat()


def source(recording: Any) -> str:
    return recording["source"].rsplit("/", 1)[-1]


def request_of(recording: Any) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "?"}], **recording["request"]}
    return CLIENT.parse(msgspec.json.encode(body))


def exchange_of(request: ChatRequest) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_0001"),
        principal=Principal("t", "k"),
        request=request,
        dialect="openai-chat",
        started_at=1.0,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )


def decode(request: ChatRequest, pieces: list[bytes]) -> list[Event]:
    decoder = UPSTREAM.decoder(request, ENDPOINT)
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    events += decoder.finish()
    assert decoder.is_complete
    return events


def normal(body: Any) -> Any:
    """A request without what is said on purpose another way: defaults, the model, the new name of `max_tokens`."""
    body = {k: v for k, v in body.items() if k not in {"model", "stream_options"}}
    for name, default in (("n", 1), ("stream", False)):
        if body.get(name) == default:
            del body[name]
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    if "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
    body["tools"] = [{"type": "function", **tool} for tool in body.get("tools") or ()]
    body["messages"] = [normal_message(m) for m in body["messages"]]
    return body


def normal_message(message: dict[str, Any]) -> Any:
    """A message without an empty list of calls, its content a string where it is one plain text."""
    message = {k: v for k, v in message.items() if k != "tool_calls" or v}
    match message.get("content"):
        case []:
            message["content"] = None
        case [{"type": "text", "text": text, **more}] if not more:
            message["content"] = text
        case _:
            pass
    return message


@pytest.mark.parametrize("recording", [r for r in REQUESTS if "functions" not in r["body"]], ids=source)
def test_a_recorded_request_goes_out_as_it_came(recording: Any) -> None:
    request = CLIENT.parse(msgspec.json.encode(recording["body"]))
    sent = msgspec.json.decode(UPSTREAM.encode(request, "upstream-model", ENDPOINT, now=0.0).body)
    assert sent["model"] == "upstream-model"
    assert normal(sent) == normal(recording["body"])
    if recording["body"].get("stream"):
        assert sent["stream_options"]["include_usage"] is True
    else:
        assert "stream_options" not in sent


_NAMES = st.from_regex(r"x_[a-z]{1,8}", fullmatch=True)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-1, 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_UNKNOWN = st.dictionaries(_NAMES, _VALUES, max_size=3)


@given(top=_UNKNOWN, message=_UNKNOWN, part=_UNKNOWN, call=_UNKNOWN, tool=_UNKNOWN)
@settings(max_examples=100, deadline=None)
def test_unknown_fields_go_through_untouched_at_every_level(
    top: JsonObject, message: JsonObject, part: JsonObject, call: JsonObject, tool: JsonObject
) -> None:
    body: Any = {
        **top,
        "messages": [
            {
                **message,
                "role": "user",
                "content": [{**part, "type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            {
                **message,
                "role": "assistant",
                "content": None,
                "tool_calls": [{**call, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {**message, "role": "tool", "tool_call_id": "c", "content": "r"},
        ],
        "tools": [{**tool, "type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    }
    request = CLIENT.parse(msgspec.json.encode({**body, "model": "m"}))
    sent = msgspec.json.decode(UPSTREAM.encode(request, "m", ENDPOINT, now=0.0).body)
    del sent["model"]
    assert sent == body


def gathered(documents: list[Any], key: str) -> dict[int, Any]:
    """What the recorded objects say, read here a second time in the plainest way."""
    found: dict[int, Any] = {}
    for document in documents:
        for choice in document.get("choices") or ():
            message: Any = choice.get(key) or {}
            into = found.setdefault(
                choice["index"], {"text": "", "thought": "", "refusal": "", "calls": {}, "end": None}
            )
            content: Any = message.get("content") or ""
            spoken: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
            for part in spoken:
                if part["type"] == "text":
                    into["text"] += part["text"]
                else:
                    into["thought"] += "".join(piece["text"] for piece in part["thinking"])
            into["thought"] += message.get("reasoning_content") or message.get("reasoning") or ""
            into["refusal"] += message.get("refusal") or ""
            if message.get("function_call"):
                into["calls"][0] = [message["function_call"]["name"], message["function_call"]["arguments"]]
            for at, call in enumerate(message.get("tool_calls") or ()):
                slot = call["index"] if key == "delta" else at
                entry = into["calls"].setdefault(slot, ["", ""])
                entry[0] = entry[0] or call["function"].get("name") or ""
                entry[1] += call["function"].get("arguments") or ""
            into["end"] = into["end"] or choice.get("finish_reason")
    return found


def gathered_events(events: list[Event]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    name = {"answer": "text", "reasoning": "thought", "refusal": "refusal"}
    for event in events:
        if not isinstance(event, Text | ToolCall | Finish):
            continue
        into = found.setdefault(event.choice, {"text": "", "thought": "", "refusal": "", "calls": {}, "end": None})
        match event:
            case Text():
                into[name[event.channel]] += event.text
            case ToolCall():
                entry = into["calls"].setdefault(event.index, ["", ""])
                entry[0] = entry[0] or event.name
                entry[1] += event.arguments
            case Finish():
                into["end"] = event.native
    return found


def usage_in(documents: list[Any]) -> Any:
    found: Any = None
    for document in documents:
        groq: Any = document.get("x_groq", {})
        found = document.get("usage") or groq.get("usage") or found
    return found


def documents_of(body: str) -> list[Any]:
    lines = [line[5:] for line in body.splitlines() if line.startswith("data:") and "[DONE]" not in line]
    return [msgspec.json.decode(line) for line in lines]


def cut(body: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)  # noqa: S311 - cuts, not secrets
    edges = sorted({0, len(body), *(rng.randrange(len(body) + 1) for _ in range(rng.choice((3, 30, 300))))})
    return [body[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("recording", WHOLE, ids=source)
def test_a_recorded_answer_arrives_whole(recording: Any) -> None:
    request = msgspec.structs.replace(request_of(recording), stream=False)
    body = recording["body"].encode()
    events = decode(request, [body])
    document = msgspec.json.decode(body)
    assert isinstance(events[0], Start)
    assert sum(isinstance(e, Start) for e in events) == 1
    assert gathered_events(events) == gathered([document], "message")
    assert [e.usage.native for e in events if isinstance(e, UsageReport)] == [document["usage"]]
    assert decode(request, cut(body, 1)) == events


@pytest.mark.parametrize("recording", STREAMS, ids=source)
def test_a_recorded_stream_arrives_whole_however_it_is_cut(recording: Any) -> None:
    request = request_of(recording)
    body = recording["body"].encode()
    documents = documents_of(recording["body"])
    events = decode(request, [body])
    assert isinstance(events[0], Start)
    assert gathered_events(events) == gathered(documents, "delta")
    used = usage_in(documents)
    assert [e.usage.native for e in events if isinstance(e, UsageReport)] == ([used] if used else [])
    for seed in range(4):
        assert decode(request, cut(body, seed)) == events


@pytest.mark.parametrize("recording", STREAMS, ids=source)
def test_a_client_of_the_same_dialect_sees_the_same_stream(recording: Any) -> None:
    request = msgspec.structs.replace(request_of(recording), include_usage=True)
    exchange = exchange_of(request)
    encoder, decoder = CLIENT.stream(exchange), UPSTREAM.decoder(request, ENDPOINT)
    shown = b"".join(encoder.feed(decoder.feed(piece)) for piece in cut(recording["body"].encode(), 7))
    shown += encoder.feed(decoder.finish()) + encoder.finish()
    assert shown.endswith(b"data: [DONE]\n\n")
    was, now = documents_of(recording["body"]), documents_of(shown.decode())
    said, seen = gathered(was, "delta"), gathered(now, "delta")
    assert seen == said
    assert usage_in(now) == usage_in(was)
    assert {c["id"] for c in now} == {c["id"] for c in was if c["id"]}
    first = [next(c for d in now for c in d["choices"] if c["index"] == i) for i in seen]
    assert all(c["delta"]["role"] == "assistant" for c in first)


@pytest.mark.parametrize("recording", STREAMS, ids=source)
def test_a_stream_cut_before_its_last_choice_finished_is_an_error(recording: Any) -> None:
    request = request_of(recording)
    body = recording["body"].encode()
    end = body.index(b'"finish_reason":"' if b'"finish_reason":"' in body else b'"finish_reason": "')
    for at in (0, 1, end // 3, end - 1):
        with pytest.raises(UpstreamProtocolError):
            decode(request, [body[:at]])


@pytest.mark.parametrize("recording", [a for a in ANSWERS if '"error"' in a["body"] and a["status"] == 200], ids=source)
def test_an_error_inside_a_200_answer_is_raised(recording: Any) -> None:
    with pytest.raises(PenstockError) as caught:
        decode(request_of(recording), [recording["body"].encode()])
    assert caught.value.status in {400, 429, 502}
    assert caught.value.public


@pytest.mark.parametrize("recording", [a for a in ANSWERS if a["status"] != 200], ids=source)
def test_a_recorded_error_is_mapped(recording: Any) -> None:
    error = UPSTREAM.error(recording["status"], recording["headers"], recording["body"].encode())
    assert error.status == recording["status"]
    assert error.retry == {400: "never", 404: "other", 429: "same"}[recording["status"]]
