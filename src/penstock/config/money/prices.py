"""Prices of the operator's own, with the days on which they hold, and what an answer is worth; as frozen values.

`app` hands the prices to `watch.prices`, and refuses those that no target could ever be called at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

import msgspec

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

_MOST_USD = Decimal(1_000_000)
_MOST_PLACES = 12
_AMOUNTS = (
    "input_usd_per_million",
    "output_usd_per_million",
    "cache_read_usd_per_million",
    "cache_write_usd_per_million",
    "reasoning_usd_per_million",
)


class PriceTier(msgspec.Struct, frozen=True, kw_only=True):
    """Holds for all of a request whose whole input is longer; what is left out costs as below it."""

    above_tokens: Annotated[int, msgspec.Meta(ge=1)]
    input_usd_per_million: Decimal | None = None
    output_usd_per_million: Decimal | None = None
    cache_read_usd_per_million: Decimal | None = None
    cache_write_usd_per_million: Decimal | None = None
    reasoning_usd_per_million: Decimal | None = None


class PriceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's model costs from `since` on and before `until` (days, UTC), in US dollars.

    `model` is the provider's own name, or `*`; with `region` it is for targets there alone, and comes before one
    without.  A cache or reasoning price left out is the input's or the output's.
    """

    provider: _Name
    model: _Name
    region: _Name | None = None
    since: date | None = None
    until: date | None = None
    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    cache_read_usd_per_million: Decimal | None = None
    cache_write_usd_per_million: Decimal | None = None
    reasoning_usd_per_million: Decimal | None = None
    usd_per_request: Decimal | None = None
    tiers: tuple[PriceTier, ...] = ()


class ValueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one interaction is worth that was resolved without a person, and what a person's handling of one costs."""

    usd_per_resolved: Decimal | None = None
    usd_per_handling: Decimal | None = None


def broken_amount(amount: Decimal | None) -> str | None:
    """What is wrong with an amount of money, if anything."""
    if amount is None:
        return None
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        return f"a price is a finite number, got {amount}"
    if amount < 0:
        return f"a price is not negative, got {amount}"
    if amount > _MOST_USD or -exponent > _MOST_PLACES:
        return f"a price is at most {_MOST_USD:,} with {_MOST_PLACES} places behind the point, got {amount}"
    return None


def broken_value(value: ValueSettings | None) -> Iterator[tuple[str, str]]:
    """Path below `value` and message of every rule that is broken.  Called by `rules`."""
    if value is None:
        return
    if value.usd_per_resolved is None and value.usd_per_handling is None:
        yield "value", "it names no amount, so that nothing could be told from it"
    for name in ("usd_per_resolved", "usd_per_handling"):
        problem = broken_amount(getattr(value, name))
        if problem is not None:
            yield f"value.{name}", problem


def broken_prices(prices: Sequence[PriceSettings]) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    sound: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for index, price in enumerate(prices):
        path = f"prices.{index}"
        yield from _amounts(path, price, (*_AMOUNTS, "usd_per_request"))
        yield from _tiers(path, price)
        if price.since is not None and price.until is not None and price.since >= price.until:
            yield f"{path}.until", f"it ends on {price.until} and begins on {price.since}: it would never hold"
        else:
            sound[price.provider, price.model, price.region].append(index)
    for indices in sound.values():
        yield from _days(prices, indices)


def _amounts(path: str, price: PriceSettings | PriceTier, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        problem = broken_amount(getattr(price, name))
        if problem is not None:
            yield f"{path}.{name}", problem


def _tiers(path: str, price: PriceSettings) -> Iterator[tuple[str, str]]:
    before = 0
    for place, tier in enumerate(price.tiers):
        at = f"{path}.tiers.{place}"
        yield from _amounts(at, tier, _AMOUNTS)
        if tier.above_tokens <= before:
            yield f"{at}.above_tokens", f"tiers go upwards: the one before begins above {before:,}"
        before = tier.above_tokens
        named = [name for name in _AMOUNTS if getattr(tier, name) is not None]
        if not named:
            yield at, "it names no price, so that it would change nothing"
        for name in named:
            if getattr(price, name) is None:
                yield f"{at}.{name}", "there is no such price below the tier: name it there too"


def _days(prices: Sequence[PriceSettings], indices: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Of one model's prices at any moment one holds at most, and between two of them one does."""
    ordered = sorted(indices, key=lambda index: prices[index].since or date.min)
    for earlier, later in pairwise(ordered):
        ends, begins = prices[earlier].until, prices[later].since
        if begins is None or ends is None or ends > begins:
            days = f"from {begins or 'the beginning'} on"
            yield f"prices.{later}", f"`prices.{earlier}` holds for the same model {days} too: only one can"
        elif ends < begins:
            text = f"from {ends} to {begins} neither this nor `prices.{earlier}` would hold: close the gap"
            yield f"prices.{later}.since", text
