"""The calendar of a forecast: which month, which of its days runs, and how much of that day's spend is behind it.

Days are those of the tenant's time zone: one has 23 or 25 hours where its clocks change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LEAST_SHARE = 0.5
"""Of the time of day, in a profile of hours: a night without spend must not make its first dollar a day's whole."""


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in a time zone."""

    first: date
    zone: ZoneInfo

    @property
    def after(self) -> date:
        """The first day of the next one."""
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def starts_at(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def ends_at(self) -> datetime:
        return midnight(self.after, self.zone)


def month_of(at: datetime, zone: ZoneInfo) -> Month:
    """The month in which a moment lies."""
    return Month(at.astimezone(zone).date().replace(day=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a day; where a clock skips it, the moment at which it changes."""
    return datetime.fromtimestamp(datetime.combine(day, time(), zone).timestamp(), zone)


def share_over(at: datetime, zone: ZoneInfo, hours: Sequence[int] | None = None) -> float:
    """How much of a usual day's spend lies before this time of day, from 0 to 1.

    `hours` is what was spent in each of the 24 hours of the local clock; without any spend, or without it, the share
    is that of the day's length, which is 23 or 25 hours where the clocks change.  A profile is mixed with an even
    day, half and half, so that a night in which nothing was spent is no proof that nothing ever will be.
    """
    local = at.astimezone(zone)
    starts = midnight(local.date(), zone).timestamp()
    ends = midnight(local.date() + timedelta(days=1), zone).timestamp()
    even = min(1.0, max(0.0, (at.timestamp() - starts) / (ends - starts)))
    whole = sum(hours) if hours is not None else 0
    if hours is None or whole <= 0:
        return even
    if len(hours) != 24:
        raise ValueError("a profile of the day has 24 hours")
    within = (local.minute * 60 + local.second) / 3600
    behind = sum(hours[: local.hour]) + hours[local.hour] * within
    return max(behind / whole, _LEAST_SHARE * even)
