"""The traffic of long times, told from the sums: a month of it may be millions of rows of the ledger.

Sums are kept by what an exchange can be priced by (`watch.rollups.pricing`), by the hour.  An hour within which a price
changes is read from its rows.  Percentiles are those of the histograms, within half a percent.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from penstock.console.money.store import Span
from penstock.console.money.traffic import LeftOutRow, MeasuredRow, Prices, Traffic, TrafficRow, read_traffic
from penstock.watch.figures.question import Question
from penstock.watch.figures.reading import of_view, rows_of_hours, terms_of
from penstock.watch.figures.store import ask
from penstock.watch.rollups.pricing import REASONS, lengths_of
from penstock.watch.rollups.recount import is_owed
from penstock.watch.rollups.tables import SUMS_OF_SERIES
from penstock.watch.rollups.views import MOST_VALUES, NONE, OTHER, VIEWS, Dimension, View

_HOUR: Final = timedelta(hours=1)
_FAILED: Final = ("upstream_failed", "deadline")
_SHARES: Final = (0.5, 0.95)
_SUMS: Final = sql.SQL(
    "SELECT s.target, s.pricing, {numbers} FROM ({rows}) AS r JOIN rollup_series AS s ON s.id = r.series"
    " WHERE {chosen} AND s.target <> '' AND s.pricing IS DISTINCT FROM '' GROUP BY 1, 2"
)
_KNOWN: Final = "SELECT count(*), count(*) FILTER (WHERE value = %s) FROM rollup_values WHERE dimension = %s"


async def read_kept(connection: psycopg.AsyncConnection, span: Span, prices: Prices) -> Traffic | None:
    """Of the whole hours that `span` touches.  `connection` is in a transaction of one moment.

    None where the sums do not tell it: of a short time, of a ledger or of exchanges from before sums were kept so, of a
    tenant, model or target beyond those that are kept by name, or of prices that change at other lengths.
    """
    asked = Question(
        since=span.since,
        until=span.until,
        by=("target",),
        filters={} if span.tenant is None else {"tenant": span.tenant},
        times=frozenset({"durations", "firsts"}),
        sums=frozenset(),
    )
    if asked.grain != "hour" or await is_owed(connection):
        return None
    filters = _filters(span)
    for dimension, value in filters.items():
        if not await _is_known(connection, dimension, value):
            return None
    since, until = asked.aligned()
    span = replace(span, since=since, until=until)
    found = _Found(prices.lengths)
    for piece in _pieces(span, [cut for cut in prices.cuts if span.since < cut < span.until]):
        if piece.has_cut:
            found.add_rows(*await read_traffic(connection, replace(span, since=piece.since, until=piece.until), prices))
        elif not found.add_sums(piece.since, await _read_sums(connection, piece, filters)):
            return None
    return Traffic(span, found.rows, found.left_out(), await _read_measured(connection, asked))


class _Piece(NamedTuple):
    """Whole hours without a change of prices; or, where it `has_cut`, one hour with some."""

    since: datetime
    until: datetime
    has_cut: bool


def _pieces(span: Span, cuts: Sequence[datetime]) -> Iterator[_Piece]:
    """`cuts` are within the span, in order."""
    since = span.since
    for cut in cuts:
        hour = _floor(cut)
        if since < hour:
            yield _Piece(since, hour, has_cut=False)
            since = hour
        if hour < cut and since == hour:
            yield _Piece(hour, hour + _HOUR, has_cut=True)
            since = hour + _HOUR
    if since < span.until:
        yield _Piece(since, span.until, has_cut=False)


class _Sum(NamedTuple):
    """Of the exchanges of one target that are priced alike; `pricing` is None where nobody kept that."""

    target: str
    pricing: str | None
    exchanges: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_nanousd: int


class _Found:
    """What has been read so far."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.rows: list[TrafficRow] = []
        self._lengths = lengths
        self._left_out: defaultdict[str, list[LeftOutRow]] = defaultdict(list)

    def add_rows(self, rows: Sequence[TrafficRow], left_out: Sequence[LeftOutRow]) -> None:
        self.rows += rows
        for each in left_out:
            self._left_out[each.reason].append(each)

    def add_sums(self, since: datetime, sums: Sequence[_Sum]) -> bool:
        """False where they do not tell what is asked."""
        for each in sums:
            if each.pricing is None or each.target == OTHER:
                return False
            if each.pricing in REASONS:
                self._left_out[each.pricing].append(LeftOutRow(each.pricing, each.exchanges, each.cost_nanousd))
                continue
            lengths = lengths_of(each.pricing)
            if any(map(lengths.is_cut, self._lengths)):
                return False
            target, _, exchanges, *amounts = each
            self.rows.append(TrafficRow(target, exchanges, since, lengths.least, *amounts))
        return True

    def left_out(self) -> list[LeftOutRow]:
        """By reason, in their order."""
        return [
            LeftOutRow(reason, sum(each.exchanges for each in rows), sum(each.cost_nanousd for each in rows))
            for reason, rows in sorted(self._left_out.items())
        ]


def _filters(span: Span) -> dict[Dimension, str]:
    named: Mapping[Dimension, str | None] = {"tenant": span.tenant, "assistant": span.model}
    return {dimension: value for dimension, value in named.items() if value is not None}


async def _is_known(connection: psycopg.AsyncConnection, dimension: Dimension, value: str) -> bool:
    """Whether sums are kept by this value, or would be if there were exchanges of it."""
    row = await (await connection.execute(_KNOWN, (value, dimension))).fetchone()
    return row is not None and (row[1] > 0 or row[0] < MOST_VALUES[dimension])


async def _read_sums(
    connection: psycopg.AsyncConnection, piece: _Piece, filters: Mapping[Dimension, str]
) -> list[_Sum]:
    view = _view(filters)
    rows = rows_of_hours((piece.since, piece.until), SUMS_OF_SERIES, of_view(view.number, filters))
    terms = [sql.SQL("s.view = {}").format(sql.Literal(view.number)), *terms_of(filters, of="s.")]
    query = _SUMS.format(
        numbers=sql.SQL(", ").join(map(rows.summed, _Sum._fields[2:])),
        rows=rows.query,
        chosen=sql.SQL(" AND ").join(terms),
    )
    return [_Sum(*row) for row in await (await connection.execute(query, rows.arguments)).fetchall()]


def _view(filters: Mapping[Dimension, str]) -> View:
    """The smallest that keeps by what exchanges are priced, and has these dimensions."""
    wanted = {"target", "pricing", *filters}
    return next(view for view in VIEWS if "hour" in view.grains and wanted.issubset(view.dimensions))


async def _read_measured(connection: psycopg.AsyncConnection, asked: Question) -> list[MeasuredRow]:
    """How the exchanges of every target went, whatever model was asked for."""
    return [
        MeasuredRow(
            line.group[0],
            line.sums.exchanges,
            sum(line.sums.outcomes.get(outcome, 0) for outcome in _FAILED),
            [line.sums.percentile("durations", share) for share in _SHARES],
            [line.sums.percentile("firsts", share) for share in _SHARES],
        )
        for line in await ask(connection, asked)
        if line.group[0] != NONE
    ]


def _floor(at: datetime) -> datetime:
    """To the hour of UTC, in which `at` is."""
    return at.replace(minute=0, second=0, microsecond=0)
