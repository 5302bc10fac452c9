"""What guards may do with an answer: make it wait, end it half-way in the dialect's own words, and ask for another."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from tests.flow.scene import DEADLINE_S, Scene

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.clock import Clock
from penstock.core.errors import PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text
from penstock.core.exchange import Exchange
from penstock.core.facts import AskedAgain
from penstock.core.ports import CONTINUE, AskAgain, Continue, Filter, Reply

JUDGE_S = 0.5
modes = pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])


class OneFilter:
    """A stage with the filter that it was given, made anew for each answer."""

    name = "guard"

    def __init__(self, made: type["Slow | Cut | Demanding"], clock: Clock | None = None) -> None:
        self.made = made
        self.clock = clock
        self.answers = 0

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        self.answers += 1
        return self.made(self, exchange)


class Slow:
    """Asks somebody about every batch, who takes a while."""

    def __init__(self, stage: OneFilter, exchange: Exchange) -> None:
        del exchange
        self.clock = stage.clock
        self.held: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self.held.extend(events)
        return ()

    def finish(self) -> Sequence[Event]:
        return ()

    async def judged(self) -> Sequence[Event]:
        assert self.clock is not None
        held, self.held = self.held, []
        if held:
            await self.clock.sleep(JUDGE_S)
        return held


class Cut:
    """Ends the answer after three events, in the dialect's own words."""

    def __init__(self, stage: OneFilter, exchange: Exchange) -> None:
        del stage, exchange
        self.seen = 0

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self.seen += len(events)
        if self.seen > 3:
            raise PolicyBlocked("no further", last=(Finish("content_filter"),))
        return events

    def finish(self) -> Sequence[Event]:
        return ()


class Demanding:
    """Holds an answer until its end; does not like the first."""

    def __init__(self, stage: OneFilter, exchange: Exchange) -> None:
        self.stage = stage
        self.exchange = exchange
        self.held: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self.held.extend(events)
        return ()

    def finish(self) -> Sequence[Event]:
        if self.stage.answers == 1:
            request = self.exchange.request
            assert isinstance(request, ChatRequest)
            more = (*request.messages, Message("user", (TextPart("that was no JSON"),)))
            raise AskAgain(msgspec.structs.replace(request, messages=more), reason="schema")
        return self.held


def staged(made: type["Slow | Cut | Demanding"], *, is_streamed: bool = True, targets: Sequence[str] = ()) -> Scene:
    stage = OneFilter(made)
    scene = Scene(is_streamed=is_streamed, guards=(stage,), targets=targets)
    stage.clock = scene.clock
    return scene


@modes
def test_a_filter_may_ask_somebody(*, is_streamed: bool) -> None:
    async def main() -> None:
        plain = Scene(is_streamed=is_streamed)
        await plain.play()
        scene = staged(Slow, is_streamed=is_streamed)
        await scene.begin()
        await scene.clock.run_for(DEADLINE_S / 2)
        record = await scene.end()
        assert record.outcome == "completed"
        assert scene.sink.text() == plain.sink.text()
        assert record.output_tokens > 0

    asyncio.run(main())


def test_a_filter_that_waits_too_long_meets_the_deadline() -> None:
    async def main() -> None:
        scene = staged(Slow)
        scene.exchange.deadline_s = scene.clock.monotonic() + JUDGE_S / 2
        await scene.begin()
        await scene.clock.run_for(JUDGE_S / 2)
        record = await scene.end()
        assert record.outcome == "deadline"

    asyncio.run(main())


def test_an_answer_that_is_cut_ends_in_its_own_words_and_is_paid_for() -> None:
    async def main() -> None:
        scene = staged(Cut)
        record = await scene.play()
        assert record.outcome == "blocked"
        assert record.outcome_code == "policy_blocked"
        assert isinstance(scene.sink.events[-1], Finish)
        assert scene.sink.events[-1].reason == "content_filter"
        assert record.usage_accuracy == "estimated"
        assert record.output_tokens > 0

    asyncio.run(main())


@modes
def test_another_answer_is_asked_for_and_both_are_paid_for(*, is_streamed: bool) -> None:
    async def main() -> None:
        plain = await Scene(is_streamed=is_streamed).play()
        scene = staged(Demanding, is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "completed"
        assert record.attempts == 2
        assert [fact.reason for fact in record.facts if isinstance(fact, AskedAgain)] == ["schema"]
        (extra,) = scene.exchange.extra_calls
        assert extra.why == "repaired"
        assert extra.usage is not None
        assert extra.usage.output_tokens == plain.output_tokens
        assert record.output_tokens > plain.output_tokens + 10
        assert record.cost_nanousd == record.input_tokens + record.output_tokens
        last = scene.provider.sources[-1].request
        assert isinstance(last, ChatRequest)
        assert len(last.messages) == 2
        assert len([event for event in scene.sink.events if isinstance(event, Start)]) == 1

    asyncio.run(main())


def test_another_target_is_asked_where_the_filter_names_one() -> None:
    async def main() -> None:
        scene = staged(Demanding)
        other = scene.target("other")
        stage = scene.guards[0]
        assert isinstance(stage, OneFilter)

        class Elsewhere(Demanding):
            def finish(self) -> Sequence[Event]:
                if self.stage.answers == 1:
                    raise AskAgain(self.exchange.request, reason="schema", targets=(other,))
                return self.held

        stage.made = Elsewhere
        record = await scene.play()
        assert record.target == "sim/other"
        assert scene.exchange.route == replace(scene.route, targets=(other,))

    asyncio.run(main())


def test_a_stage_that_refuses_with_a_text_has_blocked() -> None:
    class Refusing:
        name = "guard"

        async def enter(self, exchange: Exchange) -> Reply:
            exchange.is_refused = True
            return Reply((Start("", "m"), Text("not that"), Finish("content_filter")))

        def filter(self, exchange: Exchange) -> None:
            return None

    async def main() -> None:
        scene = Scene(guards=(Refusing(),))
        record = await scene.play()
        assert record.outcome == "blocked"
        assert record.attempts == 0
        assert record.cost_nanousd == 0
        assert scene.sink.text() == "not that"

    asyncio.run(main())
