"""`/admin/v1/objectives`: what was promised to callers, and how much of what may go badly is used up."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, needs
from penstock.watch.objectives.objective import Objective, Standing
from penstock.watch.objectives.reading import objectives_of, stand
from penstock.watch.rules.evaluator import SETTLE_S

router = APIRouter(prefix="/objectives", tags=["alerts"])


class ObjectiveView(BaseModel):
    """How an objective stands, of the exchanges that the caller sees.  Shares are between 0 and 1."""

    name: str
    kind: Literal["availability", "latency"]
    assistant: str | None = Field(description="Null for all.")
    within_s: float | None
    of: Literal["duration", "first_event"]
    target: float
    window_days: int
    since: datetime
    until: datetime
    exchanges: int = Field(description="Those that count.")
    bad: int
    reached: float | None = Field(description="The share that went well; null without exchanges.")
    budget: float = Field(description="The share that may go badly.")
    consumed: float | None = Field(description="Of the budget; above 1 where the objective is missed.")
    remaining: float | None
    burn: dict[str, float | None] = Field(description="How many times too fast, by window; 1 uses up just all.")
    exhausted_at: datetime | None = Field(description="If all goes on as in the last day; null where it will not be.")


@router.get("", openapi_extra=needs("figures.read"))
async def objectives(plane: Plane, call: Caller) -> list[ObjectiveView]:
    """Every objective of the configuration."""
    until = datetime.fromtimestamp((plane.clock.now() - SETTLE_S) // 60 * 60, UTC)
    async with plane.database.connection() as connection:
        return [
            _view(objective, await stand(connection, objective, until, tenant=call.scope), until)
            for objective in objectives_of(plane.config.objectives)
        ]


def _view(objective: Objective, standing: Standing, until: datetime) -> ObjectiveView:
    settings = objective.settings
    left_s = standing.exhausted_in_s
    return ObjectiveView(
        name=objective.name,
        kind=settings.kind,
        assistant=settings.assistant,
        within_s=settings.within_s,
        of=settings.of,
        target=settings.target,
        window_days=settings.window_days,
        since=until - timedelta(days=settings.window_days),
        until=until,
        exchanges=standing.count.total,
        bad=standing.count.bad,
        reached=standing.reached,
        budget=standing.allowed,
        consumed=standing.consumed,
        remaining=standing.remaining,
        burn=standing.burn,
        exhausted_at=None if left_s is None else until + timedelta(seconds=left_s),
    )
