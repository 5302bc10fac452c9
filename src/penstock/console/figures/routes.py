"""`/admin/v1/figures`: what was settled, as figures; read from the sums that are written with the ledger."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import Field

from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.figures import views
from penstock.console.figures.asked_time import DAY, AskedTime, Value
from penstock.console.plane import ControlPlane
from penstock.core.errors import MalformedRequest
from penstock.watch.figures.catalog import FIGURES, Figure, figures_named
from penstock.watch.figures.made_of import sums_of
from penstock.watch.figures.question import Question, Step
from penstock.watch.figures.store import Line, ask, ask_tallies
from penstock.watch.figures.sums import Times
from penstock.watch.rollups.keeping import kept_since
from penstock.watch.rollups.views import DIMENSIONS, Dimension

router = admin_router("/figures", "figures")


class Asked(AskedTime):
    """Without times it is about the last day; what is asked about is widened to whole minutes, or to whole hours where
    it is longer than six.
    """

    step: Annotated[Step | None, Field(description="A line for each; absent, one for the whole range.")] = None
    by: Annotated[list[Dimension], Field(default=[], max_length=4, description="A line for each value.")]
    tenant: Value = None
    project: Value = None
    key: Value = None
    assistant: Value = None
    release: Value = None
    target: Value = None
    feature: Value = None
    region: Value = None
    outcome: Value = None

    def question(self, call: Call, *, times: frozenset[Times] = frozenset()) -> Question:
        """What is meant by it, as far as the caller sees it.  Raises `MalformedRequest` and `UnknownTenant`."""
        since, until = self.bounds(call.now, DAY)
        given = {name: getattr(self, name) for name in DIMENSIONS} | {"tenant": call.narrowed(self.tenant)}
        return Question(
            since=since,
            until=until,
            by=tuple(dict.fromkeys(self.by)),
            filters={name: value for name in DIMENSIONS if (value := given[name]) is not None},
            step=self.step,
            zone=self.days_of(),
            times=times,
        )


class AskedFigures(Asked):
    figure: Annotated[list[str], Field(min_length=1, max_length=40, description="By name; again for more.")]


class AskedTallies(Asked):
    prefix: Annotated[
        list[Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]],
        Field(min_length=1, max_length=20, description="What the names begin with, such as `masked:`."),
    ]


@router.get("/catalog", openapi_extra=needs("figures.read"))
def catalog() -> list[views.FigureView]:
    """Every figure that there is."""
    return [_shown(figure) for figure in FIGURES.values()]


@router.get("", openapi_extra=needs("figures.read"), responses=errors(404))
async def figures(plane: Plane, call: Caller, asked: Annotated[AskedFigures, Query()]) -> views.FiguresView:
    """Figures of the exchanges of a time, by step and dimension."""
    chosen = figures_named(dict.fromkeys(asked.figure))
    times: frozenset[Times] = frozenset(time for figure in chosen for time in figure.times)
    question = replace(asked.question(call, times=times), sums=sums_of(chosen))
    require_kept(plane, question, call.now)
    since, until = question.aligned()
    async with plane.database.connection() as connection:
        lines = await ask(connection, question)
    return views.FiguresView(
        since=since,
        until=until,
        grain=question.grain,
        step=question.step,
        zone=question.zone.key,
        figures=[_shown(figure) for figure in chosen],
        lines=[_line(question, line, chosen) for line in lines],
    )


@router.get("/tallies", openapi_extra=needs("figures.read"), responses=errors(404))
async def tallies(plane: Plane, call: Caller, asked: Annotated[AskedTallies, Query()]) -> views.TalliesView:
    """How often things happened: what was masked, found, refused, retried, and why calls failed."""
    question = asked.question(call)
    require_kept(plane, question, call.now)
    since, until = question.aligned()
    async with plane.database.connection() as connection:
        found = await ask_tallies(connection, question, asked.prefix)
    return views.TalliesView(
        since=since,
        until=until,
        grain=question.grain,
        step=question.step,
        zone=question.zone.key,
        tallies=[
            views.TallyView(
                at=each.at, group=dict(zip(question.by, each.group, strict=True)), name=each.name, amount=each.amount
            )
            for each in found
        ],
    )


def require_kept(plane: ControlPlane, question: Question, now: datetime) -> None:
    """Raises `MalformedRequest` where it would be answered from minutes that are gone: as nothing, which is wrong."""
    days = plane.config.ledger.minute_sums_days
    if question.grain == "minute" and question.since < kept_since(now, days):
        msg = f"Sums by the minute are kept for {days:g} days: ask by the hour, for more than six of them."
        raise MalformedRequest(msg, field="since")


def _shown(figure: Figure) -> views.FigureView:
    return views.FigureView(
        name=figure.name,
        title=figure.title,
        meaning=figure.meaning,
        unit=figure.unit,
        is_total=figure.is_total,
        better=figure.better,
    )


def _line(question: Question, line: Line, chosen: Sequence[Figure]) -> views.LineView:
    return views.LineView(
        at=line.at,
        group=dict(zip(question.by, line.group, strict=True)),
        values={figure.name: figure.value(line.sums) for figure in chosen},
    )
