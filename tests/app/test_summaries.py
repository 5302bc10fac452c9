"""Summaries as the data plane makes them: real engine, real stages, a scripted provider, and time that a test moves."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.cache.scene import Faults, FlatPrice
from tests.routing.compaction.conversations import assistant, chat, texts_of, user

from penstock.admission.identity.stage import IdentityStage
from penstock.app.limits import open_limits
from penstock.app.routing import open_routing
from penstock.app.shortening.shorteners import open_shorteners
from penstock.app.shortening.summaries import Jobs, Summariser
from penstock.app.upstreams import connect, new_catalog
from penstock.config import read
from penstock.config.datadir import DataDir
from penstock.config.routing.compaction import SummarySettings
from penstock.core.chat import ChatRequest, Message
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import Compacted, Summarised
from penstock.core.ids import new_exchange_id
from penstock.core.record import Settled
from penstock.flow.engine import Engine, World
from penstock.flow.plan import Plan
from penstock.routing.compaction.summaries import Summaries, Wanted
from penstock.testing.clock import FakeClock
from penstock.testing.ledger import MemoryLedger
from penstock.testing.scripted import ScriptedProvider, ScriptedSource
from penstock.testing.sink import RecordingSink
from penstock.watch.tokens import Counter

SITE = """\
region: eu
discover_providers: false
data_dir: {folder}
limit_store: {{kind: memory}}
{more}
models:
  support:
    targets: [{{provider: sim, model: "sim:tokens=5", region: eu}}]
    compaction:
      budget_tokens: 300
      after_tokens: 300
      keep_last: 0
      encoder_tokens: 0
      summaries: {{model: short, max_tokens: 60, after_tokens: 100}}
  abroad:
    targets: [{{provider: sim, model: "sim:tokens=5", region: us}}]
    regions: [us]
    compaction:
      budget_tokens: 300
      after_tokens: 300
      encoder_tokens: 0
      summaries: {{model: far, max_tokens: 60, after_tokens: 100}}
  far: {{targets: [{{provider: sim, model: sim, region: us}}]}}
  short: {{targets: [{{provider: sim, model: "sim:{summariser}", region: {where}}}], max_attempts: 1{fallbacks}}}
