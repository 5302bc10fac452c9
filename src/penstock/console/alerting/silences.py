"""`/admin/v1/alerts/silences`: nobody is told, until then, of what matches.  Each is audited."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from penstock.admission.identity.audit import Subject, record
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.core.errors import MalformedRequest, PenstockError
from penstock.watch.alerts.silences import MOST, Silence, as_json, end, list_silences, make

router = admin_router("/alerts/silences", "alerts")

_LONGEST = timedelta(days=366)
Word = Annotated[str | None, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]
SilenceId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]


class UnknownSilence(PenstockError):
    code = "unknown_silence"
    status = 404


class TooManySilences(PenstockError):
    code = "conflict"
    status = 409


class NewSilence(BaseModel):
    """What it is for: at least one of `rule`, `kind` (exact, or ending in `*`), `tenant` and `subject`, all of which an
    alert must match.
    """

    model_config = ConfigDict(extra="forbid")

    rule: Word = None
    kind: Word = None
    tenant: Word = None
    subject: Word = None
    until: datetime = Field(description="A year from now at most.")
    reason: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")


class SilenceView(BaseModel):
    id: str
    rule: str | None
    kind: str | None
    tenant: str | None
    subject: str | None
    until: datetime
    reason: str
    made_at: datetime
    made_by: str
    ended_at: datetime | None
    ended_by: str | None


@router.post("", status_code=201, openapi_extra=needs("alerts.write"), responses=errors(403, 404, 409))
async def silence(plane: Plane, call: Caller, new: NewSilence) -> SilenceView:
    """Tell nobody of what matches, until then.  Within a tenant it is for that tenant's alerts."""
    until = new.until.replace(tzinfo=UTC) if new.until.tzinfo is None else new.until
    if not call.now < until <= call.now + _LONGEST:
        raise MalformedRequest("`until` is a time to come, within a year.", field="until")
    tenant = call.narrowed(new.tenant)
    if not any((new.rule, new.kind, tenant, new.subject)):
        raise MalformedRequest("Say what it is for: `rule`, `kind`, `tenant` or `subject`.", field="rule")
    made = Silence(
        id=f"sil_{call.request_id.removeprefix('req_')}",
        rule=new.rule,
        kind=new.kind,
        tenant=tenant,
        subject=new.subject,
        until=until,
        reason=new.reason,
        made_at=call.now,
        made_by=call.actor.id,
    )
    async with plane.database.connection() as connection, connection.transaction():
        if not await make(connection, made, now=call.now):
            raise TooManySilences(f"There are {MOST} silences in force: end some.")
        subject = Subject(id=made.id, tenant=tenant, before=None, after=as_json(made))
        await record(connection, call.change(), "alert.silenced", subject)
    return SilenceView.model_validate(made, from_attributes=True)


@router.get("", openapi_extra=needs("alerts.read"))
async def silences(
    plane: Plane,
    call: Caller,
    *,
    past: Annotated[bool, Query(description="Those that are over, too.")] = False,
) -> list[SilenceView]:
    """Those in force, the last made first; a caller within a tenant sees those of that tenant."""
    async with plane.database.connection() as connection:
        rows = await list_silences(connection, scope=call.scope, now=call.now, past=past)
    return [_view(row) for row in rows]


@router.delete("/{silence_id}", openapi_extra=needs("alerts.write"), responses=errors(403, 404))
async def unsilence(plane: Plane, call: Caller, silence_id: SilenceId) -> SilenceView:
    """End it now.  What it has kept from people is not told later, but a rule that still fires is."""
    async with plane.database.connection() as connection, connection.transaction():
        row = await end(connection, silence_id, scope=call.scope, actor=call.actor.id, at=call.now)
        if row is None:
            raise UnknownSilence("There is no such silence in force.")
        after = {"ended_at": row["ended_at"], "ended_by": row["ended_by"]}
        subject = Subject(id=silence_id, tenant=row["tenant"], before=dict.fromkeys(after), after=after)
        await record(connection, call.change(), "alert.unsilenced", subject)
    return _view(row)


def _view(row: dict[str, Any]) -> SilenceView:
    return SilenceView.model_validate(row)
