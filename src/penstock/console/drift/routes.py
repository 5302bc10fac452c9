"""`/admin/v1/drift`: what assistants' exchanges are like, against the weeks before, and what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Query
from psycopg.rows import dict_row

from penstock.console.access import Plane, admin_router, errors, needs
from penstock.console.drift.views import DriftView, FeatureView, finding_view, time_of
from penstock.console.plane import ControlPlane
from penstock.watch.drift import store
from penstock.watch.drift.checking import SETTLE_S, watch_of
from penstock.watch.drift.compare import WEEK_H
from penstock.watch.drift.lately import Window, lately
from penstock.watch.drift.tally import Sums, measures_of
from penstock.watch.drift.watching import Finding, Watch

router = admin_router("/drift", "ledger")

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


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
    measure = measures_of(feature)[0]
    pieces = {hour: each.piece(measure.index) for hour, each in sums.items()}
    changes = sorted(each.since for each in seen.findings if each.feature == feature)
    return [
        FeatureView(
            assistant=assistant,
            feature=feature,
            hours=each.hours,
            exchanges=each.exchanges,
            before=list(each.values[:-1]),
            verdict="changed" if each.is_changed else "too_little" if each.look is None else "unchanged",
            **_compared(each, seen.watch),
        )
        for each in lately(measure, pieces, seen.hour, changes, seen.watch)
    ]


def _compared(window: Window, watch: Watch) -> dict[str, float | None]:
    look = window.look
    if look is None:
        nothing = dict.fromkeys(("reference", "change", "low", "high", "alert_below", "alert_above"))
        return {"current": window.values[-1], **nothing}
    reference, current = look.comparison.values
    low, high = look.comparison.plain_interval()
    below, above = look.alert_beyond(watch)
    return {
        "reference": reference,
        "current": current,
        "change": current - reference,
        "low": low,
        "high": high,
        "alert_below": below,
        "alert_above": above,
    }
