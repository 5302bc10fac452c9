"""The figures of quality: questions of the sums, and of single scores only for the worst answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.rows import class_row

Dimension: TypeAlias = Literal["tenant", "assistant", "release", "target"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
Step: TypeAlias = Literal["hour", "day", "month"]
Order: TypeAlias = Literal["worst", "newest"]
_ORDERS: Final[Mapping[Order, sql.SQL]] = {"worst": sql.SQL("score, at DESC"), "newest": sql.SQL("at DESC")}
_SCORES: Final = sql.SQL("sum(answers)::bigint, sum(passed)::bigint, sum(scores)::bigint, sum(squares)::bigint")


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


def keys_of(asked: Asked) -> list[sql.Composable]:
    """What is grouped by: the step first."""
    keys: list[sql.Composable] = [sql.Identifier(name) for name in asked.by]
    if asked.step is not None:
        keys.insert(0, sql.SQL("date_trunc({}, at, {})").format(sql.Literal(asked.step), sql.Literal(asked.zone.key)))
    return keys


async def ask(
    connection: psycopg.AsyncConnection, asked: Asked, *, check: str | None, name: Literal["check", "verdict"]
) -> list[Line]:
    """Sums of one check (None: of each that is a check), by group and by `name`."""
    terms, values = terms_of(asked)
    keys = [*keys_of(asked), sql.Identifier(name)]
    head = sql.SQL(", ").join(keys)
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys)))
    chosen = sql.SQL("\"check\" <> 'answer'") if check is None else sql.SQL('"check" = {}').format(sql.Literal(check))
    query = sql.SQL("SELECT {}, {} FROM quality_hours WHERE {} AND {} GROUP BY {} ORDER BY {}").format(
        head, _SCORES, chosen, terms, groups, groups
    )
    rows = await (await connection.execute(query, values)).fetchall()
    return [_line(asked, row) for row in rows]


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
