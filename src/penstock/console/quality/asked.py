"""What a question of quality is made of: times, steps, groups and filters, within what the caller may see."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from penstock.config.limits import is_zone
from penstock.console.access import Call
from penstock.core.errors import MalformedRequest
from penstock.watch.quality.figures import DIMENSIONS, Asked, Dimension, Step

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=800)
_MOST_STEPS = 2_000
_STEPS = {"hour": _HOUR, "day": _DAY, "month": 28 * _DAY}
_Value = Annotated[str | None, Field(max_length=300, pattern=r"^[^\x00]*$")]


class AskedTimes(BaseModel):
    """Without times it is about the last seven days; what is asked about is widened to whole hours (UTC)."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[datetime | None, Field(description="Inclusive; ISO 8601, UTC without a zone.")] = None
    until: Annotated[datetime | None, Field(description="Exclusive.")] = None

    def question(self, call: Call, *, days: int = 7) -> Asked:
        """Raises `MalformedRequest`."""
        since, until = self._times(call, days)
        first, last = _whole_hour(since), _whole_hour(until)
        return Asked(since=first, until=last if last == until else last + _HOUR, filters={}, zone=ZoneInfo("UTC"))

    def _times(self, call: Call, days: int) -> tuple[datetime, datetime]:
        until = _utc(self.until) or call.now
        since = _utc(self.since) or until - days * _DAY
        if until <= since:
            raise MalformedRequest("`until` is not after `since`.", field="until")
        if until - since > _LONGEST:
            raise MalformedRequest("Ask for 800 days at most.", field="since")
        return since, until


class AskedQuality(AskedTimes):
    step: Annotated[Step | None, Field(description="A line for each; absent, one for the whole range.")] = None
    zone: Annotated[str, Field(max_length=60, description="Whose days and months: Europe/Berlin.")] = "UTC"
    by: Annotated[list[Dimension], Field(max_length=4, description="A line for each value.")] = []
    tenant: _Value = None
    assistant: _Value = None
    release: _Value = None
    target: _Value = None

    def question(self, call: Call, *, days: int = 7) -> Asked:
        """Raises `MalformedRequest` and `UnknownTenant`."""
        if not is_zone(self.zone):
            raise MalformedRequest(f"There is no time zone {self.zone!r}.", field="zone")
        since, until = self._times(call, days)
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
            zone=ZoneInfo(self.zone),
        )


def _whole_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
