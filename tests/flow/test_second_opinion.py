"""A second opinion: the better of two answers is given, both are paid for, and a second that fails costs no answer."""

import asyncio
from collections.abc import Sequence
from unittest.mock import patch

import pytest
from tests.flow.scene import Scene

from penstock.core.errors import BudgetExhausted, PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import SecondOpinion
from penstock.core.ports import CONTINUE, AskAgain, Continue, Filter, KeepFirst, SetAside, Stage, Target
from penstock.core.record import Settled

WITHIN_S = 10.0
modes = pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])


class Judge:
    """Sets the first answer aside and has `second` asked; `keeps_first` says whose is better."""

    name = "judge"

    def __init__(self, *, keeps_first: bool) -> None:
        self.keeps_first = keeps_first
        self.second: Target | None = None
        self.is_second = False

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return Judged(self, exchange)


class Judged:
    def __init__(self, judge: Judge, exchange: Exchange) -> None:
        self.judge = judge
        self.exchange = exchange
        self.held: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self.held.extend(events)
        return ()

    def finish(self) -> Sequence[Event]:
        judge, self.exchange.confidence = self.judge, 0.5
        if not judge.is_second:
            judge.is_second = True
            assert judge.second is not None
            aside = SetAside(judge.name, lambda: self.held, WITHIN_S)
            raise AskAgain(self.exchange.request, reason="second_opinion", targets=(judge.second,), aside=aside)
        if judge.keeps_first:
            raise KeepFirst
        return self.held


class Before:
    """A guard before the judge: of the second answer it thinks badly."""

    name = "before"

    def __init__(self, judge: Judge, *, blocks: bool = False) -> None:
        self.judge = judge
        self.blocks = blocks

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        if not self.judge.is_second:
            return None
        exchange.hold_reasons.append(HoldReason("before"))
        return Blocking() if self.blocks else None


class Blocking:
    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        raise PolicyBlocked("not this one", last=(Text("no"), Finish("content_filter")))

    def finish(self) -> Sequence[Event]:
        return ()


class Behind:
    """Adds a word at the end, as a guard that closes answers does, and counts the answers that are whole."""

    name = "behind"

    def __init__(self) -> None:
        self.whole = 0

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return Closing(self)


class Closing:
    def __init__(self, stage: Behind) -> None:
        self.stage = stage

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        return events

    def finish(self) -> Sequence[Event]:
        self.stage.whole += 1
        return (Text(" That is all."),)


FIRST, SECOND = "sim:tokens=7", "sim:tokens=23"


def staged(second: str, *, keeps_first: bool = False, is_streamed: bool = True, guards: Sequence[Stage] = ()) -> Scene:
    judge = next((each.judge for each in guards if isinstance(each, Before)), Judge(keeps_first=keeps_first))
    scene = Scene(is_streamed=is_streamed, targets=(FIRST,), guards=(*guards, judge, Behind()))
    judge.second = scene.target(second)
    return scene


async def alone(model: str, *, is_streamed: bool) -> tuple[Settled, str]:
    """What this one says and takes by itself."""
    scene = Scene(is_streamed=is_streamed, targets=(model,), guards=(Behind(),))
    return await scene.play(), scene.sink.text()


def opinion(record: Settled) -> tuple[bool, str | None]:
    [fact] = [fact for fact in record.facts if isinstance(fact, SecondOpinion)]
    return fact.is_given, fact.why


