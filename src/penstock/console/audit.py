"""The audit of changes over the admin API: read only, and so is its table."""

from typing import Annotated

import msgspec
from fastapi import Query

from penstock.admission.identity.audit import list_audit
from penstock.console import identity_views as views
from penstock.console.access import Caller, Plane, admin_router, errors, needs

router = admin_router("/audit", "audit")


@router.get("", openapi_extra=needs("audit.read"), responses=errors(403))
async def audit(
    plane: Plane,
    call: Caller,
    subject: Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")] = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> views.AuditPage:
    """Every change made over this API, newest first; a caller within a tenant sees those of that tenant."""
    async with plane.database.connection() as connection:
        rows = await list_audit(connection, scope=call.scope, subject=subject, before=before, limit=limit + 1)
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else None
    return views.AuditPage(
        items=[views.AuditView.model_validate(msgspec.structs.asdict(row)) for row in shown], next=following
    )
