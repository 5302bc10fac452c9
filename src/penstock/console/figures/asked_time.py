"""The time that a question is about: its bounds, and whose days and months its steps are."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from penstock.config.limits import is_zone
from penstock.core.errors import MalformedRequest

DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=800)
Value = Annotated[str | None, Field(max_length=300, pattern=r"^[^\x00]*$")]
"""One of a dimension's, as a filter."""


class AskedTime(BaseModel):
    """Without `until` it ends now."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[datetime | None, Field(description="Inclusive; ISO 8601, UTC without a zone.")] = None
    until: Annotated[datetime | None, Field(description="Exclusive.")] = None
    zone: Annotated[str, Field(max_length=60, description="Whose days and months: Europe/Berlin.")] = "UTC"

    def bounds(self, now: datetime, usual: timedelta) -> tuple[datetime, datetime]:
        """So long as `usual` where no beginning is given.  Raises `MalformedRequest`."""
        until = _utc(self.until) or now
        since = _utc(self.since) or until - usual
        if until <= since:
            raise MalformedRequest("`until` is not after `since`.", field="until")
        if until - since > _LONGEST:
            raise MalformedRequest(f"Ask for {_LONGEST.days} days at most.", field="since")
        return since, until

    def days_of(self) -> ZoneInfo:
        """Raises `MalformedRequest`."""
        if not is_zone(self.zone):
            raise MalformedRequest(f"There is no time zone {self.zone!r}.", field="zone")
        return ZoneInfo(self.zone)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
