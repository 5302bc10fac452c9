"""Layers 2 and 3 of a data plane: caches, the choice among tiers, shorter prompts, and the encoder that they share."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import structlog

from penstock.app.cache import PlaneCache, cache_of_file, open_cache
from penstock.app.contents.plane import PlaneContents, contents_of_file, open_contents
from penstock.app.encoder import load_encoder
from penstock.app.guards.heads import KeptHeads
from penstock.app.guards.opening import PlaneGuards, open_guards
from penstock.app.guards.opening import needs_encoder as guards_need_encoder
from penstock.app.guards.vault import held_values, open_vault
from penstock.app.knowledge.grounding import PlaneGrounding, open_grounding, others
from penstock.app.knowledge.plane import PlaneKnowledge, open_knowledge
from penstock.app.knowledge.plane import needs_encoder as knowledge_needs_encoder
from penstock.app.memory.plane import MEMORY_CONNECTIONS, MemoryGround, PlaneMemory, memory_of_file, open_memory
from penstock.app.review import PlaneReview, open_review, review_of_file
from penstock.app.routing import Routing, open_routing
from penstock.app.shortening.shorteners import Shorteners, needs_encoder, open_shorteners
from penstock.app.shortening.summaries import Jobs
from penstock.app.similar import Similar, open_similar
from penstock.app.upstreams import Connected
from penstock.cache.exact import Shown
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.ports import Sampler, Stage, TokenCounter
from penstock.routing.catalog import Catalog
from penstock.storage.follow import Follower
from penstock.storage.late import LatePool
from penstock.watch.metrics import LabelledGauge

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """`start` once, on the event loop that serves; `aclose` once, after the last exchange has settled.

    `similar`, `memory`, `contents` and `encoder` are None where nobody asks for them, `left_out` where no prompt is
    shortened, or in `explain`.
    """

    routing: Routing
    guards: PlaneGuards
    cache: PlaneCache
    similar: Similar | None
    shorteners: Shorteners
    knowledge: PlaneKnowledge
    searches: tuple[Stage, ...]
    grounding: PlaneGrounding
    review: PlaneReview
    memory: PlaneMemory | None
    contents: PlaneContents | None
    encoder: "Encoder | None"
    left_out: Follower | None

    @property
    def caches(self) -> tuple[Stage, ...]:
        """What is kept for the same request, then what is kept for one that means the same."""
        return (self.cache.stage,) if self.similar is None else (self.cache.stage, self.similar.stage)

    @property
    def judged(self) -> tuple[Stage, ...]:
        """What sees answers behind the guards and before the caches, in its order."""
        return (*self.grounding.stages, *self.searches, self.review.stage)

    def start(self, jobs: Jobs) -> None:
        self.guards.start()
        self.cache.start()
        self.shorteners.start(jobs)
        if self.memory is not None:
            self.memory.start()
        if self.contents is not None:
            self.contents.start()
        if self.similar is not None:
            self.similar.start()
        if self.left_out is not None:
            self.left_out.start()

    def rest(self) -> None:
        """Ask models nothing more on our own account: the last requests are being answered."""
        self.shorteners.rest()

    def use(self, config: Config) -> None:
        """Take over the live sections of the configuration, on the event loop."""
        self.routing.use(config)
        self.review.use(config)

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        memory = () if self.memory is None else self.memory.problems()
        contents = () if self.contents is None else self.contents.problems()
        return (*self.guards.problems(), *self.cache.problems(), *memory, *contents)

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        similar = () if self.similar is None else self.similar.gauges()
        found = (
            *self.routing.gauges(),
            *self.guards.gauges(),
            *self.cache.gauges(),
            *similar,
            *self.shorteners.gauges(),
            *(() if self.memory is None else self.memory.gauges()),
            *(() if self.contents is None else self.contents.gauges()),
        )
        if self.encoder is None:
            return found
        counts = self.encoder.counts
        return (
            *found,
            ("penstock_encoder_texts_read", "Texts that the encoder has read.", counts.read),
            ("penstock_encoder_texts_remembered", "Texts that it had read before.", counts.remembered),
            ("penstock_encoder_texts_refused", "Texts for which there was no room in its line.", counts.refused),
            ("penstock_encoder_waiting", "Texts that it reads or that wait for it.", self.encoder.waiting),
        )

    def labelled(self) -> tuple[LabelledGauge, ...]:
        """For `/metrics`: those with labels."""
        return () if self.similar is None else self.similar.labelled()

    async def aclose(self) -> None:
        """Takes a second or so."""
        if self.similar is not None:
            await self.similar.aclose()
        await asyncio.to_thread(self.cache.stop)
        await self.shorteners.aclose()
        await self.guards.aclose()
        self.grounding.close()
        await self.knowledge.aclose()
        await self.review.aclose()
        if self.memory is not None:
            await self.memory.aclose()
        if self.contents is not None:
            await asyncio.to_thread(self.contents.stop)
        if self.left_out is not None:
            await asyncio.to_thread(self.left_out.stop)
        if self.encoder is not None:
            self.encoder.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the layers of a data plane stand on.

    `connect` gives a connection under a name, `find_url` the database's address; None for now.  `sampler` asks models
    the same again; None where none is called.
    """

    catalog: Catalog
    endpoints: Mapping[str, Connected]
    data_dir: DataDir
    connect: Callable[[str], psycopg.Connection | None]
    find_url: Callable[[], str | None]
    counter: TokenCounter
    sampler: Sampler | None = None


