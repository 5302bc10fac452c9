"""`/admin/v1/bases/{base}/documents`: handing documents in, seeing what became of them, taking them away."""

from typing import Annotated

from fastapi import Path, Query, Request

from penstock.admission.identity.faults import Conflict
from penstock.app.knowledge.desk import FILES, DocumentView, NameTaken
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.knowledge import views
from penstock.console.knowledge.bases import BaseName, Tenant, audit, parsed_readers, tenant_of
from penstock.console.knowledge.faults import UnknownDocument
from penstock.console.knowledge.shelf import At, in_thread
from penstock.console.knowledge.spool import Spooled, spooled
from penstock.core.errors import MalformedRequest
from penstock.knowledge.jobs.store import SourceBusy
from penstock.knowledge.jobs.uploads import check_name

router = admin_router("/bases/{base}/documents", "knowledge")

DocumentName = Annotated[str, Path(description="What it is known by within the base; it may have slashes.")]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("", openapi_extra=needs("knowledge.read"), responses=errors(403, 404))
async def documents(
    *,
    plane: Plane,
    call: Caller,
    base: BaseName,
    after: Annotated[str, Query(max_length=1000, pattern=r"^[^\x00]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    tenant: Tenant = None,
) -> views.DocumentPage:
    """By name: what is there, what waits to be read, and what could not be, with the reason."""
    whose = tenant_of(call, tenant)

    def look(at: At) -> list[DocumentView]:
        return at.documents(at.base(whose, base).id, after=after, most=limit + 1)

    found = await in_thread(plane, look)
    shown = found[:limit]
    return views.DocumentPage(
        items=[views.document_view(each) for each in shown], next=shown[-1].name if len(found) > limit else None
    )


@router.put(
    "/{name:path}",
    status_code=202,
    openapi_extra={**needs("knowledge.write"), **_BODY},
    responses=errors(403, 404, 408, 409, 413),
)
async def hand_in(
    *,
    request: Request,
    plane: Plane,
    call: Caller,
    base: BaseName,
    name: DocumentName,
    reader: Annotated[
        list[str], Query(max_length=100, description="Who may read it: public, role:…, group:…, user:….")
    ],
    tenant: Tenant = None,
) -> views.HandedIn:
    """Hand a document in, as it is; a worker reads it.  One of the same name is replaced once this one is read."""
    whose, readers = tenant_of(call, tenant), parsed_readers(reader)
    _checked(name)
    await in_thread(plane, lambda at: at.base(whose, base))  # before the body is taken
    settings = plane.config.ingest

    def keep(at: At, body: Spooled) -> None:
        found = at.base(whose, base)
        with at.connection.transaction():
            at.hand_in(found.id, name, body.file, readers)
            at.queue(found.id, only=FILES)
            after: dict[str, object] = {"bytes": body.size, "sha256": body.sha256, "readers": list(readers)}
            audit(at, call.change(), "document.handed_in", (whose, f"{base}/{name}"), after=after)

    async with (
        plane.knowledge.uploads(),
        spooled(request, plane.knowledge.folder, most_bytes=settings.file_bytes, timeout_s=settings.upload_s) as body,
    ):
        try:
            await in_thread(plane, lambda at: keep(at, body))
        except NameTaken as error:
            raise Conflict(
                f"A document of this name comes from `{error}`: choose another, or remove that one."
            ) from None
    return views.HandedIn(name=name, bytes=body.size, sha256=body.sha256)


@router.delete("/{name:path}", status_code=204, openapi_extra=needs("knowledge.write"), responses=errors(403, 404, 409))
async def remove(plane: Plane, call: Caller, base: BaseName, name: DocumentName, tenant: Tenant = None) -> None:
    """Take it away, whether it is there, waits or could not be read.  What its source still has comes back with it."""
    whose = tenant_of(call, tenant)
    _checked(name)

    def take(at: At) -> None:
        found = at.base(whose, base)
        try:
            with at.connection.transaction():
                if not at.remove_document(found.id, name):
                    raise UnknownDocument("There is no such document.")
                audit(at, call.change(), "document.removed", (whose, f"{base}/{name}"), before={"name": name})
        except SourceBusy:
            raise Conflict("Its source is being read now, and would bring it back: try again.") from None

    await in_thread(plane, take)


def _checked(name: str) -> None:
    try:
        check_name(name)
    except ValueError as error:
        raise MalformedRequest(f"{error}.", field="name") from None
