"""Compaction, prompt caching and answer lengths, put together out of the configuration."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from penstock.app.shortening.summaries import Jobs, Summariser
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.ports import Stage, TokenCounter
from penstock.routing.answer_length import AnswerLengthStage
from penstock.routing.prompt_cache.stage import PromptCacheStage
from penstock.storage.follow import Follower

if TYPE_CHECKING:
    from penstock.encoder.model import Model, Vector
    from penstock.routing.compaction.retained import Retained
    from penstock.routing.compaction.stage import CompactionStage


@dataclass(frozen=True, slots=True)
class Shorteners:
    """The stages, each None where no model asks for it.  `aclose` once nothing enters any more."""

    compaction: "CompactionStage | None"
    prompt_cache: PromptCacheStage
    answer_length: AnswerLengthStage | None
    retained: "Retained | None"
    summariser: Summariser | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In their order; what is marked for the provider's cache is what is really sent."""
        found = (self.answer_length, self.compaction, self.prompt_cache)
        return tuple(stage for stage in found if stage is not None)

    def start(self, jobs: Jobs) -> None:
        """Once, on the event loop that serves: from now on models are asked for summaries."""
        if self.summariser is not None:
            self.summariser.start(jobs)

    def rest(self) -> None:
        """Ask for no more summaries; those under way go on."""
        if self.summariser is not None:
            self.summariser.rest()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        return () if self.summariser is None else self.summariser.gauges()

    def follower(self, connect: Callable[[], psycopg.Connection | None]) -> Follower | None:
        """What writes to the database what was left out of prompts; None where nothing is."""
        if self.retained is None:
            return None
        from penstock.routing.compaction.store import shipping  # noqa: PLC0415 - as in `open_shorteners`

        return Follower(shipping(self.retained), connect)

    async def aclose(self) -> None:
        if self.summariser is not None:
            await self.summariser.aclose()
        if self.compaction is not None:
            self.compaction.close()


def needs_encoder(config: Config) -> list[str]:
    """The settings by which prompts are judged by meaning: where there are any, `open_shorteners` needs the encoder."""
    return [
        f"models.{name}.compaction.encoder_tokens"
        for name, model in config.models.items()
        if model.compaction is not None and model.compaction.needs_encoder
    ]


def open_shorteners(
    config: Config,
    counter: TokenCounter,
    clock: Clock,
    encoder: "Model | None",
    *,
    may_rest: Callable[[Exchange], bool],
) -> Shorteners:
    """`may_rest` says of whose prompts what was left out may be kept here.

    Raises `ConfigError` where a model's compaction asks for an encoder and there is none.
    """
    compacted = {name: model.compaction for name, model in config.models.items() if model.compaction is not None}
    for name, settings in compacted.items():
        if settings.needs_encoder and encoder is None:
            raise config.problem(
                f"models.{name}.compaction.encoder_tokens",
                "there is no encoder: build it with `penstock encoder build`, or set this to 0",
            )
    bounded = {name: model.answer_length for name, model in config.models.items() if model.answer_length is not None}
    prompt_cache = PromptCacheStage(
        frozenset(name for name, model in config.models.items() if model.prompt_caching == "off"), clock
    )
    answer_length = AnswerLengthStage(bounded, clock) if bounded else None
    if not compacted:
        return Shorteners(None, prompt_cache, answer_length, None)
    # Imported here: they need numpy, which is of an extra, and most installations shorten nothing.
    from penstock.routing.compaction.compactor import Compactor  # noqa: PLC0415 - see above
    from penstock.routing.compaction.retained import Retained  # noqa: PLC0415 - same
    from penstock.routing.compaction.stage import CompactionStage, no_summaries  # noqa: PLC0415 - same
    from penstock.routing.compaction.summaries import Summaries  # noqa: PLC0415 - same

    retained = Retained(clock)
    read = None if encoder is None else partial(_sentence, encoder)
    summaries = Summaries(clock) if any(settings.summaries for settings in compacted.values()) else None
    summariser = None if summaries is None else Summariser(summaries, clock)
    compaction = CompactionStage(
        compacted,
        Compactor(counter, read, summaries),
        retained,
        clock,
        may_rest=may_rest,
        sum_up=no_summaries if summariser is None else summariser.sum_up,
    )
    return Shorteners(compaction, prompt_cache, answer_length, retained, summariser)


def _sentence(encoder: "Model", text: str) -> "Vector":
    return encoder.encode(text).sentence
