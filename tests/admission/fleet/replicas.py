"""Processes of a fleet on simulated time: real gates, real sharing, the link's rhythm, and a board in memory."""

from tests.admission.fleet.memory import MemoryBoard

from penstock.admission.fleet.board import BoardLost
from penstock.admission.fleet.link import LOOK_S, SILENT_S, Rhythm
from penstock.admission.fleet.sharing import Sharing
from penstock.admission.targets.breaker import BreakerChange, State
from penstock.admission.targets.gate import TargetGate
from penstock.admission.targets.gates import TargetGates
from penstock.config.targets import BreakerSettings, GateSettings, RetrySettings
from penstock.core.chat import ChatRequest
from penstock.core.errors import CircuitOpen
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.outcome import FAILED, Outcome, Succeeded
from penstock.core.ports import Target
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

GOOD = Succeeded(first_event_s=0.1, total_s=0.2)


class Replica:
    def __init__(self, name: str, clock: FakeClock, board: MemoryBoard) -> None:
        self.clock = clock
        self.board = board
        self.changes: list[tuple[str, BreakerChange]] = []
        self.is_alive = True
        self._provider = ScriptedProvider(name="sim", clock=clock)
        self.gates = TargetGates(
            GateSettings(breaker=BreakerSettings()),
            RetrySettings(),
            clock,
            rng_for(name),
            on_breaker_change=self._changed,
        )
        self.sharing = Sharing(self.gates, clock, process=name, place=name, silent_s=SILENT_S)
        self._rhythm = Rhythm(clock.monotonic() - 60.0)
        self._is_told = False

    def _changed(self, target: str, change: BreakerChange) -> None:
        self.changes.append((target, change))
        self.sharing.changed(target, change)

    def look(self) -> None:
        """What the link's thread does every `LOOK_S`."""
        self._is_told = self.board.wait(0.0) or self._is_told
        has_news = self._is_told or self.sharing.has_news
        if self.is_alive and self._rhythm.is_due(self.clock.monotonic(), has_news=has_news):
            self._is_told = False
            told = self.sharing.report()
            try:
                view = self.board.exchange(told.report)
            except BoardLost:
                self.sharing.put_back(told)
            else:
                self.sharing.take(view)

    async def call(self, target: str, outcome: Outcome) -> bool:
        """One call; False where the breaker did not let it through."""
        now_s = self.clock.monotonic()
        exchange = Exchange(
            id=ExchangeId("ex_1"),
            principal=Principal("acme", "key_1"),
            request=ChatRequest(dialect="openai-chat", model="sim", messages=()),
            dialect="openai-chat",
            started_at=0.0,
            began_s=now_s,
            deadline_s=now_s + 60.0,
            gone_policy="abort",
        )
        try:
            permit = await self.gates.enter(exchange, Target(target, self._provider, "m"))
        except CircuitOpen:
            return False
        permit.close(outcome)
        return True

    async def fail(self, target: str, times: int = 8) -> None:
        for _ in range(times):
            await self.call(target, FAILED)

    def gate(self, target: str) -> TargetGate:
        return self.gates.gate(target)

    def state(self, target: str) -> State:
        return self.gate(target).breaker.state


class Fleet:
    """Several replicas on one board.  `run` lets time pass for all of them."""

    def __init__(self, names: str = "ab") -> None:
        self.clock = FakeClock()
        self.board = MemoryBoard(self.clock)
        self.replicas = [Replica(name, self.clock, self.board.another()) for name in names]

    def join(self, name: str) -> Replica:
        replica = Replica(name, self.clock, self.board.another())
        self.replicas.append(replica)
        return replica

    def run(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds / LOOK_S))):
            for replica in self.replicas:
                replica.look()
            self.clock.advance(LOOK_S)