@modes
@pytest.mark.parametrize("keeps_first", [False, True])
def test_the_better_one_is_given_and_both_are_paid_for(*, keeps_first: bool, is_streamed: bool) -> None:
    async def main() -> None:
        one, its = await alone(FIRST, is_streamed=is_streamed)
        other, others = await alone(SECOND, is_streamed=is_streamed)
        scene = staged(SECOND, keeps_first=keeps_first, is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "completed"
        assert scene.sink.text() == (its if keeps_first else others)
        assert len([event for event in scene.sink.events if isinstance(event, Start)]) == 1
        assert record.target == f"sim/{FIRST if keeps_first else SECOND}"
        assert opinion(record) == ((False, "no_better") if keeps_first else (True, None))
        assert record.attempts == 2
        assert (record.output_tokens, record.cost_nanousd) == (
            one.output_tokens + other.output_tokens,
            (one.cost_nanousd or 0) + (other.cost_nanousd or 0),
        )
        [extra] = scene.exchange.extra_calls
        assert (extra.why, extra.target.name) == ("second_opinion", f"sim/{SECOND if keeps_first else FIRST}")

    asyncio.run(main())


@modes
@pytest.mark.parametrize("fault", ["status@503", "cut@3"])
def test_where_the_second_fails_the_first_is_given(fault: str, *, is_streamed: bool) -> None:
    async def main() -> None:
        one, its = await alone(FIRST, is_streamed=is_streamed)
        scene = staged(f"{SECOND},fault={fault}", is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "completed"
        assert scene.sink.text() == its
        assert record.target == f"sim/{FIRST}"
        is_given, why = opinion(record)
        assert not is_given
        assert why is not None
        assert why.startswith("upstream")
        assert record.output_tokens >= one.output_tokens
        route = scene.exchange.route
        assert route is not None
        assert scene.exchange.target not in route.targets, "a cache would take it for the best that there is"

    asyncio.run(main())


@modes
def test_a_second_opinion_that_is_blocked_is_seen_by_nobody_and_leaves_no_trace(*, is_streamed: bool) -> None:
    async def main() -> None:
        _, its = await alone(FIRST, is_streamed=is_streamed)
        guard = Before(Judge(keeps_first=False), blocks=True)
        scene = staged(SECOND, is_streamed=is_streamed, guards=(guard,))
        record = await scene.play()
        assert record.outcome == "completed"
        assert scene.sink.text() == its
        assert opinion(record) == (False, "policy_blocked")
        assert scene.exchange.hold_reasons == []

    asyncio.run(main())


def test_what_was_said_of_the_second_is_not_said_of_the_first() -> None:
    async def main() -> None:
        for keeps_first, reasons in ((True, []), (False, [HoldReason("before")])):
            scene = staged(SECOND, guards=(Before(Judge(keeps_first=keeps_first)),))
            await scene.play()
            assert scene.exchange.hold_reasons == reasons

    asyncio.run(main())


def test_one_that_takes_too_long_is_given_up_before_the_deadline() -> None:
    async def main() -> None:
        _, its = await alone(FIRST, is_streamed=True)
        scene = staged(f"{SECOND},gap=1s")
        await scene.begin()
        await scene.clock.run_for(WITHIN_S + 1.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert scene.sink.text() == its
        assert opinion(record) == (False, "timeout")
        [extra] = scene.exchange.extra_calls
        assert extra.usage is not None
        assert extra.usage.output_tokens > 0, "what had come of it is billed"

    asyncio.run(main())


def test_where_a_budget_has_no_room_for_it_the_first_is_given() -> None:
    class NoRoom:
        async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None:
            assert is_extra, "a second call must be reserved as one"
            raise BudgetExhausted("used up")

    async def main() -> None:
        judge = Judge(keeps_first=False)
        scene = Scene(targets=(FIRST,), guards=(judge, Behind()), allowance=NoRoom())
        judge.second = scene.target(SECOND)
        record = await scene.play()
        assert record.outcome == "completed"
        assert opinion(record) == (False, "budget_exhausted")
        assert record.attempts == 1
        assert scene.exchange.extra_calls == []

    asyncio.run(main())


def test_a_client_that_leaves_meanwhile_ends_it() -> None:
    async def main() -> None:
        scene = staged(f"{SECOND},gap=1s")
        await scene.begin()
        await scene.clock.run_for(2.5)
        scene.handle.client_left()
        record = await scene.end()
        assert record.outcome == "client_gone"
        assert record.output_tokens > 0

    asyncio.run(main())


class Keeping:
    """Hands the second answer to a person, and then something behind goes wrong."""

    name = "keeping"

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        exchange.hold = "hold_1"
        return Blocking()


def test_where_a_person_has_the_second_already_the_first_does_not_go_out_beside_it() -> None:
    async def main() -> None:
        judge = Judge(keeps_first=False)
        scene = Scene(targets=(FIRST,), guards=(judge, Keeping()))
        judge.second = scene.target(SECOND)
        record = await scene.play()
        assert (record.outcome, record.target) == ("blocked", f"sim/{SECOND}")
        assert scene.sink.text() == ""

    asyncio.run(main())


def test_a_client_that_reads_slowly_gets_one_answer() -> None:
    async def main() -> None:
        _, others = await alone(SECOND, is_streamed=True)
        scene = staged(SECOND)
        write = scene.sink.write

        async def slowly(events: Sequence[Event]) -> None:
            if events:
                await scene.clock.sleep(2 * WITHIN_S)
            await write(events)

        with patch.object(scene.sink, "write", slowly):
            await scene.begin()
            await scene.clock.run_for(5 * WITHIN_S)
            record = await scene.end()
        assert (record.outcome, scene.sink.text(), opinion(record)) == ("completed", others, (True, None))

    asyncio.run(main())
