"""The figures of quality: questions of the sums, and of single scores only for the worst answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from penstock.watch.figures import reading as figures
from penstock.watch.quality.sums import AMOUNTS, DIMENSIONS, Dimension, view_for
from penstock.watch.rollups.tables import QUALITY

Step: TypeAlias = Literal["hour", "day", "month"]
Order: TypeAlias = Literal["worst", "newest"]
_AT: Final = sql.SQL("at")
_ORDERS: Final[Mapping[Order, sql.SQL]] = {"worst": sql.SQL("score, at DESC"), "newest": sql.SQL("at DESC")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`since` and `until` are whole hours; `filters` are values of dimensions, `""` for answers that have none."""

    since: datetime
    until: datetime
    by: tuple[Dimension, ...] = ()
    filters: Mapping[Dimension, str]
    step: Step | None = None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Line:
    """`name` is a verdict, or a check, as was asked; `at` None where there are no steps."""

    at: datetime | None
    group: tuple[str, ...]
    name: str
    answers: int
    passed: int
    scores: int
    squares: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`why` are the checks that found something, with what."""

    exchange: str
    tenant: str
    assistant: str
    release: str
    target: str
    at: datetime
    score: int
    verdict: str
    why: list[list[str]] | None


def terms_of(asked: Asked, columns: Sequence[str] = DIMENSIONS) -> tuple[sql.Composed, list[object]]:
    """The times and the filters, for a table with `at` and these columns."""
    terms: list[sql.Composable] = [sql.SQL("at >= %s AND at < %s")]
    values: list[object] = [asked.since, asked.until]
    for name, value in asked.filters.items():
        if name in columns:
            terms.append(sql.SQL("{} = %s").format(sql.Identifier(name)))
            values.append(value)
    return sql.SQL(" AND ").join(terms), values


def keys_of(asked: Asked, at: sql.Composable = _AT) -> list[sql.Composable]:
    """What is grouped by: the step first, in which `at` lies."""
    keys: list[sql.Composable] = [sql.Identifier(name) for name in asked.by]
    if asked.step is not None:
        step, zone = sql.Literal(asked.step), sql.Literal(asked.zone.key)
        keys.insert(0, sql.SQL("date_trunc({}, {}, {})").format(step, at, zone))
    return keys


async def ask(
    connection: psycopg.AsyncConnection, asked: Asked, *, check: str | None, name: Literal["check", "verdict"]
) -> list[Line]:
    """Sums of one check (None: of each that is a check), by group and by `name`."""
    of_check: sql.Composable = sql.SQL("\"check\" <> 'answer'")
    if check is not None:
        of_check = sql.SQL('"check" = {}').format(sql.Literal(check))
    of_view = sql.SQL("view = {}").format(sql.Literal(view_for({*asked.by, *asked.filters}).number))
    terms = [of_view, of_check, *figures.terms_of({**asked.filters})]
    rows = figures.rows_of_hours(
        (asked.since, asked.until),
        QUALITY,
        sql.SQL("").join([each + sql.SQL(" AND ") for each in terms]),
        step=asked.step,
        zone=asked.zone,
    )
    keys = [*keys_of(asked, rows.at), sql.Identifier(name)]
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys)))
    query = sql.SQL("SELECT {}, {} FROM ({}) AS r GROUP BY {} HAVING {} <> 0 ORDER BY {}").format(
        sql.SQL(", ").join(keys),
        sql.SQL(", ").join(map(rows.summed, AMOUNTS)),
        rows.query,
        groups,
        rows.summed(AMOUNTS[0]),
        groups,
    )
    found = await (await connection.execute(query, rows.arguments)).fetchall()
    return [_line(asked, row) for row in found]


def _line(asked: Asked, row: tuple[Any, ...]) -> Line:
    has_step = asked.step is not None
    *keys, name, answers, passed, scores, squares = row
    group = tuple(str(each) for each in keys[has_step:])
    return Line(keys[0] if has_step else None, group, name, answers, passed, scores, squares)


async def answers(
    connection: psycopg.AsyncConnection, asked: Asked, *, check: str, verdicts: Sequence[str], order: Order, most: int
) -> list[Answer]:
    """Answers that were looked at, of these verdicts if there are any: `worst` are not those that are perfect, the
    latest first among equals; `newest` are all.
    """
    terms, values = terms_of(asked)
    chosen: list[sql.Composable] = [sql.SQL('"check" = {}').format(sql.Literal(check)), terms]
    if verdicts:
        chosen.append(sql.SQL("verdict = ANY ({})").format(sql.Literal(list(verdicts))))
    if order == "worst":
        chosen.append(sql.SQL("score < 1000"))
    # What checks found beside is looked up for these few alone.
    query = sql.SQL(
        "SELECT s.exchange, s.tenant, s.assistant, s.release, s.target, s.at, s.score, s.verdict,"
        ' (SELECT array_agg(ARRAY[w."check", w.verdict] ORDER BY w."check") FROM quality_scores AS w'
        "  WHERE w.exchange = s.exchange AND w.\"check\" <> 'answer') AS why"
        " FROM (SELECT * FROM quality_scores WHERE {} ORDER BY {} LIMIT {}) AS s ORDER BY {}"
    ).format(sql.SQL(" AND ").join(chosen), _ORDERS[order], sql.Literal(most), _ORDERS[order])
    async with connection.cursor(row_factory=class_row(Answer)) as cursor:
        return await (await cursor.execute(query, values)).fetchall()
