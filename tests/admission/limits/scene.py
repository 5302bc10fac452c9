"""A limited request path: stage, supply and store, on a clock that the test moves."""

from dataclasses import dataclass, field
from itertools import count

from penstock.admission.limits.book import Book, Notice
from penstock.admission.limits.estimate import AnswerLengths
from penstock.admission.limits.limit import Budget, Limit, compile_rules
from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.slices import SliceStore
from penstock.admission.limits.spent_file import UnkeptRows
from penstock.admission.limits.stage import LimitStage
from penstock.admission.limits.supply import LimitSupply
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.ends import End
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.ports import Route, Target
from penstock.core.usage import UNKNOWN_COST, UNKNOWN_USAGE, Cost, NanoUsd, Usage
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

NUMBERS = count()


def utc(tenant: str) -> str:
    """Everybody's time zone."""
    del tenant
    return "UTC"


def deaf(notice: Notice) -> None:
    """Nobody hears of thresholds."""
    del notice


def flat_price(exchange: Exchange, into: int, out: int) -> int | None:
    """A nano-dollar a token; `mystery` has no price."""
    return None if exchange.request.model == "mystery" else into + out


@dataclass
class Scene:
    limits: tuple[Limit | Budget, ...]
    clock: FakeClock = field(default_factory=FakeClock)
    store: SliceStore | None = None
    zones: dict[str, str] = field(default_factory=dict[str, str])
    lease: str = "a"

    def __post_init__(self) -> None:
        self.notices: list[Notice] = []
        rows = UnkeptRows()
        book = Book(
            compile_rules(self.limits), rows=rows, zone_of=lambda tenant: self.zones.get(tenant, "UTC"), hold_s=60
        )
        self.used_store = MemoryStore(self.clock) if self.store is None else self.store
        self.supply = LimitSupply(
            book, self.used_store, rows=rows, lease=self.lease, clock=self.clock, on_notice=self.notices.append
        )
        self.lengths = AnswerLengths()
        self.stage = LimitStage(self.supply, clock=self.clock, price=flat_price, lengths=self.lengths)

    def exchange(
        self,
        *,
        tenant: str = "acme",
        user: str | None = None,
        key: str = "k1",
        model: str = "m",
        max_tokens: int | None = 10,
        text: str = "",
        targets: tuple[str, ...] = ("p/m",),
    ) -> Exchange:
        provider = ScriptedProvider()
        request = ChatRequest(
            dialect="openai-chat",
            model=model,
            messages=(Message("user", (TextPart(text),)),) if text else (),
            max_tokens=max_tokens,
        )
        return Exchange(
            id=ExchangeId(f"ex_{next(NUMBERS)}"),
            principal=Principal(tenant=tenant, key=key, user=user),
            request=request,
            dialect="openai-chat",
            started_at=self.clock.now(),
            began_s=self.clock.monotonic(),
            deadline_s=self.clock.monotonic() + 60,
            gone_policy="abort",
            route=Route("r", tuple(Target(name, provider, "m") for name in targets)),
            facts=[],
            leases=[],
        )

    async def enter(self, exchange: Exchange | None = None) -> Exchange:
        exchange = self.exchange() if exchange is None else exchange
        await self.stage.enter(exchange)
        return exchange

    def settle(
        self,
        exchange: Exchange,
        *,
        into: int = 0,
        out: int = 0,
        cost: int | None = None,
        is_known: bool = True,
        end: End = "completed",
        attempts: int = 1,
    ) -> None:
        exchange.usage = Usage(input_tokens=into, output_tokens=out) if is_known else UNKNOWN_USAGE
        exchange.cost = Cost(NanoUsd(into + out if cost is None else cost), "exact") if is_known else UNKNOWN_COST
        exchange.end = end
        exchange.attempts = attempts
        while exchange.leases:
            exchange.leases.pop().settle(exchange)
