"""Due times that count only while people work."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from penstock.config.review import HoursSettings

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_DAYS = 3660


def due_at(now: float, seconds: float, hours: HoursSettings | None) -> float:
    """When `seconds` will have passed, within the hours where there are some.  Unix seconds.

    An hour that a change of clocks leaves out or repeats is counted as it passes.
    """
    if hours is None:
        return now + seconds
    day = datetime.fromtimestamp(now, ZoneInfo(hours.time_zone)).date()
    left = seconds
    for _ in range(_MOST_DAYS):
        begins, ends = _open(day, hours)
        begins = max(begins, now)
        if begins < ends:
            if left <= ends - begins:
                return begins + left
            left -= ends - begins
        day += timedelta(days=1)
    return now + seconds  # more than ten years of work: nobody waits for that


def _open(day: date, hours: HoursSettings) -> tuple[float, float]:
    if _DAYS[day.weekday()] not in hours.days:
        return 0.0, 0.0
    return _moment(day, hours.opens, hours.time_zone), _moment(day, hours.closes, hours.time_zone)


def _moment(day: date, clock: str, zone: str) -> float:
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC).timestamp()
