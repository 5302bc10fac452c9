"""`/admin/v1/quality/looked-at`: which answers are looked at, for what, and what the judge has cost of its budget."""

from decimal import Decimal
from typing import Annotated

from fastapi import Query

from penstock.config.quality import is_watched, quality_of
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.console.quality import views
from penstock.console.quality.asked import AskedTimes
from penstock.watch.quality.figures import Asked
from penstock.watch.quality.judging import read_spent, read_states

router = admin_router("/quality", "quality")

_NANO = Decimal(1_000_000_000)


@router.get("/looked-at", openapi_extra=needs("figures.read"), responses=errors(404))
async def looked_at(plane: Plane, call: Caller, asked: Annotated[AskedTimes, Query()]) -> views.LookedAtView:
    """What is set, and what judging has cost in a time."""
    question = asked.question(call)
    settings = plane.config.quality
    overrides = {name: model.quality for name, model in plane.config.models.items()}
    policies = {name: quality_of(settings, each) for name, each in overrides.items()}
    return views.LookedAtView(
        is_watched=is_watched(settings, overrides),
        keep_days=settings.keep_days,
        assistants=[
            views.PolicyView(
                assistant=name, sample=each.sample, checks=list(each.checks) if each.sample else [], judged=each.judged
            )
            for name, each in sorted(policies.items())
        ],
        judge=await _judge(plane, question) if call.scope is None else None,
    )


async def _judge(plane: ControlPlane, asked: Asked) -> views.JudgeView | None:
    """Its money is the installation's: it is shown to who sees all tenants."""
    judge = plane.config.quality.judge
    if judge is None:
        return None
    async with plane.database.connection() as connection:
        spent = await read_spent(connection, since=asked.since.date(), until=asked.until.date())
        states = await read_states(connection, since=asked.since.timestamp(), until=asked.until.timestamp())
    return views.JudgeView(
        model=judge.model,
        budget_nanousd=int(judge.budget_usd * _NANO),
        spent=[views.SpentView(day=each.day, nanousd=each.nanousd, calls=each.calls) for each in spent],
        states=states,
    )
