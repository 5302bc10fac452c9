"""What a price is: rates per unit, in periods and tiers, and the arithmetic from a usage to nano-dollars.

All arithmetic is on integers.  Each exchange's cost is rounded once, half up, to a nano-dollar; sums over exchanges
are sums of these integers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

import msgspec

from penstock.core.usage import UNKNOWN_COST, Accuracy, Cost, NanoUsd, Usage


class Clause(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule that a model's name, in lower case, may meet."""

    kind: Literal["equals", "starts_with", "ends_with", "contains", "regex", "or", "and"]
    text: str = ""
    clauses: "tuple[Clause, ...]" = ()

    def is_match(self, model: str) -> bool:
        match self.kind:
            case "equals":
                return model == self.text
            case "starts_with":
                return model.startswith(self.text)
            case "ends_with":
                return model.endswith(self.text)
            case "contains":
                return self.text in model
            case "regex":
                return re.search(self.text, model) is not None
            case "or":
                return any(clause.is_match(model) for clause in self.clauses)
            case "and":
                return all(clause.is_match(model) for clause in self.clauses)


class Tier(msgspec.Struct, frozen=True):
    """`price` holds for all of a request whose whole input is longer than `above` tokens."""

    above: int
    price: Decimal


class Rate(msgspec.Struct, frozen=True, omit_defaults=True):
    """US dollars for `per` of `unit`."""

    unit: str
    per: int
    price: Decimal
    tiers: tuple[Tier, ...] = ()


