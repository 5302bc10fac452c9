"""A hundred equal requests at once are one call, however the one that is sent may end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest
from tests.cache.scene import Call, Scene, question

from penstock.cache.flights import Flights
from penstock.config.cache import CacheSettings, ExactSettings
from penstock.core.chat import ChatRequest, Dialect, Tool, ToolChoice
from penstock.core.errors import PolicyBlocked
from penstock.core.events import Event
from penstock.core.exchange import CacheMark, Exchange, GonePolicy, Wishes
from penstock.core.ports import CONTINUE, Continue, Filter
from penstock.testing.clock import FakeClock
from penstock.testing.sink import RecordingSink

CROWD = 100
DIALECTS: tuple[Dialect, ...] = ("openai-chat", "openai-responses", "anthropic")


def crowd_question(number: int, mode: str) -> ChatRequest:
    is_streamed = mode == "stream" or (mode == "mixed" and number % 2 == 1)
    dialect = DIALECTS[number % 3] if mode == "mixed" else "openai-chat"
    return msgspec.structs.replace(question(stream=is_streamed), dialect=dialect)


async def gather(scene: Scene, mode: str, number: int = CROWD) -> list[Call]:
    return [await scene.begin(crowd_question(each, mode)) for each in range(number)]


@pytest.mark.parametrize("mode", ["unary", "stream", "mixed"])
def test_a_hundred_equal_requests_at_once_are_one_call(mode: str) -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        calls = await gather(scene, mode)
        assert scene.provider.calls == 1
        scene.provider.release()
        records = [await call.end() for call in calls]
        assert scene.provider.calls == 1
        assert {record.outcome for record in records} == {"completed"}
        assert [record.attempts for record in records] == [1] + [0] * (CROWD - 1)
        assert sum(record.cost_nanousd or 0 for record in records) == records[0].cost_nanousd
        assert len({call.sink.text() for call in calls}) == 1
        marks = [call.exchange.cache for call in calls]
        assert [mark.status for mark in marks if mark is not None] == ["miss"] + ["shared"] * (CROWD - 1)
        scene.check()

    asyncio.run(main())


async def _client_leaves(_: Scene, leader: Call) -> None:
    leader.stop.client_left()


async def _shutdown(_: Scene, leader: Call) -> None:
    leader.stop.shutdown()


async def _cancelled(_: Scene, leader: Call) -> None:
    leader.task.cancel()


async def _deadline(scene: Scene, _: Call) -> None:
    await scene.clock.run_for(5.0)


async def _client_stops_reading_and_leaves(scene: Scene, leader: Call) -> None:
    leader.sink.leave()
    scene.provider.gate.release()
    scene.provider.hold_at(2)


DEATHS: dict[str, Callable[[Scene, Call], Awaitable[None]]] = {
    "client leaves": _client_leaves,
    "client is lost in a write": _client_stops_reading_and_leaves,
    "shutdown": _shutdown,
    "cancelled": _cancelled,
    "deadline": _deadline,
}


@pytest.mark.parametrize("mode", ["unary", "stream", "mixed"])
@pytest.mark.parametrize("death", DEATHS)
def test_a_leader_that_dies_wakes_exactly_one(death: str, mode: str) -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        leader = await scene.begin(crowd_question(0, mode), deadline_s=5.0)
        others = await gather(scene, mode)
        await DEATHS[death](scene, leader)
        await scene.clock.settle()
        record = await leader.end()
        assert record.outcome != "completed"
        assert scene.provider.calls == 2, "one follower, and only one, asks again"
        scene.provider.release()
        assert {(await call.end()).outcome for call in others} == {"completed"}
        assert scene.provider.calls == 2
        scene.check()

    asyncio.run(main())


class BlockFirst:
    """A guard that blocks the first `count` answers, each at its end."""

    name = "guard"

    def __init__(self, count: int) -> None:
        self.left = count

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return _AtEnd(self)


class _AtEnd:
    def __init__(self, guard: BlockFirst) -> None:
        self._guard = guard

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        return events

    def finish(self) -> Sequence[Event]:
        self._guard.left -= 1
        if self._guard.left >= 0:
            raise PolicyBlocked("blocked")
        return ()


def test_each_leader_that_is_blocked_wakes_the_next() -> None:
    async def main() -> None:
        scene = Scene(guards=[BlockFirst(3)])
        scene.provider.hold_at(2)
        calls = await gather(scene, "mixed")
        scene.provider.release()
        outcomes = [(await call.end()).outcome for call in calls]
        assert outcomes == ["blocked"] * 3 + ["completed"] * (CROWD - 3)
        assert scene.provider.calls == 4
        scene.check()

    asyncio.run(main())


def test_each_leader_whose_provider_fails_wakes_the_next() -> None:
    async def main() -> None:
        scene = Scene(models=("sim:fault=flaky@3",))
        scene.provider.hold_open()
        asked = question(model="sim:fault=flaky@3")
        calls = [await scene.begin(asked) for _ in range(20)]
        scene.provider.release()
        outcomes = [(await call.end()).outcome for call in calls]
        assert outcomes == ["upstream_failed"] * 3 + ["completed"] * 17
        assert scene.provider.calls == 4
        scene.check()

    asyncio.run(main())


def test_a_leader_that_cannot_be_written_out_wakes_the_next() -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        sink = RecordingSink()
        sink.fail_complete_with = PolicyBlocked("cannot be written")
        leader = await scene.begin(sink=sink)
        follower = await scene.begin()
        scene.provider.release()
        assert (await leader.end()).outcome == "blocked"
        assert (await follower.end()).outcome == "completed"
        assert scene.provider.calls == 2
        scene.check()

    asyncio.run(main())


def test_one_who_is_told_to_lead_and_leaves_at_that_moment_hands_on() -> None:
    async def main() -> None:
        clock = FakeClock()
        flights = Flights(clock)
        loop = asyncio.get_running_loop()
        assert await flights.board(b"k", may_lead=True, wait_s=9.0) == "lead"
        second, third = [loop.create_task(flights.board(b"k", may_lead=True, wait_s=9.0)) for _ in range(2)]
        await clock.settle()
        flights.hand_on(b"k")
        second.cancel()
        await clock.settle()
        assert second.cancelled()
        assert third.result() == "lead"
        flights.dissolve(b"k")
        assert (len(flights), clock.pending) == (0, 0)

    asyncio.run(main())


@pytest.mark.parametrize("policy", ["abort", "drain"])
def test_followers_get_the_answer_of_a_leader_that_is_drained(policy: GonePolicy) -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        leader = await scene.begin(policy=policy)
        follower = await scene.begin()
        leader.stop.client_left()
        scene.provider.release()
        assert (await leader.end()).outcome == "client_gone"
        assert (await follower.end()).outcome == "completed"
        assert scene.provider.calls == (1 if policy == "drain" else 2)
        scene.check()

    asyncio.run(main())


def test_followers_wait_within_their_own_deadline() -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        leader = await scene.begin()
        hasty, patient = await scene.begin(deadline_s=3.0), await scene.begin()
        await scene.clock.run_for(4.0)
        assert (await hasty.end()).outcome == "deadline"
        scene.provider.release()
        assert (await leader.end()).outcome == (await patient.end()).outcome == "completed"
        assert scene.provider.calls == 1
        scene.check()

    asyncio.run(main())


def test_a_follower_that_has_waited_long_enough_asks_itself() -> None:
    async def main() -> None:
        scene = Scene(CacheSettings(exact=ExactSettings(wait_s=2.0)))
        scene.provider.hold_at(2)
        calls = [await scene.begin() for _ in range(2)]
        assert scene.provider.calls == 1
        await scene.clock.run_for(2.0)
        assert scene.provider.calls == 2
        scene.provider.release()
        assert {(await call.end()).outcome for call in calls} == {"completed"}
        scene.check()

    asyncio.run(main())


def test_followers_of_an_answer_that_is_not_for_others_go_on_at_once() -> None:
    async def main() -> None:
        scene = Scene()
        tool = Tool("look_up", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
        asked = msgspec.structs.replace(question(stream=True), tools=(tool,), tool_choice=ToolChoice("required"))
        scene.provider.hold_at(2)
        calls = [await scene.begin(asked) for _ in range(5)]
        await scene.clock.settle()
        assert scene.provider.calls == 5, "they did not wait for the end of an answer that calls a tool"
        scene.provider.release()
        assert {(await call.end()).outcome for call in calls} == {"completed"}
        scene.check()

    asyncio.run(main())


def test_one_that_must_not_ask_gets_a_shared_answer_and_never_leads() -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        leader = await scene.begin()
        unstored = await scene.begin(wishes=Wishes(no_store=True))
        other = await scene.begin()
        leader.stop.client_left()
        await leader.end()
        scene.provider.release()
        assert (await other.end()).attempts == 1
        assert (await unstored.end()).attempts == 0
        assert unstored.exchange.cache == CacheMark("shared")
        scene.check()

    asyncio.run(main())
