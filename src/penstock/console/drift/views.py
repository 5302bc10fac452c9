"""What the admin API shows of drift."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from penstock.watch.drift.checking import sentence
from penstock.watch.drift.store import HOUR_S
from penstock.watch.drift.tally import Kind
from penstock.watch.drift.watching import Finding

Verdict = Literal["changed", "unchanged", "too_little"]


class FeatureView(BaseModel):
    """One feature of one assistant in the last hours: a share, or a typical amount (the geometric mean)."""

    assistant: str
    feature: str
    hours: int = Field(description="How long the window is: a week, or a day.")
    exchanges: int
    before: list[float | None] = Field(description="The same of the windows before, the oldest first; null: nothing.")
    reference: float | None = Field(description="What was to be expected; null where there is too little.")
    current: float | None
    change: float | None
    low: float | None = Field(description="The change lies between these with 95 %.")
    high: float | None
    alert_below: float | None = Field(description="A window below this is told of; null: none would be.")
    alert_above: float | None = Field(description="The same above this.")
    verdict: Verdict


class FindingView(BaseModel):
    """A change that was told once."""

    assistant: str
    feature: str
    measure: str
    found_at: datetime
    since: datetime
    window_h: int
    exchanges: int
    reference: float
    current: float
    low: float = Field(description="The change lies between these with 95 %.")
    high: float
    false_alarms: float = Field(description="How many as sure as this a week without any change would bring, in all.")
    text: str


class DriftView(BaseModel):
    as_of: datetime
    is_watched: bool = Field(description="Whether `drift.enabled` is set.")
    features: list[FeatureView]
    findings: list[FindingView] = Field(description="The newest first.")


class ToldView(FindingView):
    alert: str | None = Field(description="The alert that told of it, while that is kept.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class FindingsView(BaseModel):
    """The findings, and how it is watched."""

    as_of: datetime
    is_watched: bool = Field(description="Whether `drift.enabled` is set.")
    assistants: list[str] = Field(description="That were asked in the last week.")
    features: list[str]
    seen: list[str] = Field(description="Those of them of which there was any lately: nothing can be told of the rest.")
    reference_weeks: int
    min_exchanges: int = Field(description="A window with fewer is not judged.")
    false_alarms_a_week: float = Field(description="Allowed, over all that is watched.")
    first_hour: datetime | None = Field(description="The oldest that was summed up; null where nothing was asked yet.")
    first_finding: datetime | None = Field(description="Before that there is too little to compare with.")
    findings: list[ToldView] = Field(description="The newest first.")


class SideView(BaseModel):
    since: datetime
    until: datetime
    exchanges: int
    value: float | None


class DayView(BaseModel):
    at: datetime
    exchanges: int
    value: float | None


class BinView(BaseModel):
    """Values from `low` up to `high` (null: no end), and the shares of both sides that lie there.

    Of a tone it is a sign, by its `name`, and the shares of both sides' answers that have it.
    """

    name: str | None = None
    low: float
    high: float | None
    before: float
    after: float


class CourseView(BaseModel):
    """One feature of one assistant by the day (UTC), and how it lay before and after a time."""

    as_of: datetime
    assistant: str
    feature: str
    kind: Kind = Field(description="A `share`'s value is the mean; an `amount`'s and a `length`'s the geometric mean.")
    at: datetime = Field(description="What parts before from after.")
    days: list[DayView]
    before: SideView
    after: SideView
    shape_of: Literal["exchanges", "hours"] = Field(description="What is counted; hours count as their exchanges do.")
    shape: list[BinView]
    findings: list[FindingView] = Field(description="Of this feature, the newest first.")


def time_of(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_S, UTC)


def finding_view(assistant: str, finding: Finding) -> FindingView:
    return FindingView(
        assistant=assistant,
        feature=finding.feature,
        measure=finding.measure,
        found_at=time_of(finding.found),
        since=time_of(finding.since),
        window_h=finding.span_h,
        exchanges=finding.count,
        reference=finding.reference,
        current=finding.current,
        low=finding.low,
        high=finding.high,
        false_alarms=finding.false_alarms,
        text=sentence(assistant, finding),
    )
