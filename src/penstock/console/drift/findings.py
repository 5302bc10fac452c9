"""`/admin/v1/drift/findings` and `/course`: the changes that were told, and one feature's course around one of them.

Both read what is kept and judge nothing: they cost milliseconds where the weekly view costs tens of them an assistant.
"""

from datetime import UTC, datetime
from typing import Annotated

import psycopg
from fastapi import Query
from psycopg.rows import dict_row

from penstock.config.drift import FEATURES, DriftSettings
from penstock.console.access import Plane, admin_router, errors, needs
from penstock.console.drift import views
from penstock.console.drift.routes import Asked, as_of
from penstock.core.errors import MalformedRequest
from penstock.watch.drift import course, store
from penstock.watch.drift.checking import alert_id
from penstock.watch.drift.compare import FIRST_H, WEEK_H
from penstock.watch.drift.tally import FEATURES as KINDS
from penstock.watch.drift.tally import measures_of
from penstock.watch.drift.watching import Finding

router = admin_router("/drift", "ledger")

Name = Annotated[str, Query(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]


@router.get("/findings", openapi_extra=needs("drift.read"), responses=errors(403))
async def findings(
    plane: Plane,
    assistant: Asked = None,
    days: Annotated[int, Query(ge=1, le=400, description="How far back they are shown.")] = 56,
) -> views.FindingsView:
    """What has changed, the newest first, who knows of it, and how it is watched."""
    settings = plane.config.drift
    hour = as_of(plane)
    async with plane.database.connection() as connection:
        asked = await connection.execute(store.ASSISTANTS, [hour - WEEK_H, hour])
        names = [row[0] for row in await asked.fetchall()]
        row = await (await connection.execute(store.FIRST_HOUR)).fetchone()
        seen = await connection.execute(store.SEEN, [hour - WEEK_H, hour])
        there = {each[0] for each in await seen.fetchall()}
        found = [each for each in await _found(connection, hour - days * 24) if assistant in (None, each[0])]
        alerts = await connection.execute(store.KNOWN, [[alert_id(*each) for each in found]])
        known = {alert: (at, by) for alert, at, by in await alerts.fetchall()}
    first = None if row is None else row[0]
    return views.FindingsView(
        as_of=views.time_of(hour),
        is_watched=settings.enabled,
        assistants=names,
        features=list(settings.features),
        seen=[each for each in settings.features if each in there],
        reference_weeks=settings.reference_weeks,
        min_exchanges=settings.min_exchanges,
        false_alarms_a_week=settings.false_alarms_a_week,
        first_hour=None if first is None else views.time_of(first),
        first_finding=None if first is None else views.time_of(first + FIRST_H),
        findings=[_told(of, each, known) for of, each in found],
    )


@router.get("/course", openapi_extra=needs("drift.read"), responses=errors(403))
async def over_time(
    plane: Plane,
    assistant: Name,
    feature: Annotated[str, Query(max_length=60)],
    at: Annotated[datetime | None, Query(description="What parts before from after.")] = None,
) -> views.CourseView:
    """One feature of one assistant by the day, and how its values lay before a time and after it.

    Without a time that is the last change that was told, or a week ago.
    """
    if feature not in FEATURES:
        raise MalformedRequest(f"There is no such feature: {', '.join(FEATURES)}.", field="feature")
    settings = plane.config.drift
    hour = as_of(plane)
    oldest = hour - settings.keep_days * 24
    async with plane.database.connection() as connection:
        found = await _found(connection, oldest)
        own = [each for of, each in found if of == assistant and each.feature == feature]
        last = own[0].since if own else hour - WEEK_H
        parting = last if at is None else max(oldest, min(hour, _hour_of(at)))
        before, after = _sides(settings, parting, hour, own)
        rows = await (await connection.execute(store.HOURS, [assistant, before[0], after[1]])).fetchall()
    hours = store.features_of(rows).get(feature, {})
    main = measures_of(feature)[0]
    kind = KINDS[feature]
    begin = max(before[0], min(hours, default=after[1]))
    sides = [course.side(hours, main, each) for each in (before, after)]
    shown = [
        views.SideView(
            since=views.time_of(each.begin), until=views.time_of(each.end), exchanges=each.count, value=each.value
        )
        for each in sides
    ]
    return views.CourseView(
        as_of=views.time_of(hour),
        assistant=assistant,
        feature=feature,
        kind=kind,
        at=views.time_of(parting),
        days=[
            views.DayView(at=views.time_of(day), exchanges=count, value=value)
            for day, count, value in course.days(hours, main, begin, after[1])
        ],
        before=shown[0],
        after=shown[1],
        shape_of="exchanges" if kind in ("length", "tone") else "hours",
        shape=[
            views.BinView(name=each.name or None, low=each.low, high=each.high, before=each.before, after=each.after)
            for each in course.shape(hours, feature, before, after)
        ],
        findings=[views.finding_view(assistant, each) for each in own],
    )


async def _found(connection: psycopg.AsyncConnection, since: int) -> list[tuple[str, Finding]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(store.FINDINGS, [since])
        return [store.finding_of(row) for row in await cursor.fetchall()]


def _told(assistant: str, finding: Finding, known: dict[str, tuple[datetime | None, str | None]]) -> views.ToldView:
    alert = alert_id(assistant, finding)
    at, by = known.get(alert, (None, None))
    return views.ToldView(
        **views.finding_view(assistant, finding).model_dump(),
        alert=alert if alert in known else None,
        acknowledged_at=at,
        acknowledged_by=by,
    )


def _sides(
    settings: DriftSettings, parting: int, now: int, found: list[Finding]
) -> tuple[course.Stretch, course.Stretch]:
    """What is compared: as far back as the reference goes, and no further than to the change before or after."""
    length = settings.reference_weeks * WEEK_H
    earlier = [each.since for each in found if each.since < parting]
    later = [each.since for each in found if each.since > parting]
    return (
        (max([parting - length, *earlier]), parting),
        (parting, min([now, parting + length, *later])),
    )


def _hour_of(at: datetime) -> int:
    time = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(time.timestamp() // store.HOUR_S)
