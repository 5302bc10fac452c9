"""The figures' SQL: questions of the sums, over indexes on view and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from penstock.core.errors import MalformedRequest
from penstock.watch.figures.question import Question
from penstock.watch.figures.reading import rows_of
from penstock.watch.figures.sums import Sums, Times
from penstock.watch.rollups.batch import SUMS
from penstock.watch.rollups.views import TALLIED

_HISTOGRAMS: Final[tuple[tuple[Times, str], ...]] = (("durations", "duration_counts"), ("firsts", "first_counts"))
_HASHED: Final = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'"
"""How long arrays are, the planner guesses too low: it would sort hundreds of thousands of buckets, on disk, of which a
hash table adds a third of a million up in a tenth of a second."""
_SUMMED = sql.SQL(", ").join(sql.SQL("sum(r.{})::bigint").format(sql.Identifier(name)) for name in SUMS)


@dataclass(frozen=True, slots=True)
class Line:
    """One group of one step: `at` is the step's beginning, None where there are none; `group` in the order asked."""

    at: datetime | None
    group: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Tally:
    """How often `name` happened in the step that begins `at`, None where there are no steps."""

    at: datetime | None
    group: tuple[str, ...]
    name: str
    amount: int


_Query = tuple[sql.Composed, list[object]]


async def ask(connection: psycopg.AsyncConnection, question: Question) -> list[Line]:
    """The sums of each group with exchanges, in order of time and then of group.

    Raises `MalformedRequest` and `psycopg.Error`.
    """
    async with connection.transaction():
        await connection.execute(_HASHED)
        found = [await (await connection.execute(*query)).fetchall() for query in _queries(question)]
    return _lines(question, found)


def ask_now(connection: psycopg.Connection, question: Question) -> list[Line]:
    """As `ask`, for threads that have no event loop."""
    with connection.transaction():
        connection.execute(_HASHED)
        found = [connection.execute(*query).fetchall() for query in _queries(question)]
    return _lines(question, found)


async def ask_tallies(connection: psycopg.AsyncConnection, question: Question, prefixes: Sequence[str]) -> list[Tally]:
    """How often each thing whose name begins so happened: by tenant, assistant, release or outcome at most."""
    rows = await (await connection.execute(*_tally_query(question, prefixes))).fetchall()
    return [_tally(question, row) for row in rows]


def ask_tallies_now(connection: psycopg.Connection, question: Question, prefixes: Sequence[str]) -> list[Tally]:
    """As `ask_tallies`, for threads that have no event loop."""
    return [_tally(question, row) for row in connection.execute(*_tally_query(question, prefixes)).fetchall()]


def _queries(question: Question) -> list[_Query]:
    source, arguments = rows_of(question, "rollup_", view=question.view.number)
    chosen, values = _chosen(question, view=question.view.number)
    arguments = [*arguments, *values]
    keys = _keys(question)
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys) + 1))
    head = sql.SQL(", ").join([sql.SQL("s.outcome"), *keys])
    queries: list[_Query] = [
        (
            sql.SQL(
                "SELECT {}, {} FROM ({}) AS r JOIN rollup_series AS s ON s.id = r.series WHERE {} GROUP BY {}"
            ).format(head, _SUMMED, source, chosen, groups),
            arguments,
        )
    ]
    for buckets, counts in _HISTOGRAMS:
        if buckets in question.times:
            histogram = sql.SQL(
                "SELECT {head}, sum(h.n)::bigint FROM ({source}) AS r JOIN rollup_series AS s ON s.id = r.series,"
                " unnest(r.{buckets}, r.{counts}) AS h (bucket, n) WHERE {chosen} GROUP BY {groups}"
            ).format(
                head=sql.SQL(", ").join([sql.SQL("h.bucket"), *keys]),
                source=source,
                buckets=sql.Identifier(buckets),
                counts=sql.Identifier(counts),
                chosen=chosen,
                groups=groups,
            )
            queries.append((histogram, arguments))
    return queries


def _tally_query(question: Question, prefixes: Sequence[str]) -> _Query:
    others = {*question.by, *question.filters} - set(TALLIED.dimensions)
    if others:
        raise MalformedRequest(f"What happened is not counted by {' and '.join(sorted(others))}.", field="by")
    source, arguments = rows_of(question, "rollup_tally_", view=None)
    chosen, values = _chosen(question, view=None)
    arguments = [*arguments, *values]
    keys = _keys(question)
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys) + 1))
    query = sql.SQL(
        "SELECT r.name, {head}sum(r.amount)::bigint FROM ({source}) AS r JOIN rollup_series AS s ON s.id = r.series"
        " WHERE {chosen} AND r.name LIKE ANY(%s) GROUP BY {groups} ORDER BY {groups}"
    ).format(
        head=sql.SQL("").join([each + sql.SQL(", ") for each in keys]),
        source=source,
        chosen=chosen,
        groups=groups,
    )
    return query, [*arguments, [_like(prefix) for prefix in prefixes]]


def _like(prefix: str) -> str:
    for special in ("\\", "%", "_"):
        prefix = prefix.replace(special, "\\" + special)
    return prefix + "%"


def _chosen(question: Question, *, view: int | None) -> tuple[sql.Composed, list[object]]:
    terms: list[sql.Composable] = [sql.SQL("true")]
    arguments: list[object] = []
    if view is not None:
        terms.append(sql.SQL("s.view = %s"))
        arguments.append(view)
    for name, value in question.filters.items():
        terms.append(sql.SQL("s.{} = %s").format(sql.Identifier(name)))
        arguments.append(value)
    return sql.SQL(" AND ").join(terms), arguments


def _keys(question: Question) -> list[sql.Composable]:
    """What is grouped by, besides the outcome or the name: the step first."""
    keys: list[sql.Composable] = [sql.SQL("s.{}").format(sql.Identifier(name)) for name in question.by]
    if question.step is None:
        return keys
    zone = sql.Literal(question.zone.key)
    return [sql.SQL("date_trunc({}, r.at, {})").format(sql.Literal(question.step), zone), *keys]


def _lines(question: Question, found: Sequence[Sequence[tuple[Any, ...]]]) -> list[Line]:
    has_step = question.step is not None
    width = len(question.by) + has_step
    lines: dict[tuple[Any, ...], Sums] = {}
    for outcome, *rest in found[0]:
        sums = lines.setdefault(tuple(rest[:width]), Sums())
        for name, amount in zip(SUMS, rest[width:], strict=True):
            setattr(sums, name, getattr(sums, name) + amount)
        sums.outcomes[outcome] = sums.outcomes.get(outcome, 0) + rest[width]
    asked = [name for name, _ in _HISTOGRAMS if name in question.times]
    for name, rows in zip(asked, found[1:], strict=True):
        for bucket, *rest in rows:
            getattr(lines[tuple(rest[:width])], name)[bucket] = rest[width]
    return [
        Line(key[0] if has_step else None, tuple(key[has_step:]), sums)
        for key, sums in sorted(lines.items(), key=lambda item: item[0])
    ]


def _tally(question: Question, row: tuple[Any, ...]) -> Tally:
    name, *rest, amount = row
    has_step = question.step is not None
    return Tally(rest[0] if has_step else None, tuple(rest[has_step:]), name, amount)
