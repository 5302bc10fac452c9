"""Knowledge in a data plane: the stage that searches, and what caches ask of what answers were made from."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from penstock.app.knowledge.packing import Packer, rewritten
from penstock.cache.entry import Entry
from penstock.config.knowledge import KnowledgeUse
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.ports import Stage, TokenCounter
from penstock.knowledge.find import Finder, NotSearched, asker_of
from penstock.knowledge.stage import KnowledgeStage, Parts, Screen
from penstock.storage.late import LatePool

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

_LOOK_S: Final = 2.0
_CONNECTIONS: Final = 8
"""Searches at the same time in one process; more wait."""


class PlaneKnowledge:
    """`aclose` once, after the last exchange has settled.  `finder` is None where no model uses knowledge."""

    def __init__(self, uses: Mapping[str, KnowledgeUse], finder: Finder | None, pool: LatePool) -> None:
        self.uses = uses
        self.finder = finder
        self._pool = pool

    def stages(self, screen: Screen, counter: TokenCounter, clock: Clock) -> tuple[Stage, ...]:
        """The stage, if any model uses knowledge; `screen` is what guards make of what was found."""
        if self.finder is None:
            return ()
        parts = Parts(find=self.finder.find, screen=screen, rewrite=rewritten, pack=Packer(counter).packed, clock=clock)
        return (KnowledgeStage(self.uses, parts),)

    def tags(self, exchange: Exchange) -> Sequence[str] | None:
        """What an answer was made from, each document in its version.

        None of one that its documents had nothing for, or that was made without looking: the next may have some.
        """
        if not exchange.passages and exchange.request.model in self.uses:
            return None
        return tuple(dict.fromkeys(f"{each.document}:{each.version}" for each in exchange.passages))

    async def fits(self, exchange: Exchange, entry: Entry) -> bool:
        """Whether all of it still stands and the caller may read it; what cannot be found out does not."""
        named = (each.rpartition(":") for each in entry.documents)
        versions = {document: int(version) for document, _, version in named}
        if not versions:
            return True
        if self.finder is None:
            return False
        use = self.uses.get(exchange.request.model)
        try:
            async with asyncio.timeout(_LOOK_S if use is None else use.timeout_s):
                return await self.finder.stand(asker_of(exchange.principal), versions)
        except (NotSearched, TimeoutError):
            return False

    async def aclose(self) -> None:
        await self._pool.aclose()


def needs_encoder(config: Config) -> list[str]:
    """The settings that cannot do without it."""
    return [f"models.{name}.knowledge" for name, model in config.models.items() if model.knowledge is not None]


def open_knowledge(
    config: Config, encoder: "Encoder | None", clock: Clock, find_url: Callable[[], str | None]
) -> PlaneKnowledge:
    """Everything but running."""
    uses = {name: model.knowledge for name, model in config.models.items() if model.knowledge is not None}
    pool = LatePool(find_url, name="knowledge", max_size=_CONNECTIONS)
    finder = Finder(pool, encoder, clock) if uses and encoder is not None else None
    return PlaneKnowledge(uses, finder, pool)
