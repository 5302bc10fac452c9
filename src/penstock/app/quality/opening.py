"""Quality of answers, put together from the configuration: None where no answer is looked at."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import structlog

from penstock.app.encoder import load_encoder
from penstock.app.quality.words import words_of
from penstock.config.datadir import DataDir
from penstock.config.quality import QualityPolicy, is_watched, quality_of
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.watch.contents.sealing import Sealed
from penstock.watch.drift.looked import Traits
from penstock.watch.drift.topics import Topics
from penstock.watch.quality.checks import Checks
from penstock.watch.quality.judging import Judging
from penstock.watch.quality.looking import Looking

if TYPE_CHECKING:
    from penstock.encoder.model import Model, Vector

_NANO = Decimal(1_000_000_000)
_log = structlog.get_logger(__name__)


def open_looking(config: Config, sealed: Sealed, clock: Clock) -> Looking | None:
    """Raises `ConfigError` where a check cannot be made here."""
    models = {name: model.quality for name, model in config.models.items()}
    if not is_watched(config.quality, models):
        return None

    def policy_of(assistant: str) -> QualityPolicy:
        return quality_of(config.quality, models.get(assistant))

    return Looking(sealed, Checks(words_of(config)), policy_of, clock, _traits(config, sealed, clock))


def _traits(config: Config, sealed: Sealed, clock: Clock) -> Traits | None:
    """What answers are watched for, where drift is."""
    drift = config.drift
    if not drift.enabled:
        return None
    topics = Topics(sealed, _Reading(config), clock) if "topics" in drift.features else None
    return Traits(drift.features, None if topics is None else topics.nearness)


class _Reading:
    """A `watch.drift.topics.Reader` by the encoder, which is loaded with the first text.

    Where it cannot be, that is logged once, and questions are not read.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._model: Model | None = None
        self._is_tried = False

    def __call__(self, text: str) -> "Vector | None":
        if not self._is_tried:
            self._is_tried = True
            try:
                self._model = load_encoder(self._config).model
            except ConfigError as error:
                _log.warning("topics_not_watched", reason=error.message)
        if self._model is None:
            return None
        try:
            return self._model.encode(text).sentence
        except Exception:  # noqa: BLE001 - boundary: a background job; one question must not keep all others waiting
            _log.exception("question_not_read")
            return None


def open_judging(
    config: Config, environ: Mapping[str, str], data_dir: DataDir, clock: Clock, looking: Looking | None
) -> Judging | None:
    """Raises `ConfigError` where the judge's price is not known, or a provider cannot be made."""
    settings = config.quality.judge
    if settings is None or looking is None:
        return None
    # Imported here: they bring every provider, and most control planes judge nothing.
    from penstock.app.money.prices import new_prices  # noqa: PLC0415 - see above
    from penstock.app.quality.court import DataPlaneCourt  # noqa: PLC0415 - see above
    from penstock.app.upstreams import connect, new_catalog  # noqa: PLC0415 - see above

    targets = new_catalog(config, connect(config, environ, clock)).targets(settings.model)
    court = DataPlaneCourt(config, settings, targets, new_prices(config, data_dir, clock), clock)
    return Judging(court, looking.open, clock, budget_nanousd=int(settings.budget_usd * _NANO))