def open_layers(config: Config, environ: Mapping[str, str], clock: Clock, ground: Ground) -> Layers:
    """Everything but running; loads the encoder where something needs it.

    Raises `ConfigError` where what a model asks for cannot be had.
    """
    connect = ground.connect
    encoder = _encoder(config, ground.catalog)
    routing = open_routing(config, ground.catalog, clock, encoder)
    knowledge = open_knowledge(config, encoder, clock, ground.find_url)
    cache = open_cache(
        config,
        environ,
        data_dir=ground.data_dir,
        clock=clock,
        endpoints=ground.endpoints,
        connect=connect,
        shown=Shown(may_rest=routing.may_rest, tags=knowledge.tags, fits=knowledge.fits),
    )
    vault = open_vault(
        config, environ, data_dir=ground.data_dir, clock=clock, connect=connect, may_rest=routing.may_rest
    )
    model = None if encoder is None else encoder.model
    shorteners = open_shorteners(config, ground.counter, clock, model, may_rest=routing.may_rest)
    review = open_review(config, ground.data_dir, clock, ground.find_url)
    review.join(cache.stage, held_values(config, ground.data_dir))
    heads = KeptHeads(ground.data_dir.scope_heads, may_write=True)
    guards = open_guards(config, encoder, clock, vault=vault, heads=heads)
    pool = LatePool(ground.find_url, name="memory", max_size=MEMORY_CONNECTIONS)
    below = MemoryGround(pool=pool, guards=guards.stage, routing=routing, clock=clock)
    return Layers(
        memory=open_memory(config, ground.data_dir, below),
        contents=open_contents(config, ground.data_dir, clock, routing.may_rest),
        routing=routing,
        guards=guards,
        cache=cache,
        similar=open_similar(config, cache, encoder, clock, may_rest=routing.may_rest),
        shorteners=shorteners,
        knowledge=knowledge,
        searches=knowledge.stages(guards.screen, ground.counter, clock),
        grounding=open_grounding(
            config,
            encoder,
            clock,
            second=others(config, ground.catalog, routing.in_force.regions),
            sampler=ground.sampler,
        ),
        review=review,
        encoder=encoder,
        left_out=shorteners.follower(lambda: connect("left_out")),
    )


def layers_of_file(config: Config, clock: Clock, ground: Ground) -> Layers:
    """With nothing kept yet, and never started: for `explain`."""
    catalog, endpoints, counter = ground.catalog, ground.endpoints, ground.counter
    encoder = _encoder(config, catalog)
    routing = open_routing(config, catalog, clock, encoder)
    cache = cache_of_file(config, endpoints, clock, may_rest=routing.may_rest)
    model = None if encoder is None else encoder.model
    knowledge = open_knowledge(config, encoder, clock, ground.find_url)
    guards = open_guards(config, encoder, clock)
    pool = LatePool(ground.find_url, name="memory", max_size=1)
    below = MemoryGround(pool=pool, guards=guards.stage, routing=routing, clock=clock)
    return Layers(
        memory=memory_of_file(config, ground.data_dir, below),
        contents=contents_of_file(config, routing.may_rest),
        routing=routing,
        guards=guards,
        knowledge=knowledge,
        searches=knowledge.stages(guards.screen, counter, clock),
        grounding=open_grounding(config, encoder, clock, second=others(config, catalog, routing.in_force.regions)),
        review=review_of_file(config, clock),
        cache=cache,
        similar=open_similar(config, cache, encoder, clock, may_rest=routing.may_rest),
        shorteners=open_shorteners(config, counter, clock, model, may_rest=routing.may_rest),
        encoder=encoder,
        left_out=None,
    )


def _encoder(config: Config, catalog: Catalog) -> "Encoder | None":
    """Loaded where something cannot do without it; for tiers, which can, where it is there."""
    needed = [f"models.{name}.cache.semantic" for name, model in config.models.items() if model.cache.semantic]
    needed += needs_encoder(config)
    needed += guards_need_encoder(config)
    needed += knowledge_needs_encoder(config)
    if needed:
        return load_encoder(config, needed_by=needed)
    if not catalog.tiered():
        return None
    try:
        return load_encoder(config)
    except ConfigError as error:
        if config.encoder.model is not None:
            raise
        # The choice goes by the wording alone, and every fact says so.
        _log.warning("tiers_go_by_wording", reason=error.message)
        return None
