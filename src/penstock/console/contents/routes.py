"""`/admin/v1/contents`: what was asked and answered, by exchange or by words; each look is on record in the audit.

The record names who looked, and at which exchange; of a search what was looked for stays provable by its digest, and is
not written down.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import BaseModel, Field

from penstock.admission.identity.audit import Subject, record
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.contents.erasing import erased
from penstock.console.contents.missing import why_missing
from penstock.console.contents.views import ContentView, HitPage, content_view, hit_page
from penstock.console.ledger.store import ledger_row
from penstock.core.errors import ContentsUnavailable, NotKept
from penstock.watch.contents import store
from penstock.watch.contents.sealing import Unreadable
from penstock.watch.contents.search import Asked, Search, tenants_of
from penstock.watch.contents.words import terms_of

router = admin_router("/contents", "contents")

ExchangeId = Annotated[str, Path(max_length=100, pattern=r"^ex_[0-9a-f]{12,64}$")]
Name = Annotated[str | None, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Before = Annotated[str | None, Query(pattern=r"^ex_[0-9a-f]{12,64}~?$")]
Time = Annotated[datetime | None, Query(description="ISO 8601, UTC without a zone.")]


class ContentsErased(BaseModel):
    exchanges: int = Field(description="Whose contents were kept.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, where and when."""

    text: str
    tenant: str | None
    since: datetime | None
    until: datetime | None
    before: str | None


def _wanted(
    *,
    text: Annotated[str, Query(min_length=1, max_length=300, description='Words; `"in quotation marks"` a phrase.')],
    tenant: Name = None,
    since: Time = None,
    until: Time = None,
    before: Before = None,
) -> Wanted:
    return Wanted(text, tenant, since, until, before)


@router.get("", openapi_extra=needs("prompts.read"), responses=errors(403, 404))
async def search(
    plane: Plane,
    call: Caller,
    wanted: Annotated[Wanted, Depends(_wanted)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> HitPage:
    """Exchanges in which all of the words were said, the newest first."""
    terms, whose = terms_of(wanted.text), call.narrowed(wanted.tenant)
    async with plane.database.connection() as connection:
        asked = Asked(
            terms=terms,
            tenants=await tenants_of(connection) if whose is None else [whose],
            since=_seconds(wanted.since),
            until=_seconds(wanted.until),
            before=wanted.before,
            limit=limit,
        )
        await connection.commit()  # the search has transactions of its own
        found = await Search(connection, plane.opening, plane.clock, asked).run()
        async with connection.transaction():  # on record before anybody sees it
            subject = Subject(id="contents", tenant=whose, before=None, after=_looked_for(wanted))
            await record(connection, call.change(), "contents.searched", subject)
            for hit in found.hits:
                shown = Subject(id=hit.exchange, tenant=hit.tenant, before=None, after=None)
                await record(connection, call.change(), "contents.shown", shown)
    return hit_page(found)


@router.get("/{exchange}", openapi_extra=needs("prompts.read"), responses=errors(403, 404))
async def content(plane: Plane, call: Caller, exchange: ExchangeId) -> ContentView:
    """What was asked and answered in one exchange, as far as it is kept."""
    tenants = None if call.scope is None else [call.scope]
    async with plane.database.connection() as connection, connection.transaction():
        rows = await store.read(connection, [exchange], tenants=tenants, now=plane.clock.now())
        if not rows:
            entry = await ledger_row(connection, exchange, tenant=call.scope)
            why = "" if entry is None else " " + why_missing(plane.config, entry, plane.clock.now())
            raise NotKept(f"Nothing is kept of such an exchange.{why}")
        row = rows[0]
        try:
            found = plane.opening.sealed.open(row.tenant, row.id, row.key_id, row.sealed)
        except Unreadable as error:
            raise ContentsUnavailable("What is kept of it cannot be opened here.", detail=str(error)) from error
        subject = Subject(id=row.id, tenant=row.tenant, before=None, after=None)
        await record(connection, call.change(), "contents.read", subject)
    return content_view(row.id, row.tenant, row.expires_at, found)


@router.delete("", openapi_extra=needs("contents.erase"), responses=errors(403, 404))
async def erase(plane: Plane, call: Caller, tenant: Name = None, user: Name = None) -> ContentsErased:
    """Delete what is kept of the exchanges of a tenant, or of one of its users."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        return ContentsErased(exchanges=await erased(connection, call.change(), tenant=whose, user=user))


def _seconds(time: datetime | None) -> float | None:
    if time is None:
        return None
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()


def _looked_for(wanted: Wanted) -> dict[str, object]:
    """For the digest; half a surrogate pair cannot stand in it."""
    times = {"since": wanted.since, "until": wanted.until, "before": wanted.before}
    return {"text": wanted.text.encode("utf-8", "replace").decode(), **times}