"""
COUNTER = Counter()
ALICE = Principal(tenant="acme", key="k1", groups=("staff",), models=("support", "abroad", "short", "far"))
WANTED = Wanted(
    settings=SummarySettings(model="short", at_once=2), digest=b"d", place=b"p", messages=2, before=None, said="Hi."
)


def talk(turns: int) -> list[Message]:
    said: list[Message] = []
    for at in range(turns):
        said += [user(f"Question {at} of the invoice?"), assistant(f"Answer {at} is paid, and so are {at + 9} more. ")]
    return said


def conversation(turns: int, model: str = "support") -> ChatRequest:
    request = chat(*talk(turns), user("What was answer 7?"))
    return ChatRequest(dialect="openai-chat", model=model, messages=request.messages)


class Plane:
    """As much of a data plane as has to do with summaries."""

    def __init__(
        self, folder: Path, summariser: str = "tokens=20", more: str = "", where: str = "eu", fallbacks: str = ""
    ) -> None:
        path = folder / "penstock.yaml"
        path.write_text(
            SITE.format(folder=folder / "data", summariser=summariser, more=more, where=where, fallbacks=fallbacks)
        )
        config = read(path, {})
        self.clock = FakeClock()
        self.ledger = MemoryLedger()
        self.faults = Faults()
        self.standing = True
        connected = connect(config, {}, self.clock)
        self.provider = cast("ScriptedProvider", connected["sim"].upstream.provider)
        routing = open_routing(config, new_catalog(config, connected), self.clock)
        data_dir = DataDir(folder / "data")
        data_dir.make()
        self.limits = open_limits(
            config, {}, data_dir=data_dir, clock=self.clock, prices=FlatPrice(), connect=lambda _: None
        )
        self.shorteners = open_shorteners(config, COUNTER, self.clock, None, may_rest=routing.may_rest)
        assert self.shorteners.summariser is not None
        self.summariser = self.shorteners.summariser
        world = World(
            ledger=self.ledger,
            prices=FlatPrice(),
            counter=COUNTER,
            clock=self.clock,
            faults=self.faults,
            allowance=self.limits.stage,
        )
        stages = (
            IdentityStage(self.clock, lambda _: None),
            *routing.stages,
            self.limits.stage,
            *self.shorteners.stages,
        )
        self.engine = Engine(Plan(stages, stages), world, rng=random.Random(7))  # noqa: S311 - a test's chance

    def start(self) -> None:
        self.limits.stage.supply.start()
        self.shorteners.start(self.jobs())

    def jobs(self) -> Jobs:
        return Jobs(self.engine, 60.0, lambda: "the hash", lambda _: self.standing)

    async def ask(self, request: ChatRequest, who: Principal = ALICE) -> Exchange:
        """One exchange to its end, and then what it has left to do, as far as no time passes."""
        exchange = self.exchange(request, who)

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            await self.engine.run(exchange, RecordingSink(), self.engine.begin(exchange, task))

        await asyncio.get_running_loop().create_task(run())
        await self.clock.settle()
        return exchange

    def exchange(self, request: ChatRequest, who: Principal = ALICE) -> Exchange:
        return Exchange(
            id=new_exchange_id(self.clock),
            principal=who,
            request=request,
            dialect="openai-chat",
            started_at=self.clock.now(),
            began_s=self.clock.monotonic(),
            deadline_s=self.clock.monotonic() + 60,
            gone_policy="abort",
        )

    def jobs_done(self) -> list[Settled]:
        return [each for each in self.ledger.records if each.model == "short"]

    def prompt(self, exchange: Exchange) -> str:
        assert isinstance(exchange.request, ChatRequest)
        return "\n".join(texts_of(exchange.request.messages))

    async def stop(self) -> None:
        await self.shorteners.aclose()
        self.limits.stage.supply.close()
        assert self.faults.seen == []
        assert self.provider.opened == self.provider.closed
        assert self.engine.in_flight == 0


def play(plane: Plane, act: Callable[[Plane], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        plane.start()
        await act(plane)
        await plane.stop()

    asyncio.run(whole())


def summarised(exchange: Exchange) -> int:
    (fact,) = [fact for fact in exchange.facts if isinstance(fact, Compacted)]
    return fact.summarised


def test_the_next_turn_has_what_a_model_wrote_of_the_beginning_and_the_ledger_says_what_for(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        first = await plane.ask(conversation(20))
        assert summarised(first) == 0
        (job,) = plane.jobs_done()
        assert (job.tenant, job.key, job.outcome, job.config_hash) == ("acme", "k1", "completed", "the hash")
        assert [fact.exchange for fact in job.facts if isinstance(fact, Summarised)] == [first.id]
        assert job.cost_nanousd is not None
        assert job.cost_nanousd == job.input_tokens + job.output_tokens > 200
        second = await plane.ask(conversation(22))
        assert summarised(second) == 40
        source: ScriptedSource = plane.provider.sources[1]
        written = "".join(getattr(event, "text", "") for event in source.events)
        assert f"[Summary of the 40 earlier messages, written by a model from what was said:\n{written}\nEnd" in (
            plane.prompt(second)
        )
        assert len(plane.jobs_done()) == 1, "four messages more are not worth another"
        await plane.ask(conversation(30))
        (_, again) = plane.jobs_done()
        assert again.input_tokens < job.input_tokens + 100
        assert written in "\n".join(texts_of(cast("ChatRequest", plane.provider.sources[-1].request).messages))
        gauges = {name: value for name, _, value in plane.shorteners.gauges()}
        assert (gauges["penstock_summaries_made"], gauges["penstock_summaries"]) == (2, 2)

    play(Plane(tmp_path), act)


@pytest.mark.parametrize(
    "other", [replace(ALICE, tenant="other"), replace(ALICE, groups=()), replace(ALICE, groups=("staff", "board"))]
)
def test_another_tenant_or_group_gets_none_of_it_and_one_of_its_own(tmp_path: Path, other: Principal) -> None:
    async def act(plane: Plane) -> None:
        await plane.ask(conversation(20))
        assert summarised(await plane.ask(conversation(20))) == 40
        foreign = await plane.ask(conversation(20), other)
        assert summarised(foreign) == 0
        assert "[Summary" not in plane.prompt(foreign)
        assert [job.tenant for job in plane.jobs_done()] == ["acme", other.tenant]
        assert summarised(await plane.ask(conversation(20), other)) == 40

    play(Plane(tmp_path), act)


@pytest.mark.parametrize(("amount", "outcome"), [(1, "rejected"), (2, "completed")])
def test_the_callers_limits_hold_for_it_and_count_it(tmp_path: Path, amount: int, outcome: str) -> None:
    async def act(plane: Plane) -> None:
        first = await plane.ask(conversation(20))
        assert first.end == "completed"
        (job,) = plane.jobs_done()
        assert job.outcome == outcome
        second = await plane.ask(conversation(20))
        assert second.end == "rejected"

    limits = f"limits: [{{name: l, unit: requests, amount: {amount}, per: day, scope: [tenant]}}]"
    play(Plane(tmp_path, more=limits), act)


@pytest.mark.parametrize(
    ("summariser", "fallbacks", "outcome"),
    [
        ("fault=status@503", "", "upstream_failed"),
        ("fault=status@503", ", fallbacks: [{on: [down], answer: Come back later.}]", "completed"),
        ("tokens=5000", "", "completed"),
        ("fault=content_filter", "", "completed"),
        ("fault=cut@2", "", "upstream_failed"),
    ],
)
def test_a_model_that_cannot_sum_up_harms_nobody_and_is_asked_again_after_a_pause_that_grows(
    tmp_path: Path, summariser: str, fallbacks: str, outcome: str
) -> None:
    async def act(plane: Plane) -> None:
        async def turn(after_s: float) -> tuple[int, int]:
            await plane.clock.run_for(after_s)
            exchange = await plane.ask(conversation(20))
            assert exchange.end == "completed"
            await plane.clock.run_for(61)
            return len(plane.jobs_done()), summarised(exchange)

        plane.clock.advance(1)
        first = await plane.ask(conversation(20))
        assert first.end == "completed"
        assert await turn(0) == (1, 0)
        assert plane.jobs_done()[0].outcome == outcome
        assert await turn(0) == (2, 0), "the pause of half a minute is over"
        assert await turn(0) == (3, 0)
        assert await turn(0) == (3, 0), "two minutes are not"
        assert await turn(60) == (4, 0)
        assert plane.summariser.counts.made == 0

    play(Plane(tmp_path, summariser, fallbacks=fallbacks), act)


def test_a_model_that_never_ends_holds_up_nobody(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        for _ in range(3):
            assert (await plane.ask(conversation(20))).end == "completed"
        assert (plane.engine.in_flight, plane.jobs_done()) == (1, [])
        await plane.clock.run_for(61)
        assert [job.outcome for job in plane.jobs_done()] == ["deadline"]
        assert plane.summariser.counts.failed == 1

    play(Plane(tmp_path, "fault=stall"), act)


def test_what_may_not_rest_here_is_not_summed_up(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        for _ in range(2):
            assert summarised(await plane.ask(conversation(20, "abroad"))) == 0
        assert {each.model for each in plane.ledger.records} == {"abroad"}

    play(Plane(tmp_path), act)


def test_it_is_not_sent_where_its_tenant_may_not_go(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        exchange = await plane.ask(conversation(20))
        assert exchange.end == "completed"
        (job,) = plane.jobs_done()
        assert (job.outcome, job.attempts, job.target) == ("rejected", 0, None)

    play(Plane(tmp_path, more="tenants: {acme: {regions: [eu]}}", where="us"), act)


def test_a_key_that_may_not_ask_the_summarising_model_gets_no_summary(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        exchange = await plane.ask(conversation(20), replace(ALICE, models=("support",)))
        assert exchange.end == "completed"
        assert [(job.outcome, job.attempts) for job in plane.jobs_done()] == [("rejected", 0)]

    play(Plane(tmp_path), act)


def test_nothing_is_asked_for_a_credential_that_ended_meanwhile(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        plane.standing = False
        await plane.ask(conversation(20))
        assert plane.jobs_done() == []

    play(Plane(tmp_path), act)


def test_so_many_are_asked_for_at_once_so_many_wait_and_one_stretch_is_never_asked_for_twice(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        summaries = Summaries(plane.clock)
        summariser = Summariser(summaries, plane.clock, most_waiting=3)
        summariser.start(plane.jobs())
        exchange = plane.exchange(conversation(1))
        for at in range(10):
            for _ in range(3):
                summariser.sum_up(exchange, replace(WANTED, digest=bytes([at]), place=bytes([at])))
        await plane.clock.settle()
        assert (plane.engine.in_flight, summariser.counts.dropped) == (2, 15)
        await plane.clock.run_for(10)
        assert (plane.engine.in_flight, len(summaries)) == (2, 2)
        await plane.clock.run_for(20)
        assert (plane.engine.in_flight, len(summaries), summariser.counts.made) == (0, 5, 5)
        await summariser.aclose()

    play(Plane(tmp_path, "tokens=20,first=10s"), act)


def test_what_is_under_way_when_the_process_ends_is_settled_and_what_waits_is_forgotten(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        exchange = plane.exchange(conversation(1))
        for at in range(5):
            plane.summariser.sum_up(exchange, replace(WANTED, digest=bytes([at]), place=bytes([at])))
        await plane.clock.settle()
        await plane.shorteners.aclose()
        assert [job.outcome for job in plane.jobs_done()] == ["shutdown", "shutdown"]
        plane.summariser.sum_up(exchange, WANTED)
        await plane.clock.settle()
        assert (plane.engine.in_flight, plane.summariser.counts.made) == (0, 0)

    play(Plane(tmp_path, "tokens=20,first=10s"), act)


def test_what_is_over_is_forgotten_where_nobody_asks_any_more(tmp_path: Path) -> None:
    async def act(plane: Plane) -> None:
        await plane.ask(conversation(20))
        kept = {name: value for name, _, value in plane.summariser.gauges()}
        assert kept["penstock_summaries"] == 1
        await plane.clock.run_for(3_700)
        kept = {name: value for name, _, value in plane.summariser.gauges()}
        assert (kept["penstock_summaries"], kept["penstock_summaries_bytes"]) == (0, 0)

    play(Plane(tmp_path), act)
