"""What a question of quality is made of: times, steps, groups and filters, within what the caller may see."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from penstock.console.access import Call
from penstock.console.figures.asked_time import DAY, AskedTime, Value
from penstock.core.errors import MalformedRequest
from penstock.watch.quality.figures import DIMENSIONS, Asked, Dimension, Step

_HOUR = timedelta(hours=1)
_MOST_STEPS = 2_000
_STEPS = {"hour": _HOUR, "day": DAY, "month": 28 * DAY}


class AskedTimes(AskedTime):
    """Without times it is about the last seven days; what is asked about is widened to whole hours (UTC)."""

    def question(self, call: Call, *, days: int = 7) -> Asked:
        """Raises `MalformedRequest`."""
        since, until = self.bounds(call.now, days * DAY)
        first, last = _whole_hour(since), _whole_hour(until)
        zone = self.days_of()
        return Asked(since=first, until=last if last == until else last + _HOUR, filters={}, zone=zone)


class AskedQuality(AskedTimes):
    step: Annotated[Step | None, Field(description="A line for each; absent, one for the whole range.")] = None
    by: Annotated[list[Dimension], Field(default=[], max_length=4, description="A line for each value.")]
    tenant: Value = None
    assistant: Value = None
    release: Value = None
    target: Value = None

    def question(self, call: Call, *, days: int = 7) -> Asked:
        """Raises `MalformedRequest` and `UnknownTenant`."""
        since, until = self.bounds(call.now, days * DAY)
        if self.step is not None and (until - since) / _STEPS[self.step] > _MOST_STEPS:
            raise MalformedRequest(f"That would be more than {_MOST_STEPS} steps: take longer ones.", field="step")
        given = {name: getattr(self, name) for name in DIMENSIONS} | {"tenant": call.narrowed(self.tenant)}
        first = _whole_hour(since)
        last = _whole_hour(until)
        return Asked(
            since=first,
            until=last if last == until else last + _HOUR,
            by=tuple(dict.fromkeys(self.by)),
            filters={name: value for name in DIMENSIONS if (value := given[name]) is not None},
            step=self.step,
            zone=self.days_of(),
        )


def _whole_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
