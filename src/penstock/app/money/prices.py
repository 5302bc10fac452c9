"""The price book of an installation: the configuration's prices over the published list.

The data plane settles with it, `explain` and the admin API show it.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from penstock.config.datadir import DataDir
from penstock.config.money.prices import PriceSettings
from penstock.config.problems import closest, refuse
from penstock.config.rules import SIM_PROVIDER
from penstock.config.types import Config, ModelSettings, TargetSettings
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.ports import Provider
from penstock.watch.price_spans import TokenPrice, TokenTier
from penstock.watch.prices import ANY_MODEL, DatedPrice, PriceBook, ensure_table


def new_prices(config: Config, data_dir: DataDir, clock: Clock) -> PriceBook:
    """Raises `ConfigError` where the published list cannot be compiled."""
    overrides = {
        (provider, model): TokenPrice(
            price.input_usd_per_million,
            price.output_usd_per_million,
            price.cache_read_usd_per_million,
            price.cache_write_usd_per_million,
        )
        for provider, settings in config.providers.items()
        for model, price in settings.prices.items()
    }
    names = {name: settings.vendor for name, settings in config.providers.items()}
    dated = [_dated(each) for each in config.prices]
    return PriceBook(ensure_table(data_dir.root), clock=clock, overrides=overrides, dated=dated, vendors=names)


def open_prices(config: Config, data_dir: DataDir, clock: Clock, providers: Iterable[Provider]) -> PriceBook:
    """As `new_prices`, where only these providers can be called.

    Raises `InvalidConfig` for prices that no call could have: most likely a name is not spelt as it should be.
    """
    book = new_prices(config, data_dir, clock)
    refuse(_useless(config, [provider.name for provider in providers], book))
    return book


def check_prices(config: Config, clock: Clock, providers: Iterable[Provider]) -> None:
    """Raise what `open_prices` would, where nothing may be written: a second, if there is anything to check."""
    if config.prices:
        with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
            open_prices(config, DataDir(Path(folder)), clock, providers)


def _useless(config: Config, providers: Sequence[str], book: PriceBook) -> Iterator[ConfigError]:
    targets = [target for model in config.models.values() for target in _targets(model)]
    for index, price in enumerate(config.prices):
        path = f"prices.{index}"
        of_provider = [each for each in targets if each.provider == price.provider]
        if price.provider not in providers:
            near = closest(price.provider, providers)
            yield config.problem(f"{path}.provider", f"there is no provider `{price.provider}`", did_you_mean=near)
            continue
        models = {each.model for each in of_provider}
        takes_any = price.model == ANY_MODEL or price.provider == SIM_PROVIDER
        if not takes_any and price.model not in models and not book.is_listed(price.provider, price.model):
            text = f"no target of `{price.provider}` and no price list has a model `{price.model}`"
            yield config.problem(f"{path}.model", text, did_you_mean=closest(price.model, models))
        regions = {each.region for each in of_provider if each.region is not None}
        if price.region is not None and price.region not in regions:
            near = closest(price.region, regions)
            text = f"no target of `{price.provider}` is in a region `{price.region}`"
            yield config.problem(f"{path}.region", text, did_you_mean=near)


def _targets(model: ModelSettings) -> Iterable[TargetSettings]:
    yield from model.targets
    for tier in model.tiers.values():
        yield from tier
    for fallback in model.fallbacks:
        yield from fallback.targets


def _dated(settings: PriceSettings) -> DatedPrice:
    price = TokenPrice(
        settings.input_usd_per_million,
        settings.output_usd_per_million,
        settings.cache_read_usd_per_million,
        settings.cache_write_usd_per_million,
        settings.reasoning_usd_per_million,
        settings.usd_per_request,
        tuple(
            TokenTier(
                tier.above_tokens,
                tier.input_usd_per_million,
                tier.output_usd_per_million,
                tier.cache_read_usd_per_million,
                tier.cache_write_usd_per_million,
                tier.reasoning_usd_per_million,
            )
            for tier in settings.tiers
        ),
    )
    return DatedPrice(
        provider=settings.provider,
        model=settings.model,
        price=price,
        region=settings.region,
        since=settings.since,
        until=settings.until,
    )
