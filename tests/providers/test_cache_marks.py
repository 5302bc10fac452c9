"""Where prompts are marked to be kept, in each dialect."""

import msgspec
import pytest

from penstock.core.chat import ChatRequest, Dialect, Message, PromptCaching, TextPart, Tool
from penstock.core.json import JsonObject, loads
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.anthropic.models import least_cached_tokens
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.bedrock.models import keeps_prompts
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_chat.dialect import OpenAIChatUpstream
from penstock.providers.openai_responses.dialect import OpenAIResponses

LONG = "You answer politely and at length. " * 400
TOOLS = tuple(Tool(f"tool_{at}", LONG[:1500], {"type": "object"}) for at in range(4))
BOTH = PromptCaching(key="k" * 32, prefix=True, turns=True)
SONNET = "claude-sonnet-4-5"
ON_BEDROCK = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MARK = {"type": "ephemeral"}
POINT = {"cachePoint": {"type": "default"}}


def said(role: str, text: str, **extras: object) -> Message:
    part = TextPart(text, extras=extras)  # type: ignore[arg-type]  # a short way to write extras
    return Message(role, (part,))  # type: ignore[arg-type]  # roles of a test


def request(*messages: Message, dialect: Dialect = "openai-chat", caching: PromptCaching | None = BOTH) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="m", messages=messages, tools=TOOLS, caching=caching)


TALK = (said("system", LONG), said("user", "Hello?"), said("assistant", "Yes?"), said("user", "What?"))


def anthropic_body(wanted: ChatRequest, model: str = SONNET) -> JsonObject:
    call = AnthropicUpstream().encode(wanted, model, Endpoint("anthropic", "https://x.invalid", "k"), now=0)
    return as_object(call.body)


def bedrock_body(wanted: ChatRequest, model: str = ON_BEDROCK) -> JsonObject:
    return as_object(BedrockUpstream().encode(wanted, model, Endpoint("bedrock", "https://x.invalid"), now=0).body)


def as_object(body: bytes) -> JsonObject:
    value = loads(body)
    assert isinstance(value, dict)
    return value


def marks(value: object) -> int:
    if isinstance(value, dict):
        own = int("cache_control" in value or "cachePoint" in value)
        return own + sum(map(marks, value.values()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # JSON
    return sum(map(marks, value)) if isinstance(value, list) else 0  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # JSON


def test_anthropic_is_told_to_keep_tools_system_and_the_last_turn() -> None:
    body = anthropic_body(request(*TALK))
    assert body["tools"][-1]["cache_control"] == MARK  # type: ignore[index, call-overload]  # JSON
    assert body["system"][-1]["cache_control"] == MARK  # type: ignore[index, call-overload]  # JSON
    assert body["messages"][-1]["content"] == [{"type": "text", "text": "What?", "cache_control": MARK}]  # type: ignore[index, call-overload]  # JSON
    assert marks(body) == 3


def test_a_turn_too_far_back_to_be_found_is_marked_too_and_four_marks_are_the_most() -> None:
    many = Message("assistant", tuple(TextPart(f"step {at}") for at in range(25)))
    body = anthropic_body(request(*TALK[:2], many, said("user", "And?")))
    assert body["messages"][0]["content"][-1]["cache_control"] == MARK  # type: ignore[index, call-overload]  # JSON
    assert marks(body) == 4


@pytest.mark.parametrize("place", ["system", "turn", "body"])
def test_where_the_caller_placed_its_own_marks_there_are_no_others(place: str) -> None:
    own = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    messages = (
        said("system", LONG, **(own if place == "system" else {})),
        said("user", "Hello?", **(own if place == "turn" else {})),
    )
    wanted = request(*messages, dialect="anthropic")
    if place == "body":
        wanted = msgspec.structs.replace(wanted, extras=own)  # type: ignore[arg-type]  # JSON
    body = anthropic_body(wanted)
    assert marks(body) == 1
    assert b'"ttl":"1h"' in msgspec.json.encode(body)
    if place != "body":
        assert marks(bedrock_body(wanted)) == 1


def test_what_is_too_short_to_be_kept_is_not_marked() -> None:
    short = ChatRequest(dialect="openai-chat", model="m", messages=(said("user", "Hi"),), caching=BOTH)
    assert marks(anthropic_body(short)) == 0
    assert marks(bedrock_body(short)) == 0
    middle = ChatRequest(
        dialect="openai-chat", model="m", messages=(said("system", LONG[:6_000]), said("user", "Hi")), caching=BOTH
    )
    assert marks(anthropic_body(middle)) == 2
    assert marks(anthropic_body(middle, "claude-opus-4-5")) == 0


def test_without_a_wish_a_body_is_what_it_was() -> None:
    for wanted in (None, PromptCaching(key="k")):
        assert marks(anthropic_body(request(*TALK, caching=wanted))) == 0
        assert marks(bedrock_body(request(*TALK, caching=wanted))) == 0


def test_bedrock_gets_points_behind_tools_system_and_the_last_turn() -> None:
    body = bedrock_body(request(*TALK))
    assert body["toolConfig"]["tools"][-1] == POINT  # type: ignore[index, call-overload]  # JSON
    assert body["system"][-1] == POINT  # type: ignore[index]  # JSON
    assert body["messages"][-1]["content"] == [{"text": "What?"}, POINT]  # type: ignore[index, call-overload]  # JSON


def test_nova_gets_no_point_behind_its_tools_and_models_that_refuse_points_get_none() -> None:
    assert marks(bedrock_body(request(*TALK), "eu.amazon.nova-pro-v1:0")) == 2
    for model in (
        "anthropic.claude-3-haiku-20240307-v1:0",
        "meta.llama3-70b-instruct-v1:0",
        "arn:aws:bedrock:x:1:p/abc",
    ):
        assert marks(bedrock_body(request(*TALK), model)) == 0


@pytest.mark.parametrize(
    ("model", "is_known"),
    [
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", False),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", True),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", True),
        ("global.anthropic.claude-opus-4-5-20251101-v1:0", True),
        ("amazon.nova-lite-v1:0", True),
        ("amazon.nova-canvas-v1:0", False),
    ],
)
def test_models_that_take_cache_points(model: str, is_known: bool) -> None:  # noqa: FBT001 - a table
    assert keeps_prompts(model) is is_known


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("claude-sonnet-4-5", 1_024),
        ("claude-opus-4-1", 1_024),
        ("claude-opus-4-5", 4_096),
        ("claude-haiku-4-5-20251001", 4_096),
        ("claude-3-5-haiku-latest", 2_048),
        ("some-other", 1_024),
    ],
)
def test_the_least_length_that_is_kept(model: str, least: int) -> None:
    assert least_cached_tokens(model) == least


def test_openai_gets_the_key_and_a_callers_own_key_stays() -> None:
    endpoint = Endpoint("openai", "https://x.invalid/v1", "k", quirks=frozenset({"prompt_cache_key"}))
    for dialect in (OpenAIChatUpstream(), OpenAIResponses()):
        wanted = request(*TALK, dialect=dialect.name)
        body = as_object(dialect.encode(wanted, "gpt-5", endpoint, now=0).body)
        assert body["prompt_cache_key"] == BOTH.key
        own = msgspec.structs.replace(wanted, extras={"prompt_cache_key": "mine"})
        assert as_object(dialect.encode(own, "gpt-5", endpoint, now=0).body)["prompt_cache_key"] == "mine"
        other = Endpoint("vllm", "https://x.invalid/v1", "k")
        assert "prompt_cache_key" not in as_object(dialect.encode(wanted, "gpt-5", other, now=0).body)
