"""`/admin/v1/bases`: knowledge bases as a tenant's operators keep them."""

from typing import Annotated

from fastapi import Path, Query

from penstock.admission.identity.audit import Action, Change, Subject, record_now
from penstock.admission.identity.faults import Conflict
from penstock.app.knowledge.views import BaseView
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.knowledge import views
from penstock.console.knowledge.shelf import At, in_thread
from penstock.core.errors import ConfigError, MalformedRequest
from penstock.core.sources import PUBLIC, Reader
from penstock.knowledge.ingest.sources.rules import parsed_reader
from penstock.knowledge.jobs import store

router = admin_router("/bases", "knowledge")

BaseName = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
Tenant = Annotated[
    str | None,
    Query(max_length=300, pattern=r"^[^\x00]*$", description="For who spans tenants; `default` where it is left out."),
]
_KINDS = {"FolderSpec": "folder", "SiteSpec": "site", "UploadSpec": "upload"}


def tenant_of(call: Call, tenant: str | None) -> str:
    """Whose bases are meant.  Raises `UnknownTenant` for another's."""
    found = call.narrowed(tenant)
    return "default" if found is None else found


def parsed_readers(texts: list[str]) -> tuple[Reader, ...]:
    """Raises `MalformedRequest` where one is none."""
    try:
        return tuple(dict.fromkeys(parsed_reader(each) for text in texts for each in text.split(",")))
    except ConfigError as error:
        raise MalformedRequest(error.message, field="reader") from None


@router.get("", openapi_extra=needs("knowledge.read"), responses=errors(403, 404))
async def bases(plane: Plane, call: Caller, tenant: Tenant = None) -> views.BaseList:
    """The tenant's knowledge bases and those of all; for who spans tenants, without a tenant, every one."""
    whose = call.narrowed(tenant)
    found = await in_thread(plane, lambda at: at.bases.listed(whose))
    return views.BaseList(items=[views.base_view(each) for each in found])


@router.post("", status_code=201, openapi_extra=needs("knowledge.write"), responses=errors(403, 404, 409))
async def make_base(plane: Plane, call: Caller, wanted: views.NewBase, tenant: Tenant = None) -> views.BaseView:
    """Make an empty knowledge base."""
    whose = tenant_of(call, tenant)

    def make(at: At) -> BaseView:
        try:
            with at.connection.transaction():
                at.bases.create(whose, wanted.name)
                audit(at, call.change(), "base.created", (whose, wanted.name), after={"name": wanted.name})
        except ConfigError as error:
            if at.bases.find(whose, wanted.name) is not None:
                raise Conflict(f"There is a knowledge base `{wanted.name}` already.") from None
            raise MalformedRequest(error.message, field="name") from None
        return at.base(whose, wanted.name)

    return views.base_view(await in_thread(plane, make))


@router.get("/{base}", openapi_extra=needs("knowledge.read"), responses=errors(403, 404))
async def whole_base(plane: Plane, call: Caller, base: BaseName, tenant: Tenant = None) -> views.WholeBase:
    """What is in it, and how far each of its sources is."""
    whose = tenant_of(call, tenant)

    def look(at: At) -> views.WholeBase:
        found = at.base(whose, base)
        shown: list[views.SourceView] = []
        for row in at.sources(found.id):
            run = store.run_of(at.connection, row.id)
            progress = None if run is None else run.progress
            shown.append(
                views.SourceView.model_validate(
                    {
                        "name": row.name,
                        "kind": _KINDS[type(row.spec).__name__],
                        "state": None if run is None else run.state,
                        "error": None if run is None else run.error,
                        "left_s": None if progress is None else progress.left_s,
                        **{name: getattr(progress, name, 0) for name in ("files", "to_read", "read", "failed")},
                    }
                )
            )
        return views.WholeBase(**views.base_view(found).model_dump(), sources=shown)

    return await in_thread(plane, look)


@router.delete("/{base}", status_code=204, openapi_extra=needs("knowledge.write"), responses=errors(403, 404))
async def delete(plane: Plane, call: Caller, base: BaseName, tenant: Tenant = None) -> None:
    """Delete it with its documents; what caches keep of them is not given any more."""
    whose = tenant_of(call, tenant)
    await in_thread(plane, lambda at: _delete(at, at.base(whose, base), call.change()))


@router.post("/{base}/sync", status_code=202, openapi_extra=needs("knowledge.write"), responses=errors(403, 404))
async def sync(plane: Plane, call: Caller, base: BaseName, tenant: Tenant = None) -> views.Queued:
    """Have a worker bring all its sources up to date."""
    whose = tenant_of(call, tenant)

    def queue(at: At) -> list[str]:
        found = at.base(whose, base)
        with at.connection.transaction():
            names = at.queue(found.id)
            audit(at, call.change(), "base.queued", (whose, base), after={"sources": names})
        return names

    return views.Queued(sources=await in_thread(plane, queue))


@router.get("/{base}/search", openapi_extra=needs("knowledge.search"), responses=errors(403, 404))
async def search(
    *,
    plane: Plane,
    call: Caller,
    base: BaseName,
    q: Annotated[str, Query(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")],
    reading_as: Annotated[
        list[str],
        Query(alias="as", max_length=100, description="group:NAME, role:NAME or user:ID; beside them public."),
    ] = [],  # noqa: B006 - FastAPI copies it
    k: Annotated[int, Query(ge=1, le=100)] = 8,
    tenant: Tenant = None,
) -> views.PassageList:
    """What somebody would find who is all of these, and nobody else."""
    whose, readers = tenant_of(call, tenant), (PUBLIC, *parsed_readers(reading_as))
    found = await in_thread(plane, lambda at: at.bases.search(at.base(whose, base).id, q, readers, most=k))
    names = ("document", "version", "title", "heading", "text", "page", "uri", "score")
    items = [views.PassageView.model_validate({name: getattr(each, name) for name in names}) for each in found]
    return views.PassageList(items=items)


def delete_all(at: At, tenant: str, change: Change) -> None:
    """Every base of a tenant."""
    for each in at.bases.listed(tenant):
        if each.tenant == tenant:
            _delete(at, each, change)


def _delete(at: At, base: BaseView, change: Change) -> None:
    with at.connection.transaction():
        at.delete(base.id)
        audit(at, change, "base.deleted", (base.tenant, base.name), before={"name": base.name})


def audit(
    at: At,
    change: Change,
    action: Action,
    of: tuple[str, str],
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    """Within the change's transaction; `of` is the tenant and what is changed there."""
    tenant, name = of
    record_now(at.connection, change, action, Subject(id=name, tenant=tenant, before=before, after=after))