class Period(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rates from a day on (its proleptic ordinal, UTC), or within hours of the day (seconds, UTC), or always."""

    rates: tuple[Rate, ...]
    from_day: int | None = None
    from_second: int | None = None
    to_second: int | None = None

    def is_active(self, moment: datetime) -> bool:
        if self.from_day is not None:
            return moment.date().toordinal() >= self.from_day
        if self.from_second is None or self.to_second is None:
            return True
        second = moment.hour * 3600 + moment.minute * 60 + moment.second
        if self.to_second < self.from_second:
            return second >= self.from_second or second < self.to_second
        return self.from_second <= second < self.to_second


class Model(msgspec.Struct, frozen=True):
    """Of `periods` the last active one holds; where none is active, the first."""

    id: str
    match: Clause
    periods: tuple[Period, ...]


class Provider(msgspec.Struct, frozen=True):
    """`fallback` names the providers whose models this one also sells."""

    fallback: tuple[str, ...]
    models: tuple[Model, ...]


_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cache_audio_read": (),
        "cache_write_1h": (),
        "cache_read": ("cache_audio_read",),
        "cache_write": ("cache_write_1h",),
        "input_audio": ("cache_audio_read",),
        "output_audio": (),
        "reasoning": (),
        "input": ("cache_read", "cache_write", "cache_write_1h", "input_audio", "cache_audio_read"),
        "output": ("output_audio", "reasoning"),
        "requests": (),
        "web_searches": (),
    }
)
"""The units, the narrower before the wider; what has a price of its own is not paid again in the wider unit."""

_NANO = 1_000_000_000
_TELLING_DIALECTS = frozenset({"anthropic", "bedrock"})
"""Whose own usage objects hold things with a price that the common counts do not."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A rate in integers: the `numerator` of its price over the sheet's denominator, by tier, highest tier first."""

    unit: str
    parts: tuple[str, ...]
    numerator: int
    tiers: tuple[tuple[int, int], ...]


class PriceSheet:
    """The rates of one model in one period, ready for use.  `is_empty` where the list knows the model but no price."""

    __slots__ = ("_denominator", "_plain", "_prices", "_steps")

    def __init__(self, rates: tuple[Rate, ...]) -> None:
        per_one = {rate.unit: rate for rate in rates}
        exponents = [0]
        for rate in rates:
            for price in (rate.price, *(tier.price for tier in rate.tiers)):
                exponent = price.normalize().as_tuple().exponent
                exponents.append(-exponent if isinstance(exponent, int) else 0)
        scale = 10 ** max(exponents)
        self._denominator = scale * 1_000_000
        self._prices = frozenset(per_one)

        def numerator(rate: Rate, price: Decimal) -> int:
            return int(price * scale) * (1_000_000 // rate.per) * _NANO

        self._steps = tuple(
            _Step(
                unit=unit,
                parts=tuple(part for part in parts if part in per_one),
                numerator=numerator(rate, rate.price),
                tiers=tuple((tier.above, numerator(rate, tier.price)) for tier in reversed(rate.tiers)),
            )
            for unit, parts in _PARTS.items()
            if (rate := per_one.get(unit)) is not None
        )
        self._plain = self._plain_numerators()

    def _plain_numerators(self) -> tuple[int, int, int] | None:
        """The prices of an input token, an output token and a request; None where they depend on the length."""
        steps = {step.unit: step for step in self._steps}
        if "input" not in steps or "output" not in steps or any(step.tiers for step in self._steps):
            return None
        request = steps.get("requests")
        return steps["input"].numerator, steps["output"].numerator, request.numerator if request is not None else 0

    @property
    def is_empty(self) -> bool:
        return not self._steps

    def cost(self, usage: Usage) -> Cost:
        """What `usage` costs; unknown where it holds tokens that have no price, or is itself unknown."""
        plain = self._plain
        if plain is not None and _is_plain(usage):
            total = usage.input_tokens * plain[0] + usage.output_tokens * plain[1] + plain[2]
            return Cost(NanoUsd((2 * total + self._denominator) // (2 * self._denominator)), usage.accuracy)
        if usage.accuracy == "unknown":
            return UNKNOWN_COST
        if usage.input_tokens > 0 and "input" not in self._prices:
            return UNKNOWN_COST
        if usage.output_tokens > 0 and "output" not in self._prices:
            return UNKNOWN_COST
        accuracy: Accuracy = usage.accuracy
        counts = _counts(usage)
        if counts["cache_audio_read"] != 0 and "cache_audio_read" in self._prices:
            # Both figures are known, but not how much of the audio was cached: the least there can be.
            accuracy = "estimated"
            counts["cache_audio_read"] = max(0, counts["cache_read"] + counts["input_audio"] - counts["input"])
        total, is_clamped = self._total(counts, usage.input_tokens)
        if is_clamped:
            # The provider's parts add up to more than its whole; nothing is ever refunded for that.
            accuracy = "estimated"
        return Cost(NanoUsd((2 * total + self._denominator) // (2 * self._denominator)), accuracy)

    def cost_of_many(self, summed: Usage, *, exchanges: int, longest: int) -> Fraction | None:
        """Nano-dollars of exchanges whose tokens add up to `summed`, not rounded; None where some have no price.

        The sum of their costs, as far as each was rounded by less than a nano-dollar: so only for exchanges for which
        the same tiers hold, of which `longest` is the longest input, and whose parts are within their whole.
        """
        if (summed.input_tokens and "input" not in self._prices) or (
            summed.output_tokens and "output" not in self._prices
        ):
            return None
        total, _ = self._total({**_counts(summed), "requests": exchanges}, longest)
        return Fraction(total, self._denominator)

    @property
    def lengths(self) -> frozenset[int]:
        """The lengths of an input above which others of its prices hold."""
        return frozenset(above for step in self._steps for above, _ in step.tiers)

    def _total(self, counts: Mapping[str, int], length: int) -> tuple[int, bool]:
        """The numerator over the denominator, and whether a part was more than what it is a part of."""
        total, is_clamped = 0, False
        own: dict[str, int] = {}
        for step in self._steps:
            count = counts[step.unit]
            for part in step.parts:
                count -= own[part]
            if count < 0:
                is_clamped, count = True, 0
            own[step.unit] = count
            numerator = step.numerator
            for above, tier_numerator in step.tiers:
                if length > above:
                    numerator = tier_numerator
                    break
            total += count * numerator
        return total, is_clamped


def _is_plain(usage: Usage) -> bool:
    """Whether every token is an ordinary one: most usages are, and their cost is one multiplication and one sum."""
    return (
        usage.accuracy != "unknown"
        and usage.input_tokens >= 0
        and usage.output_tokens >= 0
        and not usage.cache_read_tokens
        and not usage.cache_write_tokens
        and not usage.reasoning_tokens
        and not usage.input_audio_tokens
        and not usage.output_audio_tokens
        and usage.native_dialect not in _TELLING_DIALECTS
    )


def _counts(usage: Usage) -> dict[str, int]:
    both = usage.cache_read_tokens and usage.input_audio_tokens
    cache_write_1h, web_searches = _from_native(usage)
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_write": usage.cache_write_tokens,
        "cache_write_1h": cache_write_1h,
        "input_audio": usage.input_audio_tokens,
        "output_audio": usage.output_audio_tokens,
        "cache_audio_read": 1 if both else 0,
        "reasoning": usage.reasoning_tokens,
        "requests": 1,
        "web_searches": web_searches,
    }


def _from_native(usage: Usage) -> tuple[int, int]:
    """One-hour cache writes and web searches, which only Anthropic's and Bedrock's own usage objects tell."""
    native = usage.native
    if native is None:
        return 0, 0
    match usage.native_dialect, native:
        case "anthropic", {"cache_creation": {"ephemeral_1h_input_tokens": int(hour)}}:
            cache_write_1h = hour
        case "bedrock", {"cacheDetails": list(details)}:
            cache_write_1h = 0
            for detail in details:
                match detail:
                    case {"ttl": "1h", "inputTokens": int(tokens)}:
                        cache_write_1h += tokens
                    case _:
                        pass
        case _:
            cache_write_1h = 0
    match usage.native_dialect, native:
        case "anthropic", {"server_tool_use": {"web_search_requests": int(web_searches)}}:
            pass
        case _:
            web_searches = 0
    return min(cache_write_1h, usage.cache_write_tokens), web_searches
