"""Which prompts providers are asked to keep."""

import asyncio

import pytest

from penstock.core.chat import ChatRequest, Message, PromptCaching, TextPart
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import PromptCacheWanted
from penstock.core.ids import new_exchange_id
from penstock.routing.prompt_cache.stage import PromptCacheStage
from penstock.testing.clock import FakeClock

LONG = "You answer politely and at length. " * 100


def said(role: str, text: str) -> Message:
    return Message(role, (TextPart(text),))  # type: ignore[arg-type]  # roles of a test


def enter(stage: PromptCacheStage, clock: FakeClock, *messages: Message, tenant: str = "t") -> PromptCaching | None:
    exchange = Exchange(
        id=new_exchange_id(clock),
        principal=Principal(tenant=tenant, key="k"),
        request=ChatRequest(dialect="openai-chat", model="m", messages=messages),
        dialect="openai-chat",
        started_at=clock.now(),
        began_s=clock.monotonic(),
        deadline_s=clock.monotonic() + 60,
        gone_policy="abort",
        facts=[],
    )
    asyncio.run(stage.enter(exchange))
    request = exchange.request
    assert isinstance(request, ChatRequest)
    wants = request.caching is not None and (request.caching.prefix or request.caching.turns)
    assert any(isinstance(fact, PromptCacheWanted) for fact in exchange.facts) is wants
    return request.caching


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stage(clock: FakeClock) -> PromptCacheStage:
    return PromptCacheStage(frozenset({"off"}), clock)


def test_a_short_prompt_is_not_looked_at(stage: PromptCacheStage, clock: FakeClock) -> None:
    assert enter(stage, clock, said("system", "Be kind."), said("user", "Hi")) is None


def test_prompts_that_begin_alike_have_one_key_and_tenants_never_share_one(
    stage: PromptCacheStage, clock: FakeClock
) -> None:
    first = enter(stage, clock, said("system", LONG), said("user", "Hi"))
    second = enter(stage, clock, said("system", LONG), said("user", "Ho"))
    other = enter(stage, clock, said("system", LONG), said("user", "Hi"), tenant="u")
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.key == second.key != other.key
    assert len(first.key) <= 64
    assert "t" * 3 not in first.key


def test_a_use_whose_prompts_never_come_again_stops_paying_for_keeping_them(
    stage: PromptCacheStage, clock: FakeClock
) -> None:
    wanted = [enter(stage, clock, said("system", f"{at} {LONG}"), said("user", "Hi")) for at in range(100)]
    assert wanted[0] is not None
    assert wanted[0].prefix
    assert wanted[-1] is not None
    assert not wanted[-1].prefix
    assert not wanted[-1].turns
    again = enter(stage, clock, said("system", f"99 {LONG}"), said("user", "Ho"))
    assert again is not None
    assert again.prefix


def test_a_conversation_that_goes_on_is_kept_until_the_provider_would_have_forgotten_it(
    stage: PromptCacheStage, clock: FakeClock
) -> None:
    for at in range(100):
        enter(stage, clock, said("system", LONG), said("user", f"{at}"))
    talk = [said("system", LONG), said("user", "Hi"), said("assistant", "Yes?"), said("user", "What?")]
    first = enter(stage, clock, *talk[:2])
    assert first is not None
    assert first.prefix
    assert not first.turns
    second = enter(stage, clock, *talk)
    assert second is not None
    assert second.turns
    clock.advance(301)
    third = enter(stage, clock, *talk, said("assistant", "That."), said("user", "Why?"))
    assert third is not None
    assert not third.turns
