"""What somebody wants to know: which exchanges, of what time, by what, and in which steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from penstock.core.errors import MalformedRequest
from penstock.watch.figures.sums import Times
from penstock.watch.rollups.views import GRAINS, Dimension, Grain, View, view_for

Step: TypeAlias = Literal["minute", "hour", "day", "month"]
_MINUTES_FOR: Final = timedelta(hours=6)
"""Shorter ranges are read by the minute: an hour that has begun would say nothing of its beginning."""
_UTC: Final = ZoneInfo("UTC")
_MOST_STEPS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`since` (inclusive) to `until` (exclusive), grouped by dimensions and, with `step`, by time in `zone`.

    `filters` are values of dimensions, all of which an exchange must have; `""` is for one that has none.  `times` are
    those whose percentiles are asked for too, and `sums` the names of those that are read, besides the exchanges; all,
    where it is None.  The times are those of whole minutes or hours: `aligned` says which.
    """

    since: datetime
    until: datetime
    by: tuple[Dimension, ...] = ()
    filters: Mapping[Dimension, str] = field(default_factory=dict[Dimension, str])
    step: Step | None = None
    zone: ZoneInfo = _UTC
    times: frozenset[Times] = frozenset()
    sums: frozenset[str] | None = None

    @property
    def grain(self) -> Grain:
        """Minutes for what is short, or asked for by the minute, or in a zone that is off by parts of an hour."""
        if self.step == "minute" or self.until - self.since <= _MINUTES_FOR:
            return "minute"
        if self.step in {"day", "month"} and _is_off(self.zone, self.since, self.until):
            return "minute"
        return "hour"

    @property
    def view(self) -> View:
        """Where it is read from.  Raises `MalformedRequest` where no sums are kept by all of these dimensions."""
        view = view_for({*self.by, *self.filters, "outcome"}, self.grain, times=bool(self.times))
        if view is None:
            words = " and ".join(sorted({*self.by, *self.filters}))
            what = "percentiles" if self.times else "sums"
            raise MalformedRequest(f"No {what} are kept by {words} together: ask by fewer.", field="by")
        return view

    def aligned(self) -> "tuple[datetime, datetime]":
        """The times that are really told of: the beginning of the first minute or hour, and the end of the last.

        Raises `MalformedRequest` where nothing lies between, or there would be too many steps.
        """
        if self.until <= self.since:
            raise MalformedRequest("`until` is not after `since`.", field="until")
        length = timedelta(seconds=GRAINS[self.grain])
        since = _floor(self.since, length)
        until = _floor(self.until, length)
        if until < self.until:
            until += length
        step = {"minute": 60, "hour": 3600, "day": 86_400, "month": 28 * 86_400}.get(self.step or "", 0)
        if step and (until - since).total_seconds() / step > _MOST_STEPS:
            raise MalformedRequest(f"That would be more than {_MOST_STEPS} steps: take longer ones.", field="step")
        return since, until


def _floor(at: datetime, length: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return at - (at - epoch) % length


def _is_off(zone: ZoneInfo, since: datetime, until: datetime) -> bool:
    """Whether its days begin, by UTC, within an hour."""
    offsets = (at.astimezone(zone).utcoffset() for at in (since, until))
    return any(offset is not None and offset % timedelta(hours=1) for offset in offsets)
