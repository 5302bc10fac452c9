"""The same is asked again: of the same model, at once, within its time; it is paid for and costs no answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.flow.scene import Scene

from penstock.config.targets import ConcurrencySettings, GateSettings
from penstock.core.chat import ChatRequest, Message, TextPart, Tool
from penstock.core.errors import BudgetExhausted
from penstock.core.events import Event, Text
from penstock.core.exchange import Exchange
from penstock.core.facts import AttemptFailed, ExtraCallBilled, TargetPassedOver
from penstock.core.ports import CONTINUE, Continue, Filter, Samples, Target
from penstock.core.record import Settled
from penstock.flow.samples import Sampling, once_more

WITHIN_S = 5.0
SLOW = "sim:tokens=4,gap=2s"
modes = pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])


class Again:
    """A stage that has the answer made again once it is whole, and gives the answer; `repeats` hold what came."""

    name = "again"

    def __init__(self, count: int) -> None:
        self.count = count
        self.sampling: Sampling | None = None
        self.repeats = Samples()
        self.said = ""

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return Repeated(self, exchange)


class Repeated:
    def __init__(self, stage: Again, exchange: Exchange) -> None:
        self.stage, self.exchange = stage, exchange
        self.held: list[Event] = []
        self.is_over = False

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self.held += events
        return ()

    def finish(self) -> Sequence[Event]:
        self.is_over = True
        return ()

    async def judged(self) -> Sequence[Event]:
        if not self.is_over:
            return ()
        stage = self.stage
        assert stage.sampling is not None
        stage.said = "".join(each.text for each in self.held if isinstance(each, Text))
        stage.repeats = await stage.sampling(self.exchange, count=stage.count, temperature=0.7, within_s=WITHIN_S)
        return self.held


def staged(model: str, count: int = 2, **more: Any) -> tuple[Scene, Again]:
    again = Again(count)
    scene = Scene(targets=(model,), guards=(again,), **more)
    again.sampling = Sampling(scene.gates, scene.allowance, scene.clock)
    return scene, again


async def alone(model: str, **more: Any) -> Settled:
    return await Scene(targets=(model,), **more).play()


def billed(record: Settled) -> list[tuple[str, int]]:
    return [(fact.why, fact.output_tokens) for fact in record.facts if isinstance(fact, ExtraCallBilled)]


@modes
@pytest.mark.parametrize("streams_whole", [False, True])
def test_what_was_asked_is_asked_again_and_all_of_it_is_paid_for(*, is_streamed: bool, streams_whole: bool) -> None:
    async def main() -> None:
        one = await alone("sim:tokens=7", is_streamed=is_streamed, streams_whole=streams_whole)
        scene, again = staged("sim:tokens=7", is_streamed=is_streamed, streams_whole=streams_whole)
        record = await scene.play()
        assert record.outcome == "completed"
        assert scene.sink.text() == again.said
        assert again.repeats == Samples((again.said, again.said), asked=2)
        assert (record.attempts, record.target) == (3, "sim/sim:tokens=7")
        assert billed(record) == [("agreement", one.output_tokens)] * 2
        assert (record.input_tokens, record.output_tokens) == (3 * one.input_tokens, 3 * one.output_tokens)
        assert record.cost_nanousd == 3 * (one.cost_nanousd or 0)

    asyncio.run(main())


def test_it_is_asked_in_masked_space_and_only_for_a_text() -> None:
    async def main() -> None:
        scene, _ = staged("sim:echo", count=1)
        asked = scene.exchange.request
        assert isinstance(asked, ChatRequest)
        scene.exchange.asked = msgspec.structs.replace(asked, messages=(Message("user", (TextPart("I am Eve"),)),))
        scene.exchange.request = msgspec.structs.replace(asked, messages=(Message("user", (TextPart("<P1>"),)),))
        await scene.play()
        sent = [each.request for each in scene.provider.sources]
        assert [each.messages for each in sent if isinstance(each, ChatRequest)] == [
            scene.exchange.request.messages
        ] * 2

    asyncio.run(main())


@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.7), (0.9, 0.9), (None, None)])
def test_it_need_not_be_the_same_each_time(asked: float | None, sent: float | None) -> None:
    text = (Message("user", (TextPart("hi"),)),)
    plain = ChatRequest(dialect="openai-chat", model="m", messages=text, max_tokens=9)
    fixed: dict[str, Any] = {"seed": 7, "top_k": 1, "top_p": 0.1, "logprobs": True, "top_logprobs": 2, "choices": 2}
    tools = (Tool("look"),)
    request = msgspec.structs.replace(plain, temperature=asked, tools=tools, **fixed)
    assert once_more(request, 0.7) == msgspec.structs.replace(plain, temperature=sent)


def test_a_call_that_fails_is_a_fact_and_no_failure_of_the_answer() -> None:
    async def main() -> None:
        scene, again = staged("sim:limit=2/60s,tokens=7", count=3)
        record = await scene.play()
        assert record.outcome == "completed"
        assert scene.sink.text() == again.said
        assert again.repeats == Samples((again.said,), asked=3)
        assert [fact.code for fact in record.facts if isinstance(fact, AttemptFailed)] == ["upstream_throttled"] * 2
        assert billed(record) == [("agreement", 7)]

    asyncio.run(main())


def test_it_has_the_place_that_the_answer_had_and_waits_for_no_other() -> None:
    async def main() -> None:
        settings = GateSettings(concurrency=ConcurrencySettings(initial=1, most=1))
        scene, again = staged("sim:tokens=7", count=3, gate_settings=settings)
        record = await scene.play()
        assert again.repeats == Samples((again.said,), asked=1)
        assert billed(record) == [("agreement", 7)]

    asyncio.run(main())


class RoomFor:
    """A budget that has room for so many more calls; then it refuses, or ends as an unforeseen error."""

    def __init__(self, calls: int, error: Exception | None = None, *, caps: bool = False) -> None:
        self.calls, self.error, self.caps = calls, error, caps

    async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None:
        assert is_extra, "a call beside the answer must be reserved as one"
        if not self.calls:
            if self.caps:
                exchange.budget_action = "cheaper_tier"
                return
            raise self.error or BudgetExhausted("used up")
        self.calls -= 1


@pytest.mark.parametrize("caps", [False, True], ids=["refused", "only cheaper"])
def test_where_there_is_no_money_for_it_that_call_is_left_out(*, caps: bool) -> None:
    async def main() -> None:
        scene, again = staged("sim:tokens=7", count=3, allowance=RoomFor(1, caps=caps))
        record = await scene.play()
        assert again.repeats == Samples((again.said,), asked=1)
        assert billed(record) == [("agreement", 7)]
        codes = [fact.code for fact in record.facts if isinstance(fact, TargetPassedOver)]
        assert codes == ([] if caps else ["budget_exhausted"])

    asyncio.run(main())


@pytest.mark.parametrize("caps", [False, True], ids=["refused", "only cheaper"])
def test_a_place_for_which_there_is_no_money_is_given_back_while_the_others_speak(*, caps: bool) -> None:
    async def main() -> None:
        scene, _ = staged(SLOW)
        scene.exchange.target = scene.target(SLOW)
        sampling = Sampling(scene.gates, RoomFor(1, caps=caps), scene.clock)
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(sampling(scene.exchange, count=3, temperature=0.7, within_s=WITHIN_S))
            await scene.clock.run_for(0.0)
            assert [gate.in_flight for gate in scene.gates] == [1]
            await scene.clock.run_for(60.0)
        assert asked.result().asked == 1
        assert [gate.in_flight for gate in scene.gates] == [0]

    asyncio.run(main())


def test_a_place_that_no_call_came_to_use_is_given_back() -> None:
    async def main() -> None:
        scene, _ = staged("sim")
        scene.exchange.target = scene.target("sim")
        sampling = Sampling(scene.gates, RoomFor(1, ValueError("nobody foresaw it")), scene.clock)
        with pytest.raises(ExceptionGroup):
            await sampling(scene.exchange, count=2, temperature=0.7, within_s=WITHIN_S)
        assert [gate.in_flight for gate in scene.gates] == [0]
        assert scene.provider.calls == 0, "the first call was never begun"

    asyncio.run(main())


def test_what_is_late_is_left_out_and_what_it_had_said_is_paid_for() -> None:
    async def main() -> None:
        scene, again = staged(SLOW)
        await scene.begin()
        await scene.clock.run_for(60.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert scene.sink.text() == again.said
        assert again.repeats == Samples((), asked=2)
        assert [why for why, _ in billed(record)] == ["agreement"] * 2
        assert all(0 < said < 4 for _, said in billed(record))
        answered_s = 2.0 * 6  # a start, four tokens, an end and the usage
        assert record.duration_s == pytest.approx(answered_s + WITHIN_S, abs=1.0)

    asyncio.run(main())


@pytest.mark.parametrize("how", ["client", "shutdown", "deadline"])
def test_stopped_on_the_way_nothing_stays_open_and_each_call_is_paid_for_once(how: str) -> None:
    async def main() -> None:
        scene, _ = staged(SLOW)
        if how == "deadline":
            scene.exchange.deadline_s = scene.clock.monotonic() + 15.0
        await scene.begin()
        await scene.clock.run_for(14.5)
        assert scene.exchange.attempts == 3, "they are under way"
        if how == "client":
            scene.handle.client_left()
        elif how == "shutdown":
            scene.handle.shutdown()
        else:
            await scene.clock.run_for(1.0)
        record = await scene.end()
        assert record.outcome == {"client": "client_gone"}.get(how, how)
        assert [why for why, _ in billed(record)] == ["agreement"] * 2

    asyncio.run(main())
