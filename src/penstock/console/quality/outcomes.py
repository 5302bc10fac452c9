"""`/admin/v1/quality/outcomes`: what applications say became of conversations."""

from decimal import Decimal
from typing import Annotated

from fastapi import Query
from psycopg import sql

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.quality import views
from penstock.console.quality.asked import AskedQuality
from penstock.core.errors import MalformedRequest
from penstock.core.happenings import WHOLE_SATISFACTION
from penstock.watch.happenings.store import Sum, sums
from penstock.watch.quality.figures import Asked, keys_of, terms_of

router = admin_router("/quality", "quality")

_COLUMNS = ("tenant", "assistant", "release")
_NANO = Decimal(1_000_000_000)


@router.get("/outcomes", openapi_extra=needs("figures.read"), responses=errors(404))
async def outcomes(plane: Plane, call: Caller, asked: Annotated[AskedQuality, Query()]) -> views.OutcomesView:
    """Conversions, resolutions, escalations and satisfaction, by step and dimension."""
    question = asked.question(call)
    if "target" in {*question.by, *question.filters}:
        raise MalformedRequest("What became of conversations is not counted by target.", field="by")
    keys: list[sql.Composable] = keys_of(question)
    async with plane.database.connection() as connection:
        found = await sums(connection, terms_of(question, _COLUMNS), keys, has_step=question.step is not None)
    lines = [_line(question, each) for each in found]
    return views.OutcomesView(since=question.since, until=question.until, lines=lines)


def _line(asked: Asked, found: Sum) -> views.OutcomeLine:
    return views.OutcomeLine.model_validate(
        {
            "at": found.at,
            "group": dict(zip(asked.by, found.group, strict=True)),
            "kind": found.kind,
            "events": found.events,
            "value_usd": f"{Decimal(found.value_nanousd) / _NANO:.9f}" if found.valued else None,
            "value_nanousd": found.value_nanousd,
            "valued": found.valued,
            "satisfaction": found.satisfaction / found.rated / WHOLE_SATISFACTION if found.rated else None,
            "rated": found.rated,
        }
    )
