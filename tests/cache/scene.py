"""An engine with the exact cache in it, a scripted provider, and as many callers as a test wants."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from penstock.cache.drops import Drops
from penstock.cache.exact import ExactCache, Shown
from penstock.cache.key import Keys
from penstock.cache.lru import Lru
from penstock.cache.policy import Policy
from penstock.cache.shelf import Backing, Shelf
from penstock.config.cache import CacheSettings, ExactSettings
from penstock.core.chat import ChatRequest, Message, Request, TextPart
from penstock.core.exchange import NO_WISHES, BudgetAction, Exchange, GonePolicy, Principal, Wishes
from penstock.core.facts import Fact
from penstock.core.ids import new_exchange_id
from penstock.core.ports import CONTINUE, Continue, Fallback, Route, Stage, Target
from penstock.core.record import Settled
from penstock.core.usage import Cost, NanoUsd, Usage
from penstock.flow.engine import Engine, World
from penstock.flow.plan import Plan
from penstock.flow.stop import Stop
from penstock.testing.clock import FakeClock
from penstock.testing.ledger import MemoryLedger
from penstock.testing.scripted import ScriptedProvider
from penstock.testing.sink import RecordingSink

AFact = TypeVar("AFact", bound=Fact)

ALICE = Principal(tenant="acme", key="k1", groups=("staff",))


class FlatPrice:
    """One nano-dollar a token, so that a test can read the usage off the cost."""

    def cost(self, target: Target, usage: Usage, *, at: float) -> Cost:
        return Cost(NanoUsd(usage.input_tokens + usage.output_tokens), usage.accuracy)


class WordCounter:
    def count_request(self, request: object, model: str) -> int:
        return 1

    def count_text(self, text: str, model: str) -> int:
        return len(text.split())


class Faults:
    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def unexpected(self, exchange: Exchange, error: BaseException) -> None:
        self.seen.append(error)


class Before:
    """What stands before the cache: the route, and what a budget has said."""

    name = "route"

    def __init__(self, routes: Mapping[str, Route], action: BudgetAction | None) -> None:
        self._routes = routes
        self.action: BudgetAction | None = action

    async def enter(self, exchange: Exchange) -> Continue:
        exchange.route = self._routes[exchange.request.model]
        exchange.budget_action = self.action
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        return None


def question(text: str = "how do I find my card", *, stream: bool = False, model: str = "sim") -> ChatRequest:
    messages = (Message(role="user", parts=(TextPart(text),)),)
    return ChatRequest(dialect="openai-chat", model=model, messages=messages, stream=stream)


@dataclass
class Call:
    """One caller's request, from its start to its record."""

    exchange: Exchange
    sink: RecordingSink
    task: "asyncio.Task[None]"
    stop: Stop
    scene: "Scene"

    async def end(self) -> Settled:
        await self.task
        return next(each for each in self.scene.ledger.records if each.id == self.exchange.id)

    def facts(self, kind: type[AFact]) -> list[AFact]:
        return [fact for fact in self.exchange.facts if isinstance(fact, kind)]


@dataclass
class Scene:
    settings: CacheSettings = field(default_factory=lambda: CacheSettings(exact=ExactSettings()))
    models: Sequence[str] = ("sim",)
    guards: Sequence[Stage] = ()
    behind: Sequence[Stage] = ()
    fallback: str | None = None
    backing: Backing | None = None
    shown: Shown | None = None
    memory_bytes: int = 1 << 24
    deadline_s: float = 60.0
    drops: Drops = field(default_factory=Drops)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger()
        self.faults = Faults()
        self.provider = ScriptedProvider(clock=self.clock, events_per_read=1)
        steps: tuple[Fallback, ...] = ()
        if self.fallback is not None:
            steps = (Fallback(frozenset({"down"}), (self._target(self.fallback),)),)
        self.routes = {name: Route(name, (self._target(name),), 1, steps) for name in self.models}
        self.before = Before(self.routes, None)
        assert self.settings.exact is not None
        policy = Policy(self.settings, self.settings.exact, "a fingerprint")
        self.shelf = Shelf(Lru(self.memory_bytes, self.drops), self.drops, self.clock, self.backing)
        keys = Keys(b"a secret of the installation")
        self.cache = ExactCache(dict.fromkeys(self.models, policy), keys, self.shelf, self.clock, shown=self.shown)
        world = World(
            ledger=self.ledger, prices=FlatPrice(), counter=WordCounter(), clock=self.clock, faults=self.faults
        )
        stages: tuple[Stage, ...] = (self.before, *self.guards, self.cache, *self.behind)
        self.engine = Engine(Plan(stages, stages), world, rng=random.Random(7))  # noqa: S311 - a test's chance

    def _target(self, name: str) -> Target:
        return Target(f"sim/{name}", self.provider, name)

    async def begin(
        self,
        request: Request | None = None,
        who: Principal = ALICE,
        *,
        wishes: Wishes = NO_WISHES,
        sink: RecordingSink | None = None,
        policy: GonePolicy = "abort",
        deadline_s: float | None = None,
    ) -> Call:
        """Start an exchange, and let it run until it waits for something."""
        asked = request if request is not None else question()
        exchange = Exchange(
            id=new_exchange_id(self.clock),
            principal=who,
            request=asked,
            dialect=asked.dialect,
            started_at=self.clock.now(),
            began_s=self.clock.monotonic(),
            deadline_s=self.clock.monotonic() + (deadline_s or self.deadline_s),
            gone_policy=policy,
            wishes=wishes,
        )
        shown = sink if sink is not None else RecordingSink()
        stops: list[Stop] = []

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            stops.append(self.engine.begin(exchange, task))
            await self.engine.run(exchange, shown, stops[0])

        task = asyncio.get_running_loop().create_task(run())
        await self.clock.settle()
        return Call(exchange, shown, task, stops[0], self)

    async def ask(self, request: Request | None = None, who: Principal = ALICE, *, wishes: Wishes = NO_WISHES) -> Call:
        """One exchange from start to end."""
        call = await self.begin(request, who, wishes=wishes)
        await call.end()
        return call

    def check(self) -> None:
        """What must hold when nothing runs any more."""
        assert self.faults.seen == []
        assert self.provider.opened == self.provider.closed
        assert self.engine.in_flight == 0
        assert self.cache.in_flight == 0, "a flight outlived those who were in it"
        assert self.clock.pending == 0, "a timer outlived its exchange"
