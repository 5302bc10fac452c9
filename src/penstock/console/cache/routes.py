"""`/admin/v1/cache`: what is kept and what it saved, and dropping entries by tenant, model or tag.

A drop is in force in every process within a second of its answer, and in one that cannot hear of it as soon as it can.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from penstock.admission.identity.audit import Subject, record
from penstock.cache import store
from penstock.cache.entry import Drop
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.core.errors import MalformedRequest

router = admin_router("/cache", "cache")

Name = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]
Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


class Contents(BaseModel):
    """What is kept in the database of one tenant's answers by one model; a process may keep more in memory."""

    tenant: str
    model: str
    kind: str
    entries: int
    bytes: int
    oldest: datetime
    newest: datetime


class Use(BaseModel):
    """What the cache did for the exchanges of one tenant with one model."""

    tenant: str
    model: str
    hits: dict[str, int] = Field(description="By kind: exact, similar, shared.")
    misses: int
    bypassed: dict[str, int] = Field(description="By reason.")
    stored: int
    saved_input_tokens: int
    saved_output_tokens: int
    saved_nanousd: int = Field(description="Of hits whose answer's cost is known.")


class CacheStatus(BaseModel):
    contents: list[Contents]
    use: list[Use]


class DropOrder(BaseModel):
    """Entries that agree with all that is given.  With nothing given, `everything` must be true."""

    model_config = ConfigDict(extra="forbid")

    tenant: Name | None = None
    model: Name | None = None
    tag: Name | None = Field(default=None, description="A document or a release that answers were made from.")
    everything: bool = False


class Dropped(BaseModel):
    entries: int = Field(description="That lay in the database; those in memory are not counted.")


@router.get("", openapi_extra=needs("cache.read"), responses=errors(403))
async def status(
    plane: Plane,
    call: Caller,
    tenant: Asked = None,
    hours: Annotated[float, Query(gt=0, le=24 * 366, description="Of the ledger.")] = 24.0,
) -> CacheStatus:
    """What is kept now, and what hits saved in the last hours, from the ledger."""
    whose = call.narrowed(tenant)
    async with plane.database.connection() as connection:
        contents = await store.contents(connection, tenant=whose, now=plane.clock.now())
        facts = await store.saved(connection, tenant=whose, since_s=hours * 3600.0)
    return CacheStatus(contents=[_contents(row) for row in contents], use=_use(facts))


@router.post("/drop", openapi_extra=needs("cache.write"), responses=errors(403))
async def drop(plane: Plane, call: Caller, wanted: DropOrder) -> Dropped:
    """Forget answers, in the database at once and in every process within a second."""
    found = Drop(tenant=call.narrowed(wanted.tenant), model=wanted.model, tag=wanted.tag)
    if found == Drop() and not wanted.everything:
        raise MalformedRequest("Say whose answers must go, or `everything`.", field="everything")
    named = msgspec.structs.asdict(found)
    async with plane.database.connection() as connection, connection.transaction():
        entries = await store.drop(connection, found)
        subject = Subject(id=found.tag or found.model or "cache", tenant=found.tenant, before=named, after=None)
        await record(connection, call.change(), "cache.dropped", subject)
    return Dropped(entries=entries)


def _contents(row: store.Kept) -> Contents:
    times = {name: datetime.fromtimestamp(at, UTC) for name, at in (("oldest", row.oldest), ("newest", row.newest))}
    return Contents(
        tenant=row.tenant, model=row.model, kind=row.kind, entries=row.entries, bytes=row.size_bytes, **times
    )


def _use(facts: list[store.Done]) -> list[Use]:
    found: dict[tuple[str, str], Use] = {}
    for fact in facts:
        use = found.get((fact.tenant, fact.model))
        if use is None:
            use = found[fact.tenant, fact.model] = Use(
                tenant=fact.tenant,
                model=fact.model,
                hits={},
                misses=0,
                bypassed={},
                stored=0,
                saved_input_tokens=0,
                saved_output_tokens=0,
                saved_nanousd=0,
            )
        match fact.what:
            case "cache_hit":
                use.hits[fact.kind or ""] = fact.exchanges
                use.saved_input_tokens += fact.saved_input_tokens
                use.saved_output_tokens += fact.saved_output_tokens
                use.saved_nanousd += fact.saved_nanousd
            case "cache_missed":
                use.misses += fact.exchanges
            case "cache_bypassed":
                use.bypassed[fact.kind or ""] = fact.exchanges
            case _:
                use.stored += fact.exchanges
    return list(found.values())
