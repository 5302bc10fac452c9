"""What people said of answers, beside what checks say: counted by tenant, assistant and time."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from penstock.watch.quality.figures import Asked

_WHOM = frozenset({"tenant", "assistant"})


@dataclass(slots=True)
class Said:
    good: int = 0
    bad: int = 0
    ratings: int = 0
    rated: int = 0
    corrections: int = 0


def is_known(asked: Asked) -> bool:
    """Whether it is counted by what was asked: nobody says of which release or target an answer was."""
    return {*asked.by, *asked.filters} <= _WHOM


async def read_said(connection: psycopg.AsyncConnection, asked: Asked) -> dict[tuple[object, ...], Said]:
    """By step and group."""
    verdicts = (
        "count(*) FILTER (WHERE s.verdict = 'good'), count(*) FILTER (WHERE s.verdict = 'bad')",
        sql.SQL("feedback AS s"),
        "s.model",
        sql.SQL("s.place IS NOT NULL"),
    )
    remarks = (
        "count(s.rating), coalesce(sum(s.rating), 0)::bigint, count(s.correction)",
        sql.SQL("remarks AS s"),
        "s.assistant",
        sql.SQL("s.assistant IS NOT NULL"),
    )
    found: dict[tuple[object, ...], Said] = {}
    for key, good, bad in await _rows(connection, asked, verdicts):
        said = found.setdefault(key, Said())
        said.good, said.bad = good, bad
    for key, rated, ratings, corrections in await _rows(connection, asked, remarks):
        said = found.setdefault(key, Said())
        said.rated, said.ratings, said.corrections = rated, ratings, corrections
    return found


async def _rows(
    connection: psycopg.AsyncConnection, asked: Asked, told: tuple[str, sql.SQL, str, sql.SQL]
) -> list[tuple[tuple[object, ...], *tuple[int, ...]]]:
    sums, source, model, known = told
    columns = {"tenant": sql.SQL("s.tenant"), "assistant": sql.SQL(model)}  # type: ignore[arg-type] # words of ours
    keys: list[sql.Composable] = [columns[name] for name in asked.by]
    if asked.step is not None:
        step, zone = sql.Literal(asked.step), sql.Literal(asked.zone.key)
        keys.insert(0, sql.SQL("date_trunc({}, to_timestamp(s.at), {})").format(step, zone))
    terms: list[sql.Composable] = [known, sql.SQL("s.at >= %s AND s.at < %s")]
    values: list[object] = [asked.since.timestamp(), asked.until.timestamp()]
    for name, value in asked.filters.items():
        terms.append(sql.SQL("{} = %s").format(columns[name]))
        values.append(value)
    groups = sql.SQL(", ").join([sql.Literal(place + 1) for place in range(len(keys))])
    query = sql.SQL("SELECT {} FROM {} WHERE {}{}").format(
        sql.SQL(", ").join([*keys, sql.SQL(sums)]),  # type: ignore[arg-type] # words of ours
        source,
        sql.SQL(" AND ").join(terms),
        sql.SQL(" GROUP BY ") + groups if keys else sql.SQL(""),
    )
    rows = await (await connection.execute(query, values)).fetchall()
    return [(tuple(row[: len(keys)]), *row[len(keys) :]) for row in rows]
