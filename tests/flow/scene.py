"""One exchange on a stage: engine, provider, client, books and clock, all of them able to be looked at afterwards."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from penstock.admission.targets.gates import TargetGates
from penstock.config.targets import GateSettings, HedgeSettings, RetrySettings
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.errors import PolicyBlocked
from penstock.core.events import Event
from penstock.core.exchange import Exchange, GonePolicy, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.ports import CONTINUE, Allowance, Continue, FailureCause, Fallback, Filter, Route, Stage, Target
from penstock.core.record import Settled
from penstock.core.usage import Cost, NanoUsd, Usage
from penstock.flow.engine import Engine, World
from penstock.flow.gates import OPEN_ALLOWANCE
from penstock.flow.plan import Plan
from penstock.flow.stop import Stop
from penstock.testing.clock import FakeClock
from penstock.testing.ledger import MemoryLedger
from penstock.testing.scripted import ScriptedProvider
from penstock.testing.sink import RecordingSink

DEADLINE_S = 60.0
DRAIN_S = 20.0


class FlatPrice:
    """One nano-dollar a token, so that a test can read the usage off the cost."""

    def cost(self, target: Target, usage: Usage, *, at: float) -> Cost:
        if usage.accuracy == "unknown":
            return Cost(None, "unknown")
        return Cost(NanoUsd(usage.input_tokens + usage.output_tokens), usage.accuracy)


class WordCounter:
    """A token is a word."""

    def count_request(self, request: object, model: str) -> int:
        assert isinstance(request, ChatRequest)
        return sum(len(p.text.split()) for m in request.messages for p in m.parts if isinstance(p, TextPart))

    def count_text(self, text: str, model: str) -> int:
        return len(text.split())


class Faults:
    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def unexpected(self, exchange: Exchange, error: BaseException) -> None:
        self.seen.append(error)


class CountingLease:
    def __init__(self, name: str) -> None:
        self.name = name
        self.settled = 0

    def settle(self, exchange: Exchange) -> None:
        assert exchange.end is not None, "a lease is settled once the end is known"
        self.settled += 1


class LeaseStage:
    """Takes two leases an exchange."""

    name = "lease"

    def __init__(self, clock: FakeClock) -> None:
        self.leases: list[CountingLease] = []
        self._clock = clock

    async def enter(self, exchange: Exchange) -> Continue:
        for name in ("tokens", "money"):
            lease = CountingLease(name)
            self.leases.append(lease)
            exchange.take(lease, at_s=self._clock.monotonic())
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        return None


class RouteTo:
    name = "route"

    def __init__(self, route: Route) -> None:
        self._route = route

    async def enter(self, exchange: Exchange) -> Continue:
        exchange.route = self._route
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        return None


class Change:
    """A stage that does something to the exchange before the answer."""

    name = "change"

    def __init__(self, change: Callable[[Exchange], object]) -> None:
        self._change = change

    async def enter(self, exchange: Exchange) -> Continue:
        self._change(exchange)
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        return None


class BlockAfter:
    """A guard that blocks the answer once it has seen `count` events."""

    name = "guard"

    def __init__(self, count: int) -> None:
        self._count = count

    async def enter(self, exchange: Exchange) -> Continue:
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter:
        return _BlockingFilter(self._count)


class _BlockingFilter:
    def __init__(self, count: int) -> None:
        self._left = count

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._left -= len(events)
        if self._left < 0:
            raise PolicyBlocked("the answer was blocked")
        return events

    def finish(self) -> Sequence[Event]:
        return ()


@dataclass
class Scene:
    model: str = "sim"
    policy: GonePolicy = "abort"
    is_streamed: bool = True
    max_attempts: int = 1
    targets: Sequence[str] = ()
    guards: Sequence[Stage] = ()
    fallbacks: Sequence[Fallback | tuple[FailureCause, str]] = ()
    is_hedged: bool = False
    streams_whole: bool = False
    is_balanced: bool = False
    hedging: HedgeSettings | None = None
    allowance: Allowance = OPEN_ALLOWANCE
    gate_settings: GateSettings = field(default_factory=GateSettings)
    retry_settings: RetrySettings = field(default_factory=lambda: RetrySettings(floor=20))
    clock: FakeClock = field(default_factory=FakeClock)
    sink: RecordingSink = field(default_factory=RecordingSink)
    beside: "Scene | None" = None
    """Another exchange on the same stage: clock, provider and gates are its own."""

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger()
        self.faults = Faults()
        if self.beside is not None:
            self.clock = self.beside.clock
        self.provider = (
            ScriptedProvider(clock=self.clock, events_per_read=1) if self.beside is None else self.beside.provider
        )
        names = self.targets or (self.model,)
        self.route = Route(
            self.model,
            tuple(self.target(name) for name in names),
            self.max_attempts,
            tuple(self._fallback(each) for each in self.fallbacks),
            is_hedged=self.is_hedged,
            is_balanced=self.is_balanced,
        )
        chance = random.Random(7)  # noqa: S311 - a test's chance
        self.gates = (
            TargetGates(self.gate_settings, self.retry_settings, self.clock, chance, hedging=self.hedging)
            if self.beside is None
            else self.beside.gates
        )
        self.lease_stage = LeaseStage(self.clock)
        world = World(
            ledger=self.ledger,
            prices=FlatPrice(),
            counter=WordCounter(),
            clock=self.clock,
            faults=self.faults,
            drain_s=DRAIN_S,
            gates=self.gates,
            allowance=self.allowance,
        )
        stages: tuple[Stage, ...] = (self.lease_stage, RouteTo(self.route), *self.guards)
        self.engine = Engine(Plan(stages, stages), world, rng=chance)
        self.exchange = Exchange(
            id=new_exchange_id(self.clock),
            principal=Principal(tenant="t", key="k"),
            request=ChatRequest(
                dialect="openai-chat",
                model=self.model,
                messages=(Message(role="user", parts=(TextPart("how do I find my card"),)),),
                stream=self.is_streamed,
            ),
            dialect="openai-chat",
            started_at=self.clock.now(),
            began_s=self.clock.monotonic(),
            deadline_s=self.clock.monotonic() + DEADLINE_S,
            gone_policy=self.policy,
        )
        self.stop: Stop | None = None
        self._task: asyncio.Task[None] | None = None

    def _fallback(self, given: Fallback | tuple[FailureCause, str]) -> Fallback:
        if isinstance(given, Fallback):
            return given
        cause, name = given
        return Fallback(frozenset({cause}), (self.target(name),))

    def target(self, name: str) -> Target:
        return Target(f"sim/{name}", self.provider, name, streams_whole=self.streams_whole)

    async def begin(self) -> None:
        """Start the exchange; it runs until it ends or waits for something."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self.clock.settle()

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.stop = self.engine.begin(self.exchange, task)
        await self.engine.run(self.exchange, self.sink, self.stop)

    @property
    def handle(self) -> Stop:
        assert self.stop is not None
        return self.stop

    async def end(self) -> Settled:
        """Wait for the end and check what must hold of every exchange: the one record is returned."""
        assert self._task is not None
        await self._task
        record = self.ledger.only()
        assert self.provider.opened == self.provider.closed
        assert [source.closes for source in self.provider.sources] == [1] * len(self.provider.sources)
        assert [lease.settled for lease in self.lease_stage.leases] == [1] * len(self.lease_stage.leases)
        assert [(gate.in_flight, gate.waiting) for gate in self.gates if gate.in_flight or gate.waiting] == []
        assert self.sink.closes == 1
        assert self.exchange.leases == []
        assert record.outcome == self.exchange.end == self.sink.end
        assert record.facts[-1].__class__.__name__ == "Ended"
        assert self.engine.in_flight == 0
        assert self.clock.pending == 0, "a timer outlived its exchange"
        assert self.faults.seen == []
        return record

    async def play(self) -> Settled:
        await self.begin()
        return await self.end()
