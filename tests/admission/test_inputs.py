"""Limits on what a request may hold: what is over one is refused with its field, what is not is never disturbed."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.admission import inputs
from penstock.admission.inputs import Bounds, Excess, InputStage, bounds_of, find_excess, is_small
from penstock.admission.limits.estimate import prompt_tokens
from penstock.config.inputs import InputSettings
from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    ReasoningPart,
    RefusalPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.errors import ClientError, InputTooLarge
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import InputRefused
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject, dumps
from penstock.testing.clock import FakeClock
from penstock.wire.anthropic.parse import parse_messages
from penstock.wire.openai_chat.parse import parse_request as parse_chat
from penstock.wire.openai_responses.parse import parse_request as parse_responses

NAMES = InputSettings.__struct_fields__
NO_LIMIT = dict.fromkeys(NAMES)


def only(**limits: int) -> Bounds:
    """These limits and no other."""
    return bounds_of(InputSettings(**{**NO_LIMIT, **limits}))


def said(*texts: str, **more: Any) -> ChatRequest:
    messages = tuple(Message("user", (TextPart(text),)) for text in texts)
    fields: dict[str, Any] = {"dialect": "openai-chat", "model": "m", "messages": messages, **more}
    return ChatRequest(**fields)


def holding(*parts: Part) -> ChatRequest:
    return said(messages=(Message("user", (TextPart("look"),)), Message("user", parts)))


def exchange(request: ChatRequest | EmbeddingRequest) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal("acme", "key_1"),
        request=request,
        dialect="openai-chat",
        started_at=0.0,
        began_s=990.0,
        deadline_s=1_060.0,
        gone_policy="abort",
    )


IMAGE = ImagePart(data="A" * 100, media_type="image/png")
TOOL = Tool("look", "é", {"type": "object"})

AT_THE_LIMIT: list[tuple[str, int, ChatRequest | EmbeddingRequest, str]] = [
    ("text_bytes", 9, said("one", "two", "ten"), "messages[2].content"),
    ("text_bytes", 6, said("äöü"), "messages[0].content"),
    ("text_bytes", 10, holding(ReasoningPart("abc", "sig")), "messages[1].content"),
    ("text_bytes", 4 + 6, holding(ToolCallPart("c", "f", '{"a"}'[:5])), "messages[1].content"),
    ("text_bytes", 4 + 8, holding(ToolResultPart("c", (TextPart("deep"), RefusalPart("down")))), "messages[1].content"),
    ("text_bytes", 4 + 11, holding(OpaquePart("openai-chat", "x", {"k": "abc"})), "messages[1].content"),
    ("text_bytes", 4 + 5, holding(FilePart(text="notes")), "messages[1].content"),
    ("text_bytes", 4 + 11, holding(TextPart("", {"k": "abc"})), "messages[1].content"),
    (
        "text_bytes",
        2 + 10,
        said("hi", response_format=ResponseFormat("json_schema", "n", {"a": 1}, description="do")),
        "response_format",
    ),
    ("text_bytes", 2 + 4, said("hi", stop=("ab", "cd")), "stop"),
    ("text_bytes", 2 + 3, said("hi", user="ada"), "user"),
    ("text_bytes", 2 + 11, said("hi", metadata={"k": "abc"}), "metadata"),
    ("text_bytes", 2 + 10 + 7, said("hi", extras={"prediction": "abcde"}), "prediction"),
    ("text_bytes", 3, EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a", "é")), "input[1]"),
    ("messages", 2, said("a", "b"), "messages"),
    ("images", 2, holding(IMAGE, ImagePart(url="https://x/y.png")), "messages[1].content"),
    ("images", 1, holding(ToolResultPart("c", (ToolResultPart("d", (IMAGE,)),))), "messages[1].content"),
    ("image_bytes", 200, holding(IMAGE, IMAGE), "messages[1].content"),
    ("image_bytes", 12, holding(ImagePart(url="data:a/b;c,d")), "messages[1].content"),
    ("files", 2, holding(FilePart(file_id="f"), AudioPart("AAAA", "wav")), "messages[1].content"),
    ("file_bytes", 7, holding(FilePart(data="AAA"), AudioPart("AAAA", "wav")), "messages[1].content"),
    ("tools", 2, said("a", tools=(TOOL, OpaqueTool("openai-chat", "tools[1]", {"type": "x"}))), "tools"),
    ("tool_bytes", 4 + 2 + 17, said("a", tools=(TOOL,)), "tools[0]"),
    ("tool_bytes", 12, said("a", tools=(OpaqueTool("openai-chat", "tools[0]", {"type": "x"}),)), "tools[0]"),
    ("embedding_inputs", 2, EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a", (1, 2))), "input"),
    ("tokens", 5, EmbeddingRequest(dialect="openai-chat", model="m", inputs=((1, 2), (3, 4, 5))), "input"),
    ("tokens", 8, said("0123456789"), "messages"),
    ("choices", 3, said("a", choices=3), "n"),
    ("max_tokens", 50, said("a", max_tokens=50), "max_tokens"),
]


@pytest.mark.parametrize(("limit", "actual", "request_", "field"), AT_THE_LIMIT)
def test_what_is_at_a_limit_passes_and_what_is_one_over_is_refused_with_its_field(
    limit: str, actual: int, request_: ChatRequest | EmbeddingRequest, field: str
) -> None:
    assert find_excess(request_, only(**{limit: actual})) is None
    assert find_excess(request_, only(**{limit: actual - 1})) == Excess(limit, actual - 1, actual, field)


def test_every_limit_has_a_case_above_and_words_of_its_own() -> None:
    assert {limit for limit, *_ in AT_THE_LIMIT} == set(NAMES) == set(Bounds.__struct_fields__) - {"smallest"}
    for limit, actual, request, _ in AT_THE_LIMIT:
        refused = exchange(request)
        with pytest.raises(InputTooLarge) as caught:
            asyncio.run(InputStage(only(**{limit: actual - 1}), {}, FakeClock()).enter(refused))
        assert (caught.value.code, caught.value.status, caught.value.retry) == ("input_too_large", 400, "never")
        assert str(actual) in caught.value.public
        assert f"{actual - 1} is the most" in caught.value.public
        assert refused.facts == [InputRefused(at_s=10.0, limit=limit, most=actual - 1, actual=actual)]
        assert refused.leases == []


def test_an_assistant_with_limits_of_its_own_is_held_to_them_and_no_other_is() -> None:
    stage = InputStage(only(messages=1), {"long": only(messages=3), "free": only()}, FakeClock())
    for model, passes in (("m", 1), ("long", 3), ("free", 50)):
        fine = exchange(said(*["x"] * passes, model=model))
        asyncio.run(stage.enter(fine))
        assert fine.facts == []
    for model, refused in (("m", 2), ("long", 4), ("longer", 2)):
        with pytest.raises(InputTooLarge):
            asyncio.run(stage.enter(exchange(said(*["x"] * refused, model=model))))


@pytest.mark.parametrize(
    ("parse", "body", "limits", "field"),
    [
        (parse_messages, {"system": "be brief", "messages": ["hi"]}, {"text_bytes": 5}, "system"),
        (parse_messages, {"system": "be", "messages": ["hi", "or more"]}, {"text_bytes": 5}, "messages[1].content"),
        (parse_messages, {"messages": ["hi", "or more"]}, {"text_bytes": 5}, "messages[1].content"),
        (parse_messages, {"messages": ["hi"], "stop_sequences": ["abc"]}, {"text_bytes": 4}, "stop_sequences"),
        (parse_messages, {"messages": ["hi"], "metadata": {"user_id": "abc"}}, {"text_bytes": 4}, "metadata.user_id"),
        (parse_chat, {"messages": ["hi"], "max_completion_tokens": 9}, {"max_tokens": 8}, "max_tokens"),
        (parse_chat, {"messages": ["hi"], "n": 9}, {"choices": 8}, "n"),
        (parse_responses, {"instructions": "be brief", "input": "hi"}, {"text_bytes": 5}, "instructions"),
        (parse_responses, {"instructions": "be", "input": "hi, all"}, {"text_bytes": 5}, "input"),
        (parse_responses, {"input": "hi", "max_output_tokens": 9}, {"max_tokens": 8}, "max_output_tokens"),
        (parse_responses, {"instructions": "be", "input": "hi"}, {"messages": 1}, "input"),
    ],
)
def test_the_field_is_the_one_that_the_client_wrote(
    parse: Callable[[bytes], ChatRequest], body: dict[str, Any], limits: dict[str, int], field: str
) -> None:
    document = {"model": "m", **body}
    if "messages" in document:
        document["messages"] = [{"role": "user", "content": text} for text in document["messages"]]
    if parse is parse_messages:
        document["max_tokens"] = 1
        limits = {"text_bytes": limits["text_bytes"]}
    found = find_excess(parse(dumps(document)), only(**limits))
    assert found is not None
    assert found.field == field


def test_a_name_of_the_callers_own_is_cut_short_in_the_refusal() -> None:
    found = find_excess(said("hi", extras={"x" * 5_000: 1}), only(text_bytes=100))
    assert found is not None
    assert found.field == "x" * 64


def test_the_defaults_stand_far_beyond_what_a_large_application_sends() -> None:
    conversation = said(*["a long message of some length " * 100] * 1_000, choices=8, max_tokens=128_000)
    pictures = [msgspec.structs.replace(IMAGE, data="A" * 20_000)] * 500
    agent = said("hi", tools=(Tool("t", "d" * 2_000, {"type": "object"}),) * 500)
    for request in (conversation, holding(*pictures), holding(FilePart(data="A" * 15_000_000)), agent):
        assert find_excess(request, bounds_of(InputSettings())) is None


def test_a_million_messages_and_deep_and_huge_content_are_judged_in_one_pass() -> None:
    tiny = Message("user", (TextPart("é"),))
    many = said(messages=(tiny,) * 1_000_000)
    assert find_excess(many, bounds_of(InputSettings())) == Excess("messages", 10_000, 1_000_000, "messages")
    assert find_excess(many, only()) is None
    deep: Part = TextPart("down")
    for _ in range(5_000):
        deep = ToolResultPart("c", (deep,))
    assert find_excess(holding(deep), only(text_bytes=8)) is None
    assert find_excess(holding(deep), only(text_bytes=7)) == Excess("text_bytes", 7, 8, "messages[1].content")
    huge = holding(ImagePart(data="A" * 200_000_000, media_type="image/png"))
    assert find_excess(huge, bounds_of(InputSettings())) == Excess(
        "image_bytes", 128 * 1024 * 1024, 200_000_000, "messages[1].content"
    )


TEXT = st.text(st.sampled_from("aé中😀\ud800\x00 "), max_size=12)
PLAIN = st.text(st.sampled_from('aé中😀"\x00'), max_size=8)
EXTRAS: st.SearchStrategy[JsonObject] = st.dictionaries(PLAIN, PLAIN, max_size=2)  # pyright: ignore[reportAssignmentType] - text is JSON
LEAVES: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, TEXT, EXTRAS),
    st.builds(ImagePart, url=st.none() | TEXT.map("data:".__add__) | TEXT, data=st.none() | TEXT, extras=EXTRAS),
    st.builds(FilePart, data=st.none() | TEXT, text=st.none() | TEXT, filename=st.none() | TEXT),
    st.builds(FilePart, file_id=TEXT, url=st.none() | TEXT),
    st.builds(AudioPart, TEXT, st.just("wav")),
    st.builds(ReasoningPart, TEXT, st.none() | TEXT, EXTRAS),
    st.builds(RefusalPart, TEXT),
    st.builds(ToolCallPart, TEXT, TEXT, TEXT, signature=st.none() | TEXT),
    st.builds(OpaquePart, st.just("openai-chat"), st.just("x"), EXTRAS),
)
PARTS = st.recursive(
    LEAVES, lambda inner: st.builds(ToolResultPart, TEXT, st.lists(inner, max_size=3).map(tuple), extras=EXTRAS)
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant"]),
    st.lists(PARTS, max_size=4).map(tuple),
    st.none() | TEXT,
    EXTRAS,
)
TOOLS = st.builds(Tool, PLAIN, st.none() | PLAIN, st.none() | EXTRAS, extras=EXTRAS) | st.builds(
    OpaqueTool, st.just("openai-chat"), st.just("tools[0]"), EXTRAS
)
REQUESTS = st.builds(
    ChatRequest,
    dialect=st.sampled_from(["openai-chat", "openai-responses", "anthropic"]),
    model=st.just("m"),
    messages=st.lists(MESSAGES, min_size=1, max_size=4).map(tuple),
    tools=st.lists(TOOLS, max_size=3).map(tuple),
    response_format=st.none() | st.builds(ResponseFormat, st.just("json_schema"), schema=EXTRAS),
    stop=st.lists(TEXT, max_size=2).map(tuple),
    metadata=st.dictionaries(PLAIN, PLAIN, max_size=1),
    user=st.none() | TEXT,
    extras=EXTRAS,
)


def exact(request: ChatRequest) -> dict[str, int]:
    """What the stage itself says there is, where nothing at all may be there; 0 where it finds nothing."""
    found: dict[str, int] = {}
    for limit in ("text_bytes", "images", "image_bytes", "files", "file_bytes", "tool_bytes", "tokens"):
        excess = find_excess(request, only(**{limit: 0}))
        found[limit] = 0 if excess is None else excess.actual
    return found


@settings(deadline=None, max_examples=300)
@given(request=REQUESTS)
def test_whatever_is_sent_each_limit_holds_to_the_byte(request: ChatRequest) -> None:
    """Measuring from above must never let pass what counting by the letter would refuse, nor the other way round."""
    for limit, actual in exact(request).items():
        assert find_excess(request, only(**{limit: actual})) is None
        if actual:
            found = find_excess(request, only(**{limit: actual - 1}))
            assert found is not None
            assert (found.limit, found.actual) == (limit, actual)
    assert exact(request)["tokens"] == prompt_tokens(request)


@settings(deadline=None, max_examples=200)
@given(request=REQUESTS)
def test_a_request_never_measures_less_than_it_counts(request: ChatRequest) -> None:
    most = inputs._measure(request)  # pyright: ignore[reportPrivateUsage] - the first of two passes is not seen outside
    found = exact(request)
    for name in ("text_bytes", "images", "image_bytes", "files", "file_bytes"):
        assert getattr(most, name) >= found[name]


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(TEXT | st.lists(st.integers(0, 9), max_size=5).map(tuple), max_size=5), user=st.none() | TEXT)
def test_embedding_inputs_are_held_to_the_byte_too(texts: list[str | tuple[int, ...]], user: str | None) -> None:
    request = EmbeddingRequest(dialect="openai-chat", model="m", inputs=tuple(texts), user=user)
    bytes_ = sum(len(each.encode("utf-8", "surrogatepass")) for each in [*texts, user or ""] if isinstance(each, str))
    for limit, actual in (("text_bytes", bytes_), ("tokens", prompt_tokens(request)), ("embedding_inputs", len(texts))):
        assert find_excess(request, only(**{limit: actual})) is None
        if actual:
            found = find_excess(request, only(**{limit: actual - 1}))
            assert found is not None
            assert (found.limit, found.actual) == (limit, actual)


SHORTEST: tuple[tuple[str, str], ...] = (
    ("openai-chat", '{"model":"m","messages":[%s]}'),
    ("openai-responses", '{"model":"m","input":[%s]}'),
    ("anthropic", '{"model":"m","max_tokens":1,"messages":[%s]}'),
)
PIECES: dict[str, tuple[str, ...]] = {
    "openai-chat": (
        '{"type":"text","text":""}',
        '{"type":"text","text":"\u00e9\u4e16\U0001f600"}',
        '{"type":"image_url","image_url":{"url":"x:"}}',
        '{"type":"image_url","image_url":{"url":"data:,"}}',
        '{"type":"file","file":{"file_id":"f"}}',
        '{"type":"file","file":{"file_data":"data:,"}}',
        '{"type":"input_audio","input_audio":{"data":"","format":"wav"}}',
        '{"type":"refusal","refusal":""}',
        '{"type":"text","text":"","x":[1e22,1e22,1e22]}',
    ),
    "openai-responses": (
        '{"type":"input_text","text":""}',
        '{"type":"input_image","file_id":"f"}',
        '{"type":"input_image","image_url":"x:"}',
        '{"type":"input_file","file_id":"f"}',
    ),
    "anthropic": (
        '{"type":"text","text":""}',
        '{"type":"image","source":{"type":"url","url":"x:"}}',
        '{"type":"image","source":{"type":"base64","media_type":"image/png","data":""}}',
        '{"type":"document","source":{"type":"text","media_type":"text/plain","data":""}}',
        '{"type":"tool_result","tool_use_id":"t"}',
    ),
}


def parsed(dialect: str, body: str) -> ChatRequest | None:
    parse: Callable[[bytes], ChatRequest] = {
        "openai-chat": parse_chat,
        "openai-responses": parse_responses,
        "anthropic": parse_messages,
    }[dialect]
    try:
        return parse(body.encode())
    except ClientError:
        return None


@pytest.mark.parametrize(("dialect", "frame"), SHORTEST)
def test_what_counts_as_small_by_its_bytes_passes_no_limit(dialect: str, frame: str) -> None:
    tried = 0
    for number in (1, 2, 7, 40, 300):
        bodies = [frame % ",".join(['{"role":"user","content":"x"}'] * number)]
        said_by_user = '{"role":"user","content":['
        bodies += [frame % (said_by_user + ",".join([piece] * number) + "]}") for piece in PIECES[dialect]]
        for body in bodies:
            request = parsed(dialect, body)
            if request is None:
                continue
            for name in set(NAMES) - {"embedding_inputs"}:
                for most in (0, 1, 5, 30, 200, 3_000, 20_000, 600_000):
                    bounds = only(**{name: most})
                    if find_excess(request, bounds) is not None:
                        tried += 1
                        assert not is_small(request, len(body.encode()), bounds), (name, most, body[:200])
    assert tried > 100


def test_a_usual_request_is_known_to_be_small_from_its_bytes_alone() -> None:
    usual = said("x" * 8_000)
    assert is_small(usual, 9_000, bounds_of(InputSettings()))
    assert not is_small(usual, 0, bounds_of(InputSettings())), "nobody counted"
    assert not is_small(said("x", tools=(Tool("t"),)), 100, bounds_of(InputSettings()))
    assert not is_small(said("x", choices=129), 100, bounds_of(InputSettings()))
