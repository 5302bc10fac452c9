"""Quality of answers, put together from the configuration: None where no answer is looked at."""

from collections.abc import Mapping
from decimal import Decimal

from penstock.app.quality.words import words_of
from penstock.config.datadir import DataDir
from penstock.config.quality import QualityPolicy, is_watched, quality_of
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.watch.contents.sealing import Sealed
from penstock.watch.quality.checks import Checks
from penstock.watch.quality.judging import Judging
from penstock.watch.quality.looking import Looking

_NANO = Decimal(1_000_000_000)


def open_looking(config: Config, sealed: Sealed, clock: Clock) -> Looking | None:
    """Raises `ConfigError` where a check cannot be made here."""
    models = {name: model.quality for name, model in config.models.items()}
    if not is_watched(config.quality, models):
        return None

    def policy_of(assistant: str) -> QualityPolicy:
        return quality_of(config.quality, models.get(assistant))

    return Looking(sealed, Checks(words_of(config)), policy_of, clock)


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
