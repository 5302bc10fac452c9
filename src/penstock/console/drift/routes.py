"""`/admin/v1/drift`: what assistants' exchanges are like, against the weeks before, and what has changed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from psycopg.rows import dict_row
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, errors, needs
from penstock.core.errors import Forbidden
from penstock.watch.drift import store
from penstock.watch.drift.checking import SETTLE_S, sentence, watch_of
from penstock.watch.drift.compare import WEEK_H
from penstock.watch.drift.tally import Sums
from penstock.watch.drift.watching import Finding, Look, Watch, looks

router = APIRouter(prefix="/drift", tags=["ledger"])

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Verdict = Literal["changed", "unchanged", "too_little"]


class FeatureView(BaseModel):
    """One feature of one assistant in the last hours: a share, or a typical amount (the geometric mean)."""

    assistant: str
    feature: str
    hours: int = Field(description="How long the window is: a week, or a day.")
    exchanges: int
    reference: float | None = Field(description="What was to be expected; null where there is too little.")
    current: float | None
    change: float | None
    low: float | None = Field(description="The change lies between these with 95 %.")
    high: float | None
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """As of which hour it is shown, how it is watched, and what was found of the assistant."""

    hour: int
    watch: Watch
    findings: Sequence[Finding]


@router.get("", openapi_extra=needs("ledger.read"), responses=errors(403))
async def drift(
    plane: Plane,
    call: Caller,
    assistant: Asked = None,
    days: Annotated[int, Query(ge=1, le=400, description="How far back findings are shown.")] = 56,
) -> DriftView:
    """The last week and the last day of every assistant, against the weeks before them.

    An assistant serves all tenants, so this is for callers who see all of them.
    """
    if call.scope is not None:
        raise Forbidden("Drift is of assistants, over all tenants: it is shown to who may see all of them.")
    settings = plane.config.drift
    hour = int((plane.clock.now() - SETTLE_S) // store.HOUR_S)
    begin = hour - (settings.reference_weeks + 1) * WEEK_H
    async with plane.database.connection() as connection:
        found = await connection.execute(store.ASSISTANTS, [hour - WEEK_H, hour])
        names = [row[0] for row in await found.fetchall()]
        shown = [name for name in names if assistant in (None, name)]
        rows = {name: await (await connection.execute(store.HOURS, [name, begin, hour])).fetchall() for name in shown}
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(store.FINDINGS, [min(begin, hour - days * 24)])
            findings = [store.finding_of(row) for row in await cursor.fetchall()]
    watch = watch_of(settings, len(names))
    views: list[FeatureView] = []
    for name in shown:
        own = [each for of, each in findings if of == name]
        # Some tens of milliseconds each: the event loop serves others meanwhile.
        views += await asyncio.to_thread(_features, name, rows[name], settings.features, _Seen(hour, watch, own))
    return DriftView(
        as_of=_time(hour),
        is_watched=settings.enabled,
        features=views,
        findings=[
            _finding(of, each) for of, each in findings if assistant in (None, of) and each.found > hour - days * 24
        ],
    )


def _features(assistant: str, rows: Sequence[tuple[int, str]], wanted: Sequence[str], seen: _Seen) -> list[FeatureView]:
    hours = store.features_of(rows)
    return [
        each for feature in wanted if feature in hours for each in _of_feature(assistant, feature, hours[feature], seen)
    ]


def _of_feature(assistant: str, feature: str, sums: Mapping[int, Sums], seen: _Seen) -> list[FeatureView]:
    main = store.series_of(feature, sums)[:1]
    # Against all of the reference, whatever was found in it: a finding is a change that people may well look at again.
    by_span = {each.span.hours: each for each, _ in looks(main, seen.hour, (), seen.watch, every_span=True)}
    found: list[FeatureView] = []
    for window in (WEEK_H, 24):
        view = _feature(assistant, feature, window, round(main[0][1].over(seen.hour - window, seen.hour).count))
        there = by_span.get(window)
        is_changed = any(each.feature == feature and each.since > seen.hour - window for each in seen.findings)
        found.append(_compared(view, there, is_changed=is_changed or (there is not None and there.is_off)))
    return found


def _feature(assistant: str, feature: str, window: int, count: int) -> FeatureView:
    """One of which nothing can be said yet."""
    return FeatureView(
        assistant=assistant,
        feature=feature,
        hours=window,
        exchanges=count,
        reference=None,
        current=None,
        change=None,
        low=None,
        high=None,
        verdict="too_little",
    )


def _compared(view: FeatureView, there: Look | None, *, is_changed: bool) -> FeatureView:
    verdict: Verdict = "changed" if is_changed else "too_little" if there is None else "unchanged"
    told: dict[str, object] = {"verdict": verdict}
    if there is not None:
        reference, current = there.comparison.values
        low, high = there.comparison.plain_interval()
        told |= {"reference": reference, "current": current, "change": current - reference, "low": low, "high": high}
    return view.model_copy(update=told)


def _finding(assistant: str, finding: Finding) -> FindingView:
    return FindingView(
        assistant=assistant,
        feature=finding.feature,
        measure=finding.measure,
        found_at=_time(finding.found),
        since=_time(finding.since),
        window_h=finding.span_h,
        exchanges=finding.count,
        reference=finding.reference,
        current=finding.current,
        low=finding.low,
        high=finding.high,
        false_alarms=finding.false_alarms,
        text=sentence(assistant, finding),
    )


def _time(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * store.HOUR_S, UTC)
