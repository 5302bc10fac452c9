"""`/admin/v1/objectives`: what was promised to callers, and how much of what may go badly is used up."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.figures.asked_time import DAY, AskedTime, Value
from penstock.console.figures.routes import require_kept
from penstock.console.plane import ControlPlane
from penstock.core.errors import PenstockError
from penstock.watch.figures.question import Question
from penstock.watch.objectives.objective import Count, Objective, Standing, burn, objectives_of, reached
from penstock.watch.objectives.reading import count_in, daily, stand
from penstock.watch.rules.evaluator import SETTLE_S


class UnknownObjective(PenstockError):
    code = "unknown_objective"
    status = 404


router = admin_router("/objectives", "alerts")


class ReachedView(BaseModel):
    """What was promised and what was reached, of the exchanges that the caller sees.  Shares are between 0 and 1."""

    name: str
    kind: Literal["availability", "latency"]
    assistant: str | None = Field(description="Null for all.")
    within_s: float | None
    of: Literal["duration", "first_event"]
    target: float
    since: datetime
    until: datetime
    exchanges: int = Field(description="Those that count.")
    bad: int
    reached: float | None = Field(description="The share that went well; null without exchanges.")
    consumed: float | None = Field(description="Of the share that may go badly; above 1 where the objective is missed.")


class ObjectiveView(ReachedView):
    """How an objective stands in its own window."""

    window_days: int
    budget: float = Field(description="The share that may go badly.")
    remaining: float | None
    burn: dict[str, float | None] = Field(description="How many times too fast, by window; 1 uses up just all.")
    exhausted_at: datetime | None = Field(description="If all goes on as in the last day; null where it will not be.")


class DayView(BaseModel):
    """One day of UTC.  `burn` 1 uses up in the window just what may go badly."""

    at: datetime
    exchanges: int
    bad: int
    reached: float | None
    burn: float | None


@router.get("", openapi_extra=needs("figures.read"))
async def objectives(plane: Plane, call: Caller) -> list[ObjectiveView]:
    """Every objective of the configuration."""
    until = _until(plane)
    async with plane.database.connection() as connection:
        return [
            _view(objective, await stand(connection, objective, until, tenant=call.scope), until)
            for objective in objectives_of(plane.config.objectives)
        ]


class AskedReached(AskedTime):
    """Without times it is about the last day."""

    tenant: Value = None


@router.get("/reached", openapi_extra=needs("figures.read"), responses=errors(404))
async def reached_in(plane: Plane, call: Caller, asked: Annotated[AskedReached, Query()]) -> list[ReachedView]:
    """What was reached of each objective in any time, such as a month: widened to whole hours, or minutes where it is
    short.
    """
    since, until = asked.bounds(call.now, DAY)
    # In steps of the zone's months the sums are read by the minute where those begin within an hour.
    question = Question(since=since, until=until, step="month", zone=asked.days_of())
    require_kept(plane, question, call.now)
    tenant = call.narrowed(asked.tenant)
    async with plane.database.connection() as connection:
        counts = [
            (each, await count_in(connection, each, question, tenant=tenant))
            for each in objectives_of(plane.config.objectives)
        ]
    return [ReachedView(**_reached(objective, counted, question.aligned())) for objective, counted in counts]


@router.get("/{name}/history", openapi_extra=needs("figures.read"), responses=errors(404))
async def history(
    plane: Plane, call: Caller, name: Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]
) -> list[DayView]:
    """Each day of its window, the oldest first.  The first is cut where the window begins, the last is not over."""
    objective = next((each for each in objectives_of(plane.config.objectives) if each.name == name), None)
    if objective is None:
        raise UnknownObjective("There is no such objective in the configuration.")
    until = _until(plane)
    async with plane.database.connection() as connection:
        counts = await daily(connection, objective, until, tenant=call.scope)
    return [
        DayView(at=at, exchanges=each.total, bad=each.bad, reached=reached(each), burn=burn(objective, each))
        for at, each in counts
    ]


def _until(plane: ControlPlane) -> datetime:
    return datetime.fromtimestamp((plane.clock.now() - SETTLE_S) // 60 * 60, UTC)


def _view(objective: Objective, standing: Standing, until: datetime) -> ObjectiveView:
    days, left_s = objective.settings.window_days, standing.exhausted_in_s
    return ObjectiveView(
        **_reached(objective, standing.count, (until - timedelta(days=days), until)),
        window_days=days,
        budget=standing.allowed,
        remaining=standing.remaining,
        burn=standing.burn,
        exhausted_at=None if left_s is None else until + timedelta(seconds=left_s),
    )


def _reached(objective: Objective, counted: Count, span: tuple[datetime, datetime]) -> dict[str, Any]:
    settings = objective.settings
    return {
        "name": objective.name,
        "kind": settings.kind,
        "assistant": settings.assistant,
        "within_s": settings.within_s,
        "of": settings.of,
        "target": settings.target,
        "since": span[0],
        "until": span[1],
        "exchanges": counted.total,
        "bad": counted.bad,
        "reached": reached(counted),
        "consumed": burn(objective, counted),
    }
