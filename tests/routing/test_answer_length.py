"""Answers that nobody bounded are bounded by what is usual, and one that is cut off raises the bound."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from penstock.config.routing.compaction import AnswerLengthSettings
from penstock.core.chat import ChatRequest, Message, Reasoning, TextPart
from penstock.core.ends import End
from penstock.core.events import Finish, FinishReason
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.usage import Usage
from penstock.routing.answer_length import AnswerLengthStage
from penstock.testing.clock import FakeClock

SETTINGS = AnswerLengthSettings(least=100, most=8_000, after=50)


@dataclass
class Use:
    """One model in use."""

    stage: AnswerLengthStage
    clock: FakeClock
    runner: asyncio.Runner

    def ask(
        self,
        tokens: int,
        *,
        reason: FinishReason = "stop",
        end: End = "completed",
        max_tokens: int | None = None,
        reasoning: Reasoning | None = None,
        tenant: str = "t",
    ) -> int | None:
        """Ask, be answered with so many tokens; returns the bound that was sent."""
        clock = self.clock
        exchange = Exchange(
            id=new_exchange_id(clock),
            principal=Principal(tenant=tenant, key="k"),
            request=ChatRequest(
                dialect="openai-chat",
                model="m",
                messages=(Message("user", (TextPart("?"),)),),
                max_tokens=max_tokens,
                reasoning=reasoning,
            ),
            dialect="openai-chat",
            started_at=clock.now(),
            began_s=clock.monotonic(),
            deadline_s=clock.monotonic() + 60,
            gone_policy="abort",
            facts=[],
            leases=[],
            attempts=1,
        )
        self.runner.run(self.stage.enter(exchange))
        watch = self.stage.filter(exchange)
        assert watch is not None
        assert watch.feed([Finish(reason)]) == [Finish(reason)]
        exchange.end = end
        exchange.usage = Usage(output_tokens=tokens)
        exchange.leases.pop().settle(exchange)
        request = exchange.request
        assert isinstance(request, ChatRequest)
        return request.max_tokens


@pytest.fixture
def here() -> Iterator[Use]:
    clock = FakeClock()
    with asyncio.Runner() as runner:
        yield Use(AnswerLengthStage({"m": SETTINGS}, clock), clock, runner)


def test_nothing_is_bounded_before_enough_is_known(here: Use) -> None:
    assert [here.ask(300) for _ in range(50)] == [None] * 50
    bound = here.ask(300)
    assert bound is not None
    assert 300 < bound <= 8_000


def test_the_bound_is_above_nearly_all_answers_and_what_the_caller_said_stays(here: Use) -> None:
    bounds = [here.ask(200 + 13 * (at % 40)) for at in range(20_000)]
    last = bounds[-1]
    assert last is not None
    assert 700 < last < 2_100
    assert here.ask(10, max_tokens=7) == 7
    assert here.ask(10, reasoning=Reasoning(effort="high")) is None
    assert here.ask(10, tenant="new") is None


def test_an_answer_that_our_bound_cut_off_doubles_it_and_one_that_the_callers_cut_does_not(here: Use) -> None:
    for _ in range(5_000):
        here.ask(200)
    bound = here.ask(200, reason="length", max_tokens=5)
    bound = here.ask(200)
    assert bound is not None
    assert here.ask(bound, reason="length") == bound
    after = here.ask(200)
    assert after is not None
    assert 1.9 * bound < after <= 2.1 * bound


def test_what_broke_off_says_nothing_of_lengths(here: Use) -> None:
    for _ in range(200):
        here.ask(5_000, end="client_gone")
    assert here.ask(10) is None
