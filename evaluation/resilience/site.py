"""One Penstock process on simulated time: the real engine and gates, a route, and books to read afterwards.

The scenarios make one for each process that they have, on a clock that they share, and let it take what `traffic` says.
Nothing here decides anything: what is measured is `flow` and `admission.targets`.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from evaluation.resilience.traffic import Asked
from penstock.admission.targets.gates import TargetGates
from penstock.config.targets import GateSettings, HedgeSettings, RetrySettings
from penstock.config.types import ModelSettings
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.events import Event
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeIds
from penstock.core.ports import CONTINUE, Continue, Provider, Route, Target
from penstock.core.record import Settled
from penstock.core.usage import Cost, NanoUsd, Usage
from penstock.flow.engine import Engine, World
from penstock.flow.plan import Plan
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock
from penstock.testing.ledger import MemoryLedger
from penstock.testing.script import count_tokens

_INPUT_NANOUSD = 1_000
_OUTPUT_NANOUSD = 4_000
_LONGEST_S = 86_400.0
MAX_ATTEMPTS = ModelSettings(targets=()).max_attempts
"""What a model in penstock.yaml has where it says nothing else."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is configured with; the defaults are Penstock's own."""

    gates: GateSettings = GateSettings()
    retries: RetrySettings = RetrySettings()
    hedging: HedgeSettings = HedgeSettings()
    seed: int = 0


class Site:
    """See the module.  `gates` and `records` may be looked at while and after requests are played."""

    def __init__(self, clock: FakeClock, route: Route, settings: Settings | None = None) -> None:
        chosen = settings or Settings()
        self.clock = clock
        self.route = route
        self.gates = TargetGates(
            chosen.gates, chosen.retries, clock, rng_for("gates", chosen.seed), hedging=chosen.hedging
        )
        self._ledger = MemoryLedger()
        self._ids = ExchangeIds(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults = _Faults()
        world = World(
            ledger=self._ledger,
            prices=_Prices(),
            counter=_Counter(),
            clock=clock,
            faults=self._faults,
            gates=self.gates,
        )
        plan = Plan((_RouteTo(route),), ())
        self.engine = Engine(plan, world, rng=rng_for("engine", chosen.seed))

    @property
    def records(self) -> list[Settled]:
        return self._ledger.records

    def ask(self, asked: Asked) -> None:
        """Begin one exchange now."""
        task = asyncio.get_running_loop().create_task(self._run(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, asked: Asked) -> None:
        clock = self.clock
        exchange = Exchange(
            id=self._ids.new(),
            principal=Principal(tenant=asked.tenant, key=asked.tenant, priority=asked.priority, weight=asked.weight),
            request=ChatRequest(
                dialect="openai-chat",
                model=self.route.name,
                messages=(Message(role="user", parts=(TextPart(asked.prompt),)),),
                stream=asked.is_streamed,
                max_tokens=asked.max_tokens,
            ),
            dialect="openai-chat",
            started_at=clock.now(),
            began_s=clock.monotonic(),
            deadline_s=clock.monotonic() + asked.deadline_s,
            gone_policy="abort",
        )
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an exchange runs in a task")
        await self.engine.run(exchange, _Reader(), self.engine.begin(exchange, task))

    def stop(self) -> None:
        """Take back what is still in flight; it is settled as shut down."""
        for task in tuple(self._tasks):
            task.cancel()

    def check(self) -> None:
        """Raise `RuntimeError` where the engine met an error that nobody foresaw, or left something behind."""
        if self._faults.seen:
            raise RuntimeError(f"the engine failed: {self._faults.seen[0]!r}") from self._faults.seen[0]
        held = [gate.name for gate in self.gates if gate.in_flight or gate.waiting]
        if held or self.engine.in_flight:
            raise RuntimeError(f"left behind: {self.engine.in_flight} exchanges, places at {held}")


async def play(clock: FakeClock, arrivals: Sequence[tuple[Site, Asked]], *, until_s: float | None = None) -> None:
    """Let the requests arrive in their time, and time go on until all are settled, or `until_s` after the start.

    Times of arrival count from now.  With `until_s`, what is in flight then is stopped.
    """
    start_s = clock.monotonic()
    for site, asked in arrivals:
        wait_s = start_s + asked.at_s - clock.monotonic()
        if wait_s > 0.0:
            await clock.run_for(wait_s)
        site.ask(asked)
    sites = {id(site): site for site, _ in arrivals}.values()
    if until_s is not None:
        await clock.run_for(max(0.0, start_s + until_s - clock.monotonic()))
        for site in sites:
            site.stop()
    while any(site.engine.in_flight for site in sites) and clock.monotonic() < start_s + _LONGEST_S:
        await clock.run_for(1.0)
    await clock.settle()
    for site in sites:
        site.check()


def route_to(
    providers: Sequence[tuple[Provider, str]], *, max_attempts: int = MAX_ATTEMPTS, is_hedged: bool = False
) -> Route:
    """A route named `model` to these providers, in order, each with the model that it is asked for."""
    targets = tuple(Target(provider.name, provider, model, streams_whole=is_hedged) for provider, model in providers)
    return Route("model", targets, max_attempts, is_hedged=is_hedged)


class _Reader:
    """A client that takes everything at once and keeps nothing."""

    async def write(self, events: Sequence[Event]) -> None:
        return None

    def complete(self, exchange: Exchange) -> None:
        return None

    async def close(self, exchange: Exchange) -> None:
        return None


class _RouteTo:
    name = "route"

    def __init__(self, route: Route) -> None:
        self._route = route

    async def enter(self, exchange: Exchange) -> Continue:
        exchange.route = self._route
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        return None


class _Prices:
    """One dollar a million tokens in, four out."""

    def cost(self, target: Target, usage: Usage, *, at: float) -> Cost:
        del target, at
        amount = usage.input_tokens * _INPUT_NANOUSD + usage.output_tokens * _OUTPUT_NANOUSD
        return Cost(NanoUsd(amount), usage.accuracy)


class _Counter:
    def count_request(self, request: object, model: str) -> int:
        if not isinstance(request, ChatRequest):
            return 0
        return sum(count_tokens(part.text) for m in request.messages for part in m.parts if isinstance(part, TextPart))

    def count_text(self, text: str, model: str) -> int:
        return count_tokens(text)


class _Faults:
    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def unexpected(self, exchange: Exchange, error: BaseException) -> None:
        self.seen.append(error)
