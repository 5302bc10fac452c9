"""What must be right in the books whatever else happens: once, in time, and never for nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from tests.flow.scene import FlatPrice, Scene, WordCounter

from penstock.core.chat import ChatRequest, Message, TextPart, Tool
from penstock.core.events import Event, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange
from penstock.core.facts import ToolsOffered
from penstock.core.ports import CONTINUE, Continue, Filter
from penstock.core.record import Settled
from penstock.core.usage import Usage
from penstock.flow.meter import Meter
from penstock.flow.plan import Plan
from penstock.flow.settle import Settlement
from penstock.testing.ledger import MemoryLedger
from penstock.testing.sink import RecordingSink


class SinkThatLooksAtTheBooks(RecordingSink):
    """Remembers what had been recorded when the last bytes were let go."""

    def __init__(self, ledger: MemoryLedger) -> None:
        super().__init__()
        self._ledger = ledger
        self.recorded_before: list[Settled] = []

    async def close(self, exchange: Exchange) -> None:
        self.recorded_before = list(self._ledger.records)
        await super().close(exchange)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])
def test_the_record_is_written_before_the_last_bytes_are_let_go(*, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(is_streamed=is_streamed)
        sink = scene.sink = SinkThatLooksAtTheBooks(scene.ledger)
        record = await scene.play()
        assert sink.recorded_before == [record]

    asyncio.run(main())


def test_an_exchange_is_settled_once() -> None:
    async def main() -> None:
        scene = Scene()
        await scene.play()
        ledger = MemoryLedger()
        settlement = Settlement(ledger=ledger, prices=FlatPrice(), counter=WordCounter(), clock=scene.clock)
        with pytest.raises(RuntimeError, match="settled"):
            settlement.settle(scene.exchange, Meter(), end="completed", error=None)
        assert ledger.records == []
        assert scene.exchange.end == "completed"

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["zero_usage", "missing_usage"])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])
def test_an_answer_without_a_true_usage_is_counted_by_us(fault: str, *, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(model=f"sim:fault={fault}", is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "completed"
        assert record.usage_accuracy == "estimated"
        assert record.input_tokens == 6
        assert record.output_tokens == len(scene.sink.text().split())
        assert record.cost_nanousd == record.input_tokens + record.output_tokens > 6

    asyncio.run(main())


def usage_of(*events: Event) -> Usage:
    meter = Meter()
    assert meter.feed(events) == events
    return meter.usage(Scene().exchange, WordCounter(), at_s=0.0)


def test_no_output_beside_a_text_is_not_believed() -> None:
    reported = Usage(input_tokens=5, output_tokens=0)
    assert usage_of(Text("two words"), UsageReport(reported)).output_tokens == 2
    assert usage_of(UsageReport(reported)) == reported, "an empty answer may well have none"


def test_a_figure_that_is_marked_as_a_guess_is_kept_as_one() -> None:
    guess = Usage(input_tokens=0, output_tokens=0, accuracy="estimated")
    assert usage_of(Text("two words"), UsageReport(guess)) == guess


def test_a_tool_call_is_output_with_its_name_and_arguments() -> None:
    assert usage_of(ToolCall(choice=0, index=0, id="t", name="look", arguments=" three more words")).output_tokens == 4


def offered(prompt: str, *, tools: int = 2, is_streamed: bool = True, model: str = "sim") -> list[tuple[int, int]]:
    """What the record says of tools: how many were offered, and how often some were called."""

    async def main() -> list[tuple[int, int]]:
        scene = Scene(is_streamed=is_streamed, model=model)
        assert isinstance(scene.exchange.request, ChatRequest)
        scene.exchange.request = msgspec.structs.replace(
            scene.exchange.request,
            messages=(Message(role="user", parts=(TextPart(prompt),)),),
            tools=tuple(Tool(f"tool_{number}", parameters={"type": "object"}) for number in range(tools)),
        )
        record = await scene.play()
        return [(fact.offered, fact.calls) for fact in record.facts if isinstance(fact, ToolsOffered)]

    return asyncio.run(main())


@pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])
def test_the_record_says_which_answers_call_tools_where_some_were_offered(*, is_streamed: bool) -> None:
    assert offered("call tool tool_1 and tool_0", is_streamed=is_streamed) == [(2, 2)]
    assert offered("how do I find my card", is_streamed=is_streamed) == [(2, 0)]
    assert offered("call tool tool_1", tools=0, is_streamed=is_streamed) == []
    assert offered("call tool tool_1", model="sim:fault=status@503", is_streamed=is_streamed) == [], "no answer came"


def test_tool_calls_are_those_of_the_answer_that_is_given() -> None:
    scene, meter = Scene(), Meter()
    scene.exchange.target = scene.target("sim")
    meter.feed([ToolCall(0, 0, "a", "look"), ToolCall(0, 0, arguments="{}"), ToolCall(0, 1, "b", "look")])
    assert meter.calls == 2
    meter.hand_over(scene.exchange, "second_opinion")
    meter.feed([Text("no tools")])
    assert meter.calls == 0
    [first] = scene.exchange.extra_calls
    meter.hand_over(scene.exchange, "second_opinion")
    meter.take_back(scene.exchange, first)
    assert meter.calls == 2


def test_draining_waits_for_what_is_in_flight() -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        await scene.begin()
        draining = asyncio.get_running_loop().create_task(scene.engine.drain(5.0))
        await scene.clock.run_for(4.9)
        assert not draining.done()
        scene.provider.release()
        record = await scene.end()
        assert await draining == 0
        assert record.outcome == "completed"

    asyncio.run(main())


@dataclass
class HoldBack:
    """A filter that lets nothing go before the end."""

    held: list[Event] = field(default_factory=list["Event"])

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self.held.extend(events)
        return ()

    def finish(self) -> Sequence[Event]:
        return self.held


class Shout:
    """A filter that changes every text."""

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        return [Text(event.text.upper()) if isinstance(event, Text) else event for event in events]

    def finish(self) -> Sequence[Event]:
        return ()


@dataclass(frozen=True)
class Filtering:
    """A stage of nothing but its filter."""

    made: Filter
    name: str = "filtering"

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return self.made


def test_what_a_filter_held_back_is_let_go_through_the_filters_after_it() -> None:
    async def main() -> None:
        plain = Scene()
        await plain.play()
        scene = Scene(guards=[Filtering(HoldBack()), Filtering(Shout())])
        await scene.play()
        assert scene.sink.text() == plain.sink.text().upper() != ""

    asyncio.run(main())


def test_an_answer_arrives_from_its_first_event_to_its_last() -> None:
    async def main() -> None:
        scene = Scene(model="sim:echo")
        await scene.play()
        assert scene.sink.text() == "how do I find my card"

    asyncio.run(main())


class SinkThatWaits(RecordingSink):
    """Its last bytes take a turn of the loop, as on a real connection."""

    has_finished = False

    async def close(self, exchange: Exchange) -> None:
        await super().close(exchange)
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop, no time
        self.has_finished = True


class StopAtTheEnd:
    """A filter that stops its own exchange in the very moment in which the answer is complete."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        return events

    def finish(self) -> Sequence[Event]:
        self._scene.handle.deadline()
        return ()


def test_a_deadline_in_the_moment_of_completion_does_not_cut_the_last_bytes() -> None:
    async def main() -> None:
        sink = SinkThatWaits()
        scene = Scene(sink=sink)
        late = Filtering(StopAtTheEnd(scene))
        plan = scene.engine.plan
        scene.engine.plan = Plan((*plan.request, late), (*plan.response, late))
        await scene.play()
        assert sink.has_finished

    asyncio.run(main())
