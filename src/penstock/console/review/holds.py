"""`/admin/v1/review/holds`: the queue, and what reviewers do with it."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import psycopg
from fastapi import Depends, Path, Query
from pydantic import BaseModel, Field

from penstock.admission.identity.audit import Action, Subject, record
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.review import views
from penstock.console.review.who import Reviewing
from penstock.review import queue
from penstock.review.cases import keep_case
from penstock.review.decision import Decision, checked
from penstock.review.hold import State
from penstock.review.listing import HoldChoice, Order, page
from penstock.review.queue import HoldRow
from penstock.review.rules import REJECTION, text_of

router = admin_router("/review/holds", "review")

HoldId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]
Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Word = Annotated[str | None, Field(max_length=300, pattern=r"^[^\x00]*$")]
Time = Annotated[datetime | None, Field(description="ISO 8601, UTC without a zone.")]

_SHOWN = ("state", "version", "claimed_by", "claimed_until", "ended_at", "ended_by")


class HoldFilter(BaseModel):
    """Which holds; what is left out is not asked about."""

    order: Order = "urgent"
    state: State | None = None
    tenant: Word = None
    group: Word = None
    model: Word = None
    rule: Word = None
    user: Word = None
    conversation: Word = None
    exchange: Word = None
    claimed_by: Word = None
    min_priority: Annotated[int | None, Field(ge=0, le=9)] = None
    due_before: Time = None
    since: Time = None
    until: Time = None


def _choice(call: Caller, wanted: Annotated[HoldFilter, Query()]) -> HoldChoice:
    """What was asked for, as far as the caller sees it."""
    fields: dict[str, Any] = wanted.model_dump()
    for name in ("due_before", "since", "until"):
        fields[name] = _seconds(fields[name])
    fields["tenant"] = call.narrowed(wanted.tenant)
    return HoldChoice(**fields)


@router.get("", openapi_extra=needs("review.read"), responses=errors(403, 404))
async def holds(
    plane: Plane,
    act: Reviewing,
    choice: Annotated[HoldChoice, Depends(_choice)],
    after: Asked = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> views.HoldPage:
    """Holds that the caller may see: the open ones, most urgent first, or with `order=newest` all of them."""
    async with plane.database.connection() as connection:
        rows, following = await page(connection, act.who, choice, after=after, limit=limit)
    return views.HoldPage(items=[views.hold_view(row) for row in rows], next=following)


@router.post("/next", openapi_extra=needs("review.write"), responses=errors(403))
async def take_next(plane: Plane, call: Caller, act: Reviewing) -> views.Claim:
    """Take the most urgent one that nobody is at; of any number who ask at once each gets another."""
    async with plane.database.connection() as connection, connection.transaction():
        row = await queue.claim_next(connection, act, lease_s=plane.config.review.lease_s)
        if row is not None:
            await _audit(connection, call, "hold.claimed", None, row)
    return views.Claim(hold=None if row is None else views.hold_view(row))


@router.get("/{hold}", openapi_extra=needs("review.read"), responses=errors(403, 404, 409))
async def hold(plane: Plane, act: Reviewing, hold: HoldId) -> views.WholeHold:
    """Question, answer, sources, verdicts, and all that happened."""
    async with plane.database.connection() as connection:
        return views.whole_view(await queue.show(connection, hold, act.who))


@router.post("/{hold}/claim", openapi_extra=needs("review.write"), responses=errors(403, 404, 409))
async def claim(plane: Plane, call: Caller, act: Reviewing, hold: HoldId) -> views.HoldView:
    """Take it, or keep it for longer."""
    async with plane.database.connection() as connection, connection.transaction():
        row = await queue.claim(connection, hold, act, lease_s=plane.config.review.lease_s)
        await _audit(connection, call, "hold.claimed", None, row)
    return views.hold_view(row)


@router.post("/{hold}/release", openapi_extra=needs("review.write"), responses=errors(403, 404, 409))
async def give_back(plane: Plane, call: Caller, act: Reviewing, hold: HoldId) -> views.HoldView:
    """Let others have it; nothing is decided."""
    async with plane.database.connection() as connection, connection.transaction():
        row = await queue.give_back(connection, hold, act)
        await _audit(connection, call, "hold.given_back", None, row)
    return views.hold_view(row)


@router.post("/{hold}/decision", openapi_extra=needs("review.write"), responses=errors(403, 404, 409))
async def decide(
    plane: Plane, call: Caller, act: Reviewing, hold: HoldId, order: views.DecisionOrder
) -> views.HoldView:
    """What becomes of it, once: the caller must have claimed it, and seen it as it is."""
    async with plane.database.connection() as connection, connection.transaction():
        text = order.text
        if order.outcome == "rejected" and not text:
            language = (await queue.show(connection, hold, act.who)).row.language
            text = text_of(plane.config.review.rejection, language, REJECTION)
        decision = checked(
            Decision(
                outcome=order.outcome,
                version=order.version,
                text=text,
                reasons=tuple(order.reasons),
                comment=order.comment,
                remember=order.remember,
            )
        )
        before, after = await queue.decide(connection, hold, act, decision)
        await _audit(connection, call, "hold.decided", before, after)
        if order.case is not None:
            await keep_case(connection, hold, act, expected=order.case.expected, why=order.case.why)
            await _audit(connection, call, "hold.case_kept", after, after)
    return views.hold_view(after)


@router.post("/{hold}/messages", status_code=201, openapi_extra=needs("review.write"), responses=errors(403, 404, 409))
async def write(plane: Plane, call: Caller, act: Reviewing, hold: HoldId, order: views.MessageOrder) -> views.WholeHold:
    """Write to a conversation that the caller has taken over."""
    async with plane.database.connection() as connection, connection.transaction():
        row = await queue.write_to(connection, hold, act, order.text)
        await _audit(connection, call, "hold.messaged", row, row)
        return views.whole_view(await queue.show(connection, hold, act.who))


@router.post("/{hold}/comments", status_code=201, openapi_extra=needs("review.write"), responses=errors(403, 404))
async def comment(
    plane: Plane, call: Caller, act: Reviewing, hold: HoldId, order: views.MessageOrder
) -> views.HoldView:
    """Write something into its history; the one who asked never sees it."""
    async with plane.database.connection() as connection, connection.transaction():
        row = await queue.comment(connection, hold, act, order.text)
        await _audit(connection, call, "hold.commented", row, row)
    return views.hold_view(row)


@router.post("/{hold}/case", openapi_extra=needs("review.write"), responses=errors(403, 404, 409))
async def make_case(plane: Plane, call: Caller, act: Reviewing, hold: HoldId, order: views.CaseOrder) -> views.CaseKept:
    """Make what was decided a case of an evaluation, or change what the case says."""
    async with plane.database.connection() as connection, connection.transaction():
        row = (await queue.show(connection, hold, act.who)).row
        expected = await keep_case(connection, hold, act, expected=order.expected, why=order.why)
        await _audit(connection, call, "hold.case_kept", row, row)
    return views.CaseKept(expected=expected)


async def _audit(
    connection: psycopg.AsyncConnection, call: Call, action: Action, before: HoldRow | None, after: HoldRow
) -> None:
    """The change as the audit keeps it; what exactly was changed is in the hold's own history."""
    subject = Subject(
        id=after.id,
        tenant=after.tenant,
        before=None if before is None else _named(before),
        after=_named(after),
    )
    await record(connection, call.change(), action, subject)


def _named(row: HoldRow) -> dict[str, object]:
    values = msgspec.structs.asdict(row)
    return {name: values[name] for name in _SHOWN}


def _seconds(time: datetime | None) -> float | None:
    if time is None:
        return None
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()
