"""Names the period in which a moment lies.

Asked by the counters with the store's time, never the machine's: every process of a fleet names one period alike.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.admission.limits.limit import Period
from penstock.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to and without `end`, in Unix seconds."""

    start: float
    end: float

    @property
    def name(self) -> str:
        return str(int(self.start)) if self.end != float("inf") else "-"


ENDLESS = Window(0.0, float("inf"))
"""The window of what has no period: concurrency."""


def window_at(per: Period | None, now: float, zone: str = "UTC") -> Window:
    """The period of length `per` in which `now` lies.

    `zone` counts for a day and longer.  A day has 23 or 25 hours where the zone's clocks change; a midnight that is
    skipped is the moment at which they change.
    """
    match per:
        case None:
            return ENDLESS
        case "second" | "minute" | "hour":
            length = {"second": 1, "minute": 60, "hour": 3600}[per]
            start = now // length * length
            return Window(start, start + length)
        case _:
            tz = load_zone(zone)
            day = datetime.fromtimestamp(now, tz).date()
            return _calendar_window(per, day, zone)


@lru_cache(maxsize=256)
def load_zone(name: str) -> ZoneInfo:
    """The zone.  Raises `ConfigError` where there is none of the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"there is no time zone `{name}`") from None


@lru_cache(maxsize=4096)
def _calendar_window(per: Period, day: date, zone: str) -> Window:
    match per:
        case "week":
            first = day - timedelta(days=day.weekday())
            after = first + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
        case _:
            first, after = day, day + timedelta(days=1)
    tz = load_zone(zone)
    return Window(_midnight(first, tz), _midnight(after, tz))


def _midnight(day: date, tz: ZoneInfo) -> float:
    return datetime.combine(day, time(), tz).timestamp()
