"""What objectives are counted from, for threads (rules) and for the event loop (the admin API)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg

from penstock.watch.figures.question import Question
from penstock.watch.figures.store import ask
from penstock.watch.figures.sums import Sums
from penstock.watch.objectives.objective import Count, Objective, Standing, count, standing
from penstock.watch.rollups.views import Dimension

WINDOWS: dict[str, timedelta] = {
    "5m": timedelta(minutes=5),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
}
"""Whose burn rates are shown."""


def question_of(objective: Objective, since: datetime, until: datetime, *, tenant: str | None = None) -> Question:
    """By outcome, since only some of them count."""
    filters: dict[Dimension, str] = {}
    if objective.settings.assistant is not None:
        filters["assistant"] = objective.settings.assistant
    if tenant is not None:
        filters["tenant"] = tenant
    return Question(since=since, until=until, by=("outcome",), filters=filters, times=objective.times)


async def stand(
    connection: psycopg.AsyncConnection, objective: Objective, until: datetime, *, tenant: str | None
) -> Standing:
    """As it is at `until`, of one tenant's exchanges or of all.  Raises `psycopg.Error`."""
    windows = {"": timedelta(days=objective.settings.window_days), **WINDOWS}
    counts: dict[str, Count] = {}
    for name, length in windows.items():
        lines = await ask(connection, question_of(objective, until - length, until, tenant=tenant))
        counts[name] = count(objective, (line.sums for line in lines))
    return standing(objective, counts.pop(""), counts)


async def count_in(
    connection: psycopg.AsyncConnection, objective: Objective, asked: Question, *, tenant: str | None
) -> Count:
    """Of the time that `asked` is about, read in its steps.  Raises `psycopg.Error`."""
    own = question_of(objective, asked.since, asked.until, tenant=tenant)
    lines = await ask(connection, replace(own, step=asked.step, zone=asked.zone))
    return count(objective, (line.sums for line in lines))


async def daily(
    connection: psycopg.AsyncConnection, objective: Objective, until: datetime, *, tenant: str | None
) -> list[tuple[datetime, Count]]:
    """Each day of UTC of its window with exchanges that count.  Raises `psycopg.Error`."""
    since = until - timedelta(days=objective.settings.window_days)
    question = replace(question_of(objective, since, until, tenant=tenant), step="day")
    days: dict[datetime, list[Sums]] = {}
    for line in await ask(connection, question):
        if line.at is not None:
            days.setdefault(line.at, []).append(line.sums)
    counted = ((at, count(objective, sums)) for at, sums in days.items())
    return [(at, each) for at, each in counted if each.total]


def counter(objective: Objective, read: Callable[[Question], Iterator[Sums]]) -> Callable[[datetime, datetime], Count]:
    """Counts any time of the objective, by whatever answers questions."""
    return lambda since, until: count(objective, read(question_of(objective, since, until)))
