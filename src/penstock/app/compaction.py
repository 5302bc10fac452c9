"""Compaction, prompt caching and answer lengths, put together out of the configuration."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.ports import TokenCounter
from penstock.encoder.model import Model
from penstock.routing.answer_length import AnswerLengthStage
from penstock.routing.compaction.compactor import Compactor
from penstock.routing.compaction.retained import Retained
from penstock.routing.compaction.stage import CompactionStage
from penstock.routing.prompt_cache.stage import PromptCacheStage


@dataclass(frozen=True, slots=True)
class Shorteners:
    """The stages, each None where no model asks for it.  `close` once nothing enters any more."""

    compaction: CompactionStage | None
    prompt_cache: PromptCacheStage
    answer_length: AnswerLengthStage | None
    retained: Retained

    def close(self) -> None:
        if self.compaction is not None:
            self.compaction.close()


def needs_encoder(config: Config) -> bool:
    """Whether a model's prompts are to be judged by meaning: then `open_shorteners` must be given the encoder."""
    return any(model.compaction is not None and model.compaction.needs_encoder for model in config.models.values())


def open_shorteners(config: Config, counter: TokenCounter, clock: Clock, encoder: Model | None) -> Shorteners:
    """Raises `ConfigError` where a model's compaction asks for an encoder and there is none."""
    compacted = {name: model.compaction for name, model in config.models.items() if model.compaction is not None}
    for name, settings in compacted.items():
        if settings.needs_encoder and encoder is None:
            raise config.problem(
                f"models.{name}.compaction.encoder_tokens",
                "there is no encoder: build it with `penstock encoder build`, or set this to 0",
            )
    bounded = {name: model.answer_length for name, model in config.models.items() if model.answer_length is not None}
    retained = Retained(clock)
    read = None if encoder is None else partial(_sentence, encoder)
    return Shorteners(
        CompactionStage(compacted, Compactor(counter, read), retained, clock) if compacted else None,
        PromptCacheStage(
            frozenset(name for name, model in config.models.items() if model.prompt_caching == "off"), clock
        ),
        AnswerLengthStage(bounded, clock) if bounded else None,
        retained,
    )


def _sentence(encoder: Model, text: str) -> NDArray[np.float32]:
    return encoder.encode(text).sentence
