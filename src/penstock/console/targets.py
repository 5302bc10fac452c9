"""Targets over the admin API: what the fleet has found of each, who calls it, and an operator's orders."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from penstock.admission.fleet.board import BoardLost, TargetState, View
from penstock.admission.fleet.desk import FleetDesk, Order
from penstock.admission.identity.audit import Action, Subject, record
from penstock.admission.identity.faults import Conflict
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.core.errors import Overloaded

router = admin_router("/targets", "targets")

_RETRY_AFTER_S = 2.0
_LONGEST_ORDER_S = 30 * 86_400


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds control characters")
    return text


TargetName = Annotated[str, Path(max_length=300, pattern=r"^[^\x00]+$", description="Such as `openai/gpt-4o-mini`.")]
Reason = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_printable)]


class TargetView(BaseModel):
    """A target as the fleet knows it.  Everything but name and callers is null where nothing was ever found."""

    name: str
    state: Literal["closed", "open", "half_open"] = Field(description="Closed is up; half-open is being tried again.")
    since: datetime | None
    until: datetime | None = Field(description="When an open one is tried again.")
    reason: str | None
    found_by: str | None = Field(description="The process, as host and process id, or the operator.")
    is_ordered: bool = Field(description="An operator said so.")
    callers: int = Field(description="Processes that called it within the last minute.")


class ProcessView(BaseModel):
    """A process of the data plane that lives."""

    id: str
    place: str
    targets: list[str] = Field(description="What it called within the last minute.")


class TargetList(BaseModel):
    """`is_shared` is false where each process keeps what it finds to itself: then nothing is known here."""

    is_shared: bool
    items: list[TargetView]
    processes: list[ProcessView]


class Opening(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason = "ordered by an operator"
    for_s: float = Field(default=3600.0, gt=0, le=_LONGEST_ORDER_S, description="After this it is tried again.")


class Closing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason = "ordered by an operator"


@router.get("", openapi_extra=needs("targets.read"), responses=errors(403))
async def targets(plane: Plane, call: Caller) -> TargetList:
    """Each target: the configured ones, those that are called, and those of which something was found."""
    desk = plane.desk
    view = View() if desk is None else await _asked(desk)
    catalog = plane.catalog.get()
    names = {target.name for name in catalog.names() for target in catalog.targets(name)}
    states = {state.target: state for state in view.states}
    names |= states.keys() | {target for member in view.members for target in member.targets}
    return TargetList(
        is_shared=desk is not None,
        items=[_target(name, states.get(name), view, call.now) for name in sorted(names)],
        processes=[
            ProcessView(id=member.process, place=member.place, targets=list(member.targets))
            for member in sorted(view.members, key=lambda member: member.place)
        ],
    )


@router.post("/{name:path}/open", openapi_extra=needs("targets.write"), responses=errors(403, 409))
async def open_target(plane: Plane, call: Caller, name: TargetName, wanted: Opening | None = None) -> TargetView:
    """Stop calling it, everywhere within about a second, until its time is over or it is closed again."""
    given = wanted or Opening()
    order = Order(target=name, state="open", reason=given.reason, by=call.actor.id, for_s=given.for_s)
    return await _ordered(plane, call, order, "target.opened")


@router.post("/{name:path}/close", openapi_extra=needs("targets.write"), responses=errors(403, 409))
async def close_target(plane: Plane, call: Caller, name: TargetName, wanted: Closing | None = None) -> TargetView:
    """Call it again, whatever was found; if it is down still, that will be found again."""
    order = Order(target=name, state="closed", reason=(wanted or Closing()).reason, by=call.actor.id)
    return await _ordered(plane, call, order, "target.closed")


async def _ordered(plane: ControlPlane, call: Call, order: Order, action: Action) -> TargetView:
    desk = plane.desk
    if desk is None:
        raise Conflict("Each process keeps what it finds to itself here (`fleet.kind: none`): nobody would hear.")
    view = await _asked(desk)
    before = next((state for state in view.states if state.target == order.target), None)
    subject = Subject(
        id=order.target,
        tenant=None,
        before=None if before is None else {"state": before.state, "reason": before.reason},
        after={"state": order.state, "reason": order.reason, "for_s": order.for_s},
    )
    async with plane.database.connection() as connection, connection.transaction():
        await record(connection, call.change(), action, subject)
        try:
            found = await asyncio.to_thread(desk.order, order)
        except BoardLost as lost:  # and with it the audit's row: nothing was ordered
            raise _away(lost) from None
    return _target(order.target, found, view, call.now)


async def _asked(desk: FleetDesk) -> View:
    try:
        return await asyncio.to_thread(desk.look)
    except BoardLost as lost:
        raise _away(lost) from None


def _away(lost: BoardLost) -> Overloaded:
    return Overloaded("The fleet's store cannot be reached.", retry_after_s=_RETRY_AFTER_S, detail=str(lost))


def _target(name: str, state: TargetState | None, view: View, now: datetime) -> TargetView:
    callers = sum(name in member.targets for member in view.members)
    if state is None:
        return TargetView(
            name=name,
            state="closed",
            since=None,
            until=None,
            reason=None,
            found_by=None,
            is_ordered=False,
            callers=callers,
        )
    is_over = state.state == "open" and state.left_s <= 0.0
    return TargetView(
        name=name,
        state="half_open" if is_over else state.state,
        since=now - timedelta(seconds=state.age_s),
        until=now + timedelta(seconds=state.left_s) if state.state == "open" else None,
        reason=state.reason,
        found_by=state.place,
        is_ordered=state.is_ordered,
        callers=callers,
    )
