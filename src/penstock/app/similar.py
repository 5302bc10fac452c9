"""The semantic cache of a data plane, put together from the configuration; and what it knows, for `/metrics`."""

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from penstock.app.cache import PlaneCache
from penstock.cache.exact import MayRest
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.watch.metrics import LabelledGauge

if TYPE_CHECKING:
    from penstock.cache.semantic.kept.link import LearnedLink
    from penstock.cache.semantic.stage import SemanticStage
    from penstock.encoder.executor import Encoder


class Similar:
    """`start` once, on the event loop that serves; `aclose` once, after the last exchange has settled."""

    def __init__(self, stage: "SemanticStage", link: "LearnedLink | None" = None) -> None:
        """`link` is None where questions are kept in memory alone."""
        self.stage = stage
        self._link = link
        self._learning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Once the exact cache has started."""
        self._learning = asyncio.get_running_loop().create_task(self.stage.run())
        if self._link is not None:
            self._link.start(self.stage.parts.cache, self.stage.submit)

    async def aclose(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            with suppress(asyncio.CancelledError):
                await self._learning
        if self._link is not None:
            await asyncio.to_thread(self._link.stop)
        self.stage.close()

    def labelled(self) -> "tuple[LabelledGauge, ...]":
        """For `/metrics`, by model and tenant."""
        return _labelled(self.stage)

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        found: tuple[tuple[str, str, float], ...] = (
            ("penstock_cache_similar_questions", "Questions that can be answered by meaning.", self.stage.questions),
            ("penstock_cache_similar_bytes", "About what they take in memory.", self.stage.size_bytes),
        )
        link = self._link
        if link is None:
            return found
        return (
            *found,
            ("penstock_cache_similar_loading", "Partitions that wait to be read from the store.", link.loader.waiting),
            ("penstock_cache_similar_waiting_questions", "Questions that wait to be written there.", link.waiting),
            ("penstock_cache_similar_forgotten", "Questions and matches that waited too long.", link.forgotten),
        )


def _labelled(stage: "SemanticStage") -> tuple[LabelledGauge, ...]:
    checks = stage.checks.items()
    by = ("model", "tenant")
    shares = {pair: each.wrong_share for pair, each in checks if each.wrong_share is not None}
    most = {pair: each.at_most for pair, each in checks if each.at_most is not None}
    return (
        ("penstock_cache_similar_checks", "Hits that were made again.", by, {pair: c.checked for pair, c in checks}),
        ("penstock_cache_similar_checks_wrong", "Those found wrong.", by, {pair: c.wrong for pair, c in checks}),
        ("penstock_cache_similar_wrong_share", "Expected wrong share of hits, where it is learned.", by, shares),
        ("penstock_cache_similar_wrong_share_at_most", "The same, with an allowance for what is open.", by, most),
    )


def open_similar(
    config: Config, cache: PlaneCache, encoder: "Encoder | None", clock: Clock, *, may_rest: MayRest
) -> Similar | None:
    """Everything but running; None where no model asks for it.

    Raises `ConfigError` where what was trained is of another encoder.
    """
    asked = {name: model.cache.semantic for name, model in config.models.items() if model.cache.semantic is not None}
    if not asked or encoder is None:
        return None
    # Imported here: it needs numpy, which is of an extra, and most installations have no such model.
    from penstock.cache.semantic.cache import SemanticCache  # noqa: PLC0415 - see above
    from penstock.cache.semantic.kept.link import LearnedLink, Terms  # noqa: PLC0415 - same
    from penstock.cache.semantic.kept.seal import Seals  # noqa: PLC0415 - same
    from penstock.cache.semantic.labels import Ticks  # noqa: PLC0415 - same
    from penstock.cache.semantic.question import load_weights, space_of  # noqa: PLC0415 - same
    from penstock.cache.semantic.stage import Parts, SemanticPolicy, SemanticStage  # noqa: PLC0415 - same

    weights = load_weights(encoder_sha256=encoder.weights_sha256)
    ticks = Ticks(clock.now, origin=secrets.randbits(32))
    link: LearnedLink | None = None
    if cache.link is not None:
        terms = Terms(space=space_of(encoder.identity), origin=ticks.origin, waiting_bytes=config.cache.waiting_bytes)
        link = LearnedLink(cache.link, clock, Seals(cache.keys.sealing), terms)
    similar = SemanticCache(
        weights,
        width=encoder.width,
        most_bytes=config.cache.similar_memory_bytes,
        ticks=ticks,
        elsewhere=link,
    )
    stage = SemanticStage(
        {name: SemanticPolicy(cache.policies[name], settings) for name, settings in asked.items()},
        Parts(
            similar,
            encoder,
            cache.keys,
            cache.shelf,
            clock,
            cache.stage.may_have,
            may_rest=may_rest,
            outbox=link,
        ),
    )
    cache.stage.tell(stage.kept)
    return Similar(stage, link)
