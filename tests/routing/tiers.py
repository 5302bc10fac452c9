"""A model with three tiers, a caller, and requests: shared by the tests of routing."""

import asyncio
from pathlib import Path

from penstock.config import Config, read
from penstock.core.chat import ChatRequest, Message, Role, TextPart
from penstock.core.exchange import Exchange, Principal, Wishes
from penstock.core.facts import TierChosen
from penstock.core.ids import ExchangeId
from penstock.encoder.executor import Encoder
from penstock.routing.catalog import Catalog, RouteStage, Upstream, build_catalog
from penstock.routing.complexity import load_complexity
from penstock.routing.residency import Regions
from penstock.routing.stage import TierChoice
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

UPSTREAMS = {"sim": Upstream(ScriptedProvider(name="sim"), "sim", ("sim",), ("sim",))}
TIERS = """\
models:
  support:
    tiers:
      fast: [{provider: sim, model: small, region: eu}]
      good: [{provider: sim, model: middle, region: eu}]
      strong: [{provider: sim, model: large, region: us}]
"""
EASY = "Explain the difference between TCP and UDP in two sentences."
HARD = (
    "Suppose that every connected graph in which neither vertex is isolated has a spanning tree. Statement 1 | If a "
    "graph is not connected then all of its subgraphs must be disconnected. Statement 2 | Unless a graph has no cycle, "
    "it is never a tree.\nA. True, True\nB. True, False\nC. False, True\nD. False, False"
)


def configured(folder: Path, more: str = "", text: str = TIERS) -> Config:
    path = folder / "penstock.yaml"
    path.write_text(text + more)
    return read(path, {})


def chat(*turns: str, model: str = "support", metadata: dict[str, str] | None = None) -> ChatRequest:
    """The turns are the caller's and the model's in alternation."""
    roles: tuple[Role, Role] = ("user", "assistant")
    messages = tuple(Message(roles[place % 2], (TextPart(text),)) for place, text in enumerate(turns))
    return ChatRequest(dialect="openai-chat", model=model, messages=messages, metadata=metadata or {})


class Site:
    """The two stages over one configuration."""

    def __init__(
        self, config: Config, *, encoder: Encoder | None = None, plan: str | None = None, regions: Regions | None = None
    ) -> None:
        self.clock = FakeClock()
        self.catalog: Catalog = build_catalog(config, UPSTREAMS)
        self.route = RouteStage(self.catalog, self.clock, regions)
        self.choice = TierChoice(
            self.catalog,
            {name: model.routing for name, model in config.models.items() if model.tiers},
            self.clock,
            head=load_complexity(),
            encoder=encoder,
            plan=lambda _: plan,
            regions=regions,
        )

    def exchange(self, request: ChatRequest, caller: Principal, tier: str | None = None) -> Exchange:
        return Exchange(
            id=ExchangeId("ex_1"),
            principal=caller,
            request=request,
            dialect="openai-chat",
            started_at=0.0,
            began_s=self.clock.monotonic(),
            deadline_s=self.clock.monotonic() + 60,
            gone_policy="abort",
            wishes=Wishes(tier=tier),
        )

    async def serve(
        self, request: ChatRequest, *, tier: str | None = None, caller: Principal | None = None
    ) -> tuple[Exchange, TierChosen]:
        exchange = self.exchange(request, caller or Principal("acme", "key_1"), tier)
        await self.route.enter(exchange)
        await self.choice.enter(exchange)
        facts = [fact for fact in exchange.facts if isinstance(fact, TierChosen)]
        assert len(facts) == 1
        return exchange, facts[0]

    def ask(self, *turns: str, tier: str | None = None, caller: Principal | None = None) -> TierChosen:
        return asyncio.run(self.serve(chat(*turns), tier=tier, caller=caller))[1]
