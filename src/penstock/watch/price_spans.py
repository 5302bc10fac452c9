"""When which price of a target holds: the operator's own by day, then the price list's by its own dates and hours.

What decides is when an exchange began, so that a price that changes during an answer changes nothing of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from penstock.watch.price_rules import Period, PriceSheet, Rate, Tier

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenTier:
    """Prices for all of a request whose whole input is longer than `above` tokens; one left out is the one below."""

    above: int
    input_usd_per_million: Decimal | None = None
    output_usd_per_million: Decimal | None = None
    cache_read_usd_per_million: Decimal | None = None
    cache_write_usd_per_million: Decimal | None = None
    reasoning_usd_per_million: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """An operator's own price, in US dollars a million tokens.

    A cache price left out is the input price, a reasoning price the output's.  `tiers` go upwards.
    """

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    cache_read_usd_per_million: Decimal | None = None
    cache_write_usd_per_million: Decimal | None = None
    reasoning_usd_per_million: Decimal | None = None
    usd_per_request: Decimal | None = None
    tiers: tuple[TokenTier, ...] = ()

    def rates(self) -> tuple[Rate, ...]:
        found: list[Rate] = []
        for unit in ("input", "output", "cache_read", "cache_write", "reasoning"):
            name = f"{unit}_usd_per_million"
            price: Decimal | None = getattr(self, name)
            if price is None:
                continue
            steps: list[Tier] = []
            reached = price
            for tier in self.tiers:
                own: Decimal | None = getattr(tier, name)
                reached = reached if own is None else own
                steps.append(Tier(tier.above, reached))
            found.append(Rate(unit, _MILLION, price, tuple(steps)))
        if self.usd_per_request is not None:
            found.append(Rate("requests", 1, self.usd_per_request))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Span:
    """Rates of the operator's own from `since` on and before `until`: days, UTC."""

    rates: tuple[Rate, ...]
    sheet: PriceSheet
    source: str
    since: date | None = None
    until: date | None = None

    def is_active(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Listed:
    """One period of the price list."""

    period: Period
    sheet: PriceSheet


Levels: TypeAlias = Sequence[Sequence[Span]]
"""The narrower first; within one level at most one holds on any day."""


@dataclass(frozen=True, slots=True)
class Applied:
    """Rates from `since` on (None: since ever) and before `until` (None: for good).

    With `hours` only within these seconds of each UTC day.  Without rates nobody knows the price.
    """

    source: str
    since: date | None
    until: date | None
    rates: tuple[Rate, ...]
    hours: tuple[int, int] | None = None


class Schedule:
    """The prices of one target.  `at` is asked for each exchange."""

    __slots__ = ("_constant", "_levels", "_listed", "_source")

    def __init__(self, levels: Levels, listed: Sequence[Listed], source: str) -> None:
        self._levels = tuple(tuple(level) for level in levels if level)
        self._listed = tuple(listed)
        self._source = source
        self._constant = self._always()

    def _always(self) -> PriceSheet | None:
        """The one that holds whenever it is, where there is one."""
        first = self._levels[0] if self._levels else ()
        if len(first) == 1 and first[0].since is None and first[0].until is None:
            return first[0].sheet
        return self._listed[0].sheet if not first and len(self._listed) == 1 else None

    def at(self, moment_s: float) -> PriceSheet | None:
        """The sheet that holds at a Unix time; None where nobody knows a price."""
        if self._constant is not None:
            return self._constant
        moment = datetime.fromtimestamp(moment_s, UTC)
        own = self._own(moment.date())
        if own is not None:
            return own.sheet
        found = self._of_list(moment)
        return None if found is None else found.sheet

    def timeline(self, since: date) -> tuple[Applied, ...]:
        """What holds on this day, and everything that will, in order."""
        found: list[Applied] = []
        days = sorted(set(self._days()))
        for begins, until in zip([None, *days], [*days, None], strict=True):
            for each in self._applied(begins or date.min):
                last = found[-1] if found else None
                if last is not None and last.until == begins and (last.source, last.rates, last.hours) == each:
                    found[-1] = Applied(last.source, last.since, until, last.rates, last.hours)
                else:
                    source, rates, hours = each
                    found.append(Applied(source, begins, until, rates, hours))
        return tuple(each for each in found if each.until is None or each.until > since)

    @property
    def lengths(self) -> frozenset[int]:
        """The lengths of an input above which others of its prices hold, at any time."""
        sheets = [span.sheet for level in self._levels for span in level] + [each.sheet for each in self._listed]
        return frozenset(length for sheet in sheets for length in sheet.lengths)

    def cuts(self, since: datetime, until: datetime) -> tuple[datetime, ...]:
        """The moments within the two at which another price may begin to hold, in order."""
        if self._constant is not None:
            return ()
        found = {datetime.combine(day, time(), UTC) for day in self._days()}
        seconds = {
            second
            for each in self._listed
            for second in (each.period.from_second, each.period.to_second)
            if second is not None
        }
        day = since.date()
        while seconds and day <= until.date():
            found |= {datetime.combine(day, time(), UTC) + timedelta(seconds=second) for second in seconds}
            day += timedelta(days=1)
        return tuple(sorted(each for each in found if since < each < until))

    def _own(self, day: date) -> Span | None:
        for level in self._levels:
            for span in level:
                if span.is_active(day):
                    return span
        return None

    def _of_list(self, moment: datetime) -> Listed | None:
        """The last active one holds; where none is, the first."""
        for each in reversed(self._listed):
            if each.period.is_active(moment):
                return each
        return self._listed[0] if self._listed else None

    def _days(self) -> Iterator[date]:
        for level in self._levels:
            for span in level:
                yield from (day for day in (span.since, span.until) if day is not None)
        for each in self._listed:
            if each.period.from_day is not None:
                yield date.fromordinal(each.period.from_day)

    def _applied(self, day: date) -> Iterator[tuple[str, tuple[Rate, ...], tuple[int, int] | None]]:
        """Source, rates and hours of what holds on a day at which nothing changes but by the hour."""
        own = self._own(day)
        if own is not None:
            yield own.source, own.rates, None
        elif all(each.period.from_second is None for each in self._listed):
            found = self._of_list(datetime.combine(day, time(), UTC))
            yield self._source, () if found is None else found.period.rates, None
        else:
            for period in (each.period for each in self._listed):
                has_hours = period.from_second is not None and period.to_second is not None
                hours = (period.from_second or 0, period.to_second or 0) if has_hours else None
                yield self._source, period.rates, hours
