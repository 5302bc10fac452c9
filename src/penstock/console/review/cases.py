"""`/admin/v1/review/cases` and `/admin/v1/review/remarks`: what people decided and said, for whoever learns from it."""

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from fastapi import Query
from fastapi.responses import StreamingResponse

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.console.review import views
from penstock.console.review.who import Reviewing
from penstock.review.cases import read_cases
from penstock.review.queue import Act
from penstock.review.remarks import list_remarks

router = admin_router("/review", "review")

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
_AT_ONCE = 200

_LINES = {200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "A case a line."}}


@router.get(
    "/cases",
    openapi_extra=needs("review.read"),
    responses={**_LINES, **errors(403)},
    response_class=StreamingResponse,
)
async def cases(
    plane: Plane, act: Reviewing, model: Asked = None, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> StreamingResponse:
    """Cases as JSON lines, in the order in which they were made; `place` of the last is the next `after`."""
    async with plane.database.connection():
        pass  # a database that is away is an error, not an empty export
    return StreamingResponse(_lines(plane, act, model, after), media_type="application/x-ndjson")


async def _lines(plane: ControlPlane, act: Act, model: str | None, after: int) -> AsyncGenerator[bytes]:
    while True:
        async with plane.database.connection() as connection:
            found = await read_cases(connection, act.who, model=model, after=after, most=_AT_ONCE)
        for case in found:
            yield msgspec.json.encode(case) + b"\n"
        if len(found) < _AT_ONCE:
            return
        after = found[-1].place


@router.get("/remarks", openapi_extra=needs("review.read"), responses=errors(403, 404))
async def remarks(
    plane: Plane,
    call: Caller,
    *,
    tenant: Asked = None,
    exchange: Asked = None,
    most_rating: Annotated[int | None, Query(ge=1, le=5)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> views.RemarkList:
    """Ratings, corrections and texts on answers, the newest first."""
    whose = call.narrowed(tenant)
    async with plane.database.connection() as connection:
        found = await list_remarks(connection, scope=whose, exchange=exchange, most_rating=most_rating, most=limit)
    return views.RemarkList(
        items=[
            views.RemarkView.model_validate({**msgspec.structs.asdict(each), "at": views.at(each.at)}) for each in found
        ]
    )
