"""`/admin/v1/drift`: what assistants' exchanges are like, against the weeks before, and what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Query
from psycopg.rows import dict_row

from penstock.console.access import Plane, admin_router, errors, needs
from penstock.console.drift.views import DriftView, FeatureView, Verdict, finding_view, time_of
from penstock.console.plane import ControlPlane
from penstock.watch.drift import store
from penstock.watch.drift.checking import SETTLE_S, watch_of
from penstock.watch.drift.compare import DAY_H, WEEK_H
from penstock.watch.drift.course import value_of
from penstock.watch.drift.series import Piece, Series
from penstock.watch.drift.tally import Measure, Sums, measures_of
from penstock.watch.drift.watching import Finding, Look, Watch, looks

router = admin_router("/drift", "ledger")

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
_BEFORE = 8
"""So many windows before the last are shown."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """As of which hour it is shown, how it is watched, and what was found of the assistant."""

    hour: int
    watch: Watch
    findings: Sequence[Finding]


@router.get("", openapi_extra=needs("drift.read"), responses=errors(403))
async def drift(
    plane: Plane,
    assistant: Asked = None,
    days: Annotated[int, Query(ge=1, le=400, description="How far back findings are shown.")] = 56,
) -> DriftView:
    """The last week and the last day of every assistant, against the weeks before them.

    An assistant serves all tenants, so that only who sees all of them may ask this.
    """
    settings = plane.config.drift
    hour = as_of(plane)
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
        seen = _Seen(hour, watch, own)
        mark = (seen, settings.features, hash(tuple(rows[name])))
        views += await plane.drift.shown.get(name, mark, partial(_features, name, rows[name], settings.features, seen))
    return DriftView(
        as_of=time_of(hour),
        is_watched=settings.enabled,
        features=views,
        findings=[
            finding_view(of, each) for of, each in findings if assistant in (None, of) and each.found > hour - days * 24
        ],
    )


def as_of(plane: ControlPlane) -> int:
    """The hour up to which everything is summed up."""
    return int((plane.clock.now() - SETTLE_S) // store.HOUR_S)


def _features(assistant: str, rows: Sequence[tuple[int, str]], wanted: Sequence[str], seen: _Seen) -> list[FeatureView]:
    hours = store.features_of(rows)
    return [
        each for feature in wanted if feature in hours for each in _of_feature(assistant, feature, hours[feature], seen)
    ]


def _of_feature(assistant: str, feature: str, sums: Mapping[int, Sums], seen: _Seen) -> list[FeatureView]:
    found: list[FeatureView] = []
    measure = measures_of(feature)[0]
    pieces = {hour: each.piece(measure.index) for hour, each in sums.items()}
    series = Series(pieces)
    changes = sorted(each.since for each in seen.findings if each.feature == feature)
    by_span = {} if changes else _looks(measure, series, (), seen)
    for window in (WEEK_H, DAY_H):
        ends = [seen.hour - each * window for each in range(_BEFORE, -1, -1)]
        shown = [series.over(end - window, end) for end in ends]
        values = [value_of(piece, measure.scale) for piece in shown]
        view = FeatureView(
            assistant=assistant,
            feature=feature,
            hours=window,
            exchanges=round(shown[-1].count),
            before=values[:-1],
            reference=None,
            current=values[-1],
            change=None,
            low=None,
            high=None,
            alert_below=None,
            alert_above=None,
            verdict="too_little",
        )
        recent = [each for each in changes if each > seen.hour - 2 * window]
        if changes:
            by_span = _looks(
                measure, _before(recent, pieces, seen.hour - window), changes[: -len(recent) or None], seen
            )
        found.append(_compared(view, by_span.get(window), seen.watch, is_changed=bool(recent)))
    return found


def _before(recent: Sequence[int], pieces: Mapping[int, Piece], window: int) -> Series:
    """What a window that begins then is held against: the level since the last change.

    Not since a `recent` one, which has no whole window before this one: that is what people are to see, and nothing
    after it has a say in what was to be expected.
    """
    return Series({hour: each for hour, each in pieces.items() if not min(recent, default=window) <= hour < window})


def _looks(measure: Measure, series: Series, breaks: Sequence[int], seen: _Seen) -> dict[int, Look]:
    """By the hours of the span."""
    found = looks([(measure, series)], seen.hour, breaks, seen.watch, every_span=True)
    return {each.span.hours: each for each, _ in found}


def _compared(view: FeatureView, there: Look | None, watch: Watch, *, is_changed: bool) -> FeatureView:
    is_changed = is_changed or (there is not None and there.is_off)
    verdict: Verdict = "changed" if is_changed else "too_little" if there is None else "unchanged"
    told: dict[str, object] = {"verdict": verdict}
    if there is not None:
        reference, current = there.comparison.values
        low, high = there.comparison.plain_interval()
        told |= {"reference": reference, "current": current, "change": current - reference, "low": low, "high": high}
        told["alert_below"], told["alert_above"] = there.alert_beyond(watch)
    return view.model_copy(update=told)
