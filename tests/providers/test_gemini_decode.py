"""Recorded and made-up Gemini answers, whole and cut at random places."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import ChatRequest, EmbeddingRequest
from penstock.core.errors import PenstockError, UpstreamProtocolError, UpstreamThrottled
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.providers.dialect import Decoder, Endpoint
from penstock.providers.gemini import GeminiUpstream

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gemini"
ENDPOINT = Endpoint("google", "https://generativelanguage.googleapis.com")


def decoder_for(*, stream: bool) -> Decoder:
    return GeminiUpstream().decoder(ChatRequest(dialect="openai-chat", model="m", messages=(), stream=stream), ENDPOINT)


def decode(pieces: Sequence[bytes], *, stream: bool) -> list[Event]:
    decoder = decoder_for(stream=stream)
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    assert not decoder.is_complete
    events += decoder.finish()
    assert decoder.is_complete
    return events


def recorded(name: str) -> list[Event]:
    return decode([(FIXTURES / name).read_bytes()], stream=name.endswith(".sse"))


def answer(*candidates: JsonObject, **fields: JsonValue) -> bytes:
    return dumps({"candidates": list(candidates), "responseId": "r", "modelVersion": "g", **fields})


def candidate(*parts: JsonObject, reason: str | None = "STOP", index: int = 0, **fields: JsonValue) -> JsonObject:
    written: JsonObject = {"index": index, "content": {"role": "model", "parts": list(parts)}, **fields}
    if reason is not None:
        written["finishReason"] = reason
    return written


def sse(*objects: bytes) -> bytes:
    return b"".join(b"data: " + data + b"\r\n\r\n" for data in objects)


def text(events: Sequence[Event], channel: str = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.channel == channel)


def calls(events: Sequence[Event]) -> list[ToolCall]:
    return [e for e in events if isinstance(e, ToolCall)]


def finish(events: Sequence[Event]) -> Finish:
    (only,) = [e for e in events if isinstance(e, Finish)]
    return only


def usage(events: Sequence[Event]) -> Usage:
    (only,) = [e.usage for e in events if isinstance(e, UsageReport)]
    return only


def test_a_recorded_stream_of_text_is_read() -> None:
    events = recorded("stream_text.sse")
    assert events[0] == Start("11peaI_ZJLq3nvgP0vasuQk", "gemini-2.0-flash")
    assert text(events) == "The temperature in Paris is 30°C.\n"
    assert {e.part for e in events if isinstance(e, Text)} == {0}
    assert finish(events) == Finish("stop", 0, "STOP")
    assert (usage(events).input_tokens, usage(events).output_tokens) == (79, 12)  # the totals of the last chunk


def test_recorded_thoughts_are_reasoning_and_their_tokens_are_output() -> None:
    events = recorded("stream_thoughts.sse")
    assert text(events, "reasoning").startswith("**Clarifying User Goals**")
    assert text(events).startswith("This is a great question!")
    assert next(e.part for e in events if isinstance(e, Text) and e.channel == "answer") == 1
    assert (usage(events).output_tokens, usage(events).reasoning_tokens) == (469 + 787, 787)
    assert usage(events).native is not None


def test_a_recorded_call_keeps_its_signature() -> None:
    events = recorded("stream_tool_call_signature.sse")
    (call,) = calls(events)
    assert (call.name, call.arguments, call.id) == ("get_country", "{}", "call_QUVVadTSNJ6_qtsPvN7J8Q0_0_0")
    assert call.signature is not None
    assert call.signature.startswith("gemini:EpwI")
    assert finish(events).reason == "tool_calls"


def test_recorded_parallel_calls_are_numbered() -> None:
    events = recorded("unary_tool_calls.json")
    assert [(c.index, c.name) for c in calls(events)] == [(n, "generate_topic") for n in range(3)]
    assert len({c.id for c in calls(events)}) == 3
    assert [c.signature is None for c in calls(events)] == [False, True, True]


def test_a_recorded_blocked_prompt_is_a_finish_and_no_usage() -> None:
    events = recorded("unary_blocked.json")
    assert finish(events) == Finish("content_filter", 0, "MODEL_ARMOR")
    assert [e.kind for e in events if isinstance(e, Notice)] == ["prompt_feedback"]
    assert not [e for e in events if isinstance(e, UsageReport)]
    assert events[0] == Start("mSEXaseKG-P51PIPwv66qQs", "gemini-2.5-flash", 1779900825)


def test_a_recorded_answer_of_thoughts_only_ends_at_its_length() -> None:
    events = recorded("unary_empty.json")
    assert text(events) == ""
    assert finish(events) == Finish("length", 0, "MAX_TOKENS")
    assert usage(events).output_tokens == usage(events).reasoning_tokens > 0


def test_recorded_logprobs_take_the_canonical_form() -> None:
    (entry,) = [e.logprobs for e in recorded("unary_logprobs.json") if isinstance(e, Text)]
    assert isinstance(entry, list)
    first = entry[0]
    assert isinstance(first, dict)
    assert (first["token"], first["logprob"]) == ("Hello", -1.0489701e-05)
    assert first["bytes"] == list(b"Hello")
    assert isinstance(first["top_logprobs"], list)
    assert first["top_logprobs"][0] == {"token": "Hello", "logprob": -1.0489701e-05, "bytes": list(b"Hello")}


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("[su]*_*")))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_how_the_bytes_are_cut_changes_nothing(name: str, data: st.DataObject) -> None:
    body = (FIXTURES / name).read_bytes()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=40)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    whole, cut = recorded(name), decode(pieces, stream=name.endswith(".sse"))
    assert cut == whole


def test_a_stream_says_what_the_same_answer_says_in_one() -> None:
    parts: list[JsonObject] = [
        {"text": "hm", "thought": True},
        {"text": "a"},
        {"functionCall": {"name": "f", "args": {"x": [1, "é"]}, "id": "own"}},
        {"text": "b"},
    ]
    counts: JsonObject = {"promptTokenCount": 3, "candidatesTokenCount": 4}
    unary = decode([answer(candidate(*parts), usageMetadata=counts)], stream=False)
    pieces = [answer(candidate(part, reason=None)) for part in parts]
    streamed = decode([sse(*pieces, answer(candidate(), usageMetadata=counts))], stream=True)
    assert streamed == unary
    assert calls(unary)[0] == ToolCall(0, 0, "own", "f", '{"x":[1,"é"]}')
    assert [e.part for e in unary if isinstance(e, Text)] == [0, 1, 3]


def test_candidates_are_kept_apart() -> None:
    body = sse(
        answer(candidate({"text": "a"}, reason=None), candidate({"text": "b"}, index=1)),
        answer(candidate({"functionCall": {"name": "f"}})),
    )
    events = decode([body], stream=True)
    assert [(e.choice, e.text) for e in events if isinstance(e, Text)] == [(0, "a"), (1, "b")]
    assert [e for e in events if isinstance(e, Finish)] == [Finish("tool_calls", 0, "STOP"), Finish("stop", 1, "STOP")]


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("OTHER", "error"),
        ("SOMETHING_NEW", "error"),
    ],
)
def test_every_finish_reason_has_a_meaning_and_keeps_its_word(native: str, reason: str) -> None:
    assert finish(decode([answer(candidate({"text": "a"}, reason=native))], stream=False)) == Finish(
        reason,  # type: ignore[arg-type]  # the table holds words of the closed set
        0,
        native,
    )


def test_what_only_gemini_has_is_a_notice_of_its_place() -> None:
    parts: list[JsonObject] = [
        {"text": "a"},
        {"executableCode": {"code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
        {"text": "b"},
    ]
    whole = candidate(*parts, groundingMetadata={"g": 1}, citationMetadata={"c": 1}, safetyRatings=[{"s": 1}])
    events = decode([answer(whole)], stream=False)
    assert [(e.kind, e.part) for e in events if isinstance(e, Notice)] == [
        ("executable_code", 1),
        ("code_execution_result", 2),
        ("inline_data", 3),
        ("grounding_metadata", 4),
        ("citation_metadata", 4),
        ("safety_ratings", 4),
    ]
    assert [e.part for e in events if isinstance(e, Text)] == [0, 4]


def test_usage_counts_everything_that_went_in_and_came_out() -> None:
    native: JsonObject = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 132,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}],
    }
    assert usage(decode([answer(candidate(), usageMetadata=native)], stream=False)) == Usage(
        input_tokens=107,
        output_tokens=25,
        cache_read_tokens=40,
        reasoning_tokens=5,
        input_audio_tokens=10,
        output_audio_tokens=3,
        native_dialect="gemini",
        native=native,
    )


@pytest.mark.parametrize(
    ("body", "stream"),
    [
        (b"", False),
        (b"", True),
        (b"{}", False),
        (b"not json", False),
        (b"[1]", False),
        (b'{"candidates": "x"}', False),
        (b'{"candidates": [{"content": {"parts": [{"text": 5}]}}]}', False),
        (b'{"candidates": [{"content": {"parts": [{"text": "\xff"}]}}]}', False),
        (answer(candidate({"text": "a"}, reason=None)), False),
        (sse(answer(candidate({"text": "a"}, reason=None))), True),
        (sse(answer(candidate({"text": "a"}), candidate({"text": "b"}, reason=None, index=1))), True),
        (sse(b"nonsense"), True),
    ],
)
def test_an_answer_that_is_cut_or_unreadable_is_an_error(body: bytes, *, stream: bool) -> None:
    with pytest.raises(UpstreamProtocolError):
        decode([body], stream=stream)


def test_an_error_in_a_stream_is_what_it_would_be_alone() -> None:
    failing = dumps({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}})
    decoder = decoder_for(stream=True)
    assert decoder.feed(sse(answer(candidate({"text": "a"}, reason=None))))
    with pytest.raises(UpstreamThrottled):
        decoder.feed(sse(failing))


@pytest.mark.parametrize(("encoding", "first"), [("float", [1.0, -0.5]), ("base64", "AACAPwAAAL8=")])
def test_embeddings_come_in_the_form_that_was_asked_for(encoding: str, first: JsonValue) -> None:
    request = EmbeddingRequest(
        dialect="openai-chat",
        model="m",
        inputs=("a", "b"),
        encoding=encoding,  # type: ignore[arg-type]  # the table holds words of the closed set
    )
    decoder = GeminiUpstream().decoder(request, ENDPOINT)
    assert not decoder.feed(b'{"embeddings": [{"values": [1, -0.5]}, {"values": [0, 0]}], "usageMetadata": ')
    assert not decoder.feed(b'{"promptTokenCount": 4}}')
    events = decoder.finish()
    assert [e.index for e in events if isinstance(e, Vector)] == [0, 1]
    assert next(e.values for e in events if isinstance(e, Vector)) == first
    assert usage(events).input_tokens == 4


@pytest.mark.parametrize("body", [b'{"embeddings": [{"values": [1]}]}', b'{"embeddings": []}', b"x", b"{}"])
def test_embeddings_that_are_not_one_for_each_input_are_an_error(body: bytes) -> None:
    request = EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a", "b"))
    decoder = GeminiUpstream().decoder(request, ENDPOINT)
    decoder.feed(body)
    with pytest.raises(PenstockError):
        decoder.finish()
