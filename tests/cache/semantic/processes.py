"""Processes of one installation that know questions: each with its own memory, over one real PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import cast

import numpy as np
import psycopg
from tests.cache.scene import Call, Scene, question
from tests.cache.semantic.made import WEIGHTS, WIDTH
from tests.cache.test_store import connected, until

from penstock.cache.key import Keys
from penstock.cache.link import Bounds, StoreLink
from penstock.cache.policy import Policy
from penstock.cache.semantic.cache import SemanticCache
from penstock.cache.semantic.kept.link import LearnedLink, Terms
from penstock.cache.semantic.kept.seal import Seals
from penstock.cache.semantic.labels import Ticks
from penstock.cache.semantic.question import space_of
from penstock.cache.semantic.stage import Parts, SemanticPolicy, SemanticStage
from penstock.config.cache import CacheSettings, ExactSettings
from penstock.config.cache.semantic import SemanticSettings
from penstock.core.exchange import Exchange
from penstock.core.facts import CacheMissed
from penstock.core.ports import Continue, Reply
from penstock.encoder.executor import Encoder
from penstock.encoder.model import Encoded, Model
from penstock.testing.clock import FakeClock

KEYS = Keys(b"a secret of the installation")
SETTINGS = SemanticSettings(start="shipped", check_share=0.0001)
BOUNDS = Bounds(lookup_s=5.0, waiting_bytes=1 << 20, known_entries=100_000)


class _Topics:
    """In the model's place: the last word of a text is its topic, and texts of one topic have one vector."""

    def encode(self, text: str) -> Encoded:
        words = text.split()
        begins = [text.index(word) for word in words]
        topic = np.random.default_rng(list(words[-1].lower().encode())).standard_normal(WIDTH)
        tokens = np.zeros((len(words), WIDTH), np.float32)
        tokens[:, 0] = 1.0
        spans = tuple((begin, begin + len(word)) for begin, word in zip(begins, words, strict=True))
        return Encoded((topic / np.linalg.norm(topic)).astype(np.float32), tokens, spans)


class _Later:
    """The stage's place in the plan, which is made before it."""

    name = "semantic_cache"

    def __init__(self) -> None:
        self.stage: SemanticStage | None = None

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        assert self.stage is not None
        return await self.stage.enter(exchange)

    def filter(self, exchange: Exchange) -> None:
        return None


class Process:
    """See the module.  `connect` is how it reaches the store."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        *,
        origin: int = 1,
        identity: str = "an encoder",
        settings: SemanticSettings = SETTINGS,
        most_bytes: int = 1 << 24,
        waiting_bytes: int = 1 << 20,
    ) -> None:
        self.clock = FakeClock()
        self.shared = StoreLink(connect, self.clock, BOUNDS)
        place = _Later()
        caching = CacheSettings(exact=ExactSettings(ttl_s=86_400.0), semantic=settings)
        self.scene = Scene(settings=caching, behind=[place], backing=self.shared, clock=self.clock)
        terms = Terms(space=space_of(identity), origin=origin, waiting_bytes=waiting_bytes)
        self.link = LearnedLink(self.shared, self.clock, Seals(KEYS.sealing), terms)
        ticks = Ticks(self.clock.now, origin=origin)
        self.cache = SemanticCache(
            WEIGHTS, width=WIDTH, most_bytes=most_bytes, chance=lambda: 1.0, ticks=ticks, elsewhere=self.link
        )
        self.encoder = Encoder(cast("Model", _Topics()))
        assert caching.exact is not None
        policy = SemanticPolicy(Policy(caching, caching.exact, "a fingerprint"), settings)
        parts = Parts(
            self.cache, self.encoder, KEYS, self.scene.shelf, self.clock, self.scene.cache.may_have, outbox=self.link
        )
        self.stage = place.stage = SemanticStage({"sim": policy}, parts)
        self.scene.cache.tell(self.stage.kept)

    def start(self) -> None:
        self.shared.start(self.scene.shelf.apply)
        self.link.start(self.cache, self.stage.submit)

    async def stop(self) -> None:
        await asyncio.to_thread(self.link.stop)
        self.stage.close()
        self.encoder.close()
        await asyncio.to_thread(self.shared.stop)

    @property
    def calls(self) -> int:
        return self.scene.provider.calls

    @property
    def is_listening(self) -> bool:
        return self.link._is_listed and self.shared._read_drop is not None  # type: ignore[attr-defined]

    async def ask(self, text: str) -> Call:
        """One exchange, and what is learned of it."""
        call = await self.scene.ask(question(text))
        await self.stage.learn_waiting()
        return call

    async def asked(self, text: str) -> tuple[str, list[str]]:
        """What the cache did, and why not."""
        call = await self.ask(text)
        assert call.exchange.cache is not None
        return call.exchange.cache.status, [fact.reason for fact in call.facts(CacheMissed)]

    async def until_loaded(self) -> None:
        """What was asked for is here."""
        await until(lambda: self.link.loader.waiting == 0)

    async def until_written(self) -> None:
        await until(lambda: self.link.waiting == 0 and self.shared.waiting == 0)


@asynccontextmanager
async def process(url: str, origin: int = 1, **terms: object) -> AsyncGenerator[Process]:
    found = Process(connected(url), origin=origin, **terms)  # type: ignore[arg-type]
    found.start()
    try:
        await until(lambda: found.is_listening)
        yield found
    finally:
        await found.stop()
