"""Sums of whole days and months (UTC): made of those of hours once they are over, so that long times are read quickly.

A day whose sums are whole is closed, and so is a month.  Whoever adds to an hour of one, since a record came late,
reopens it in the same transaction: from then on its hours are read again, until it is closed anew.  The two meet at a
lock of the day and one of its month, which writers share and whoever closes has alone; he never waits for it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, LiteralString, NamedTuple, TypeAlias

import psycopg
from psycopg import sql

from penstock.core.clock import Clock
from penstock.watch.quality.sums import VIEWS as QUALITY_VIEWS
from penstock.watch.rollups.batch import SUMS
from penstock.watch.rollups.tables import CLOSED, QUALITY, SUMS_OF_SERIES, TALLIES, TALLIES_OF_ALL, VERSION, Tables
from penstock.watch.rollups.views import VIEWS

_LOCKS: Final = {"day": 0x70_73_01, "month": 0x70_73_02}
_GRACE: Final = timedelta(minutes=15)
"""After its end: what data planes have in their journals by then has come, as a rule."""
_EVERY_S: Final = 60.0
_REST_S: Final = 3600.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400

_REOPEN: LiteralString = "DELETE FROM rollup_closed WHERE grain = %s AND at = ANY(%s)"
_DUE_DAY: LiteralString = """
    SELECT date_trunc('day', h.at, 'UTC') AS day FROM rollup_hours AS h
    WHERE h.view = 0 AND h.at < %s AND date_trunc('day', h.at, 'UTC') <> ALL(%s) AND NOT EXISTS (
        SELECT FROM rollup_whole AS c WHERE c.grain = 'day' AND c.at = date_trunc('day', h.at, 'UTC'))
    ORDER BY h.at DESC LIMIT 1
"""
_DUE_MONTH: LiteralString = """
    SELECT date_trunc('month', d.at, 'UTC') AS month FROM rollup_whole AS d
    WHERE d.grain = 'day' AND d.at < %s AND date_trunc('month', d.at, 'UTC') <> ALL(%s) AND NOT EXISTS (
        SELECT FROM rollup_whole AS c WHERE c.grain = 'month' AND c.at = date_trunc('month', d.at, 'UTC'))
    ORDER BY d.at DESC LIMIT 1
"""
_HAS_OPEN_DAYS: LiteralString = """
    SELECT EXISTS (
        SELECT FROM rollup_hours AS h WHERE h.view = 0 AND h.at >= %(since)s AND h.at < %(until)s AND NOT EXISTS (
            SELECT FROM rollup_whole AS c WHERE c.grain = 'day' AND c.at = date_trunc('day', h.at, 'UTC')))
"""
_IN_ORDER: Final = sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(sql.Identifier(CLOSED))
"""First, as whoever writes does: else one that makes all sums anew and one that closes wait for each other."""
_QUALITY_VIEWS: Final = [view.number for view in QUALITY_VIEWS]
_KEYS: Final = next(view.number for view in VIEWS if "key" in view.dimensions)
_FORGET_KEYS: LiteralString = "DELETE FROM rollup_key_days WHERE at = %(since)s"
_USE_OF_KEYS: LiteralString = """
    INSERT INTO rollup_key_days (at, tenant, key, exchanges, busiest, hours)
    SELECT %(since)s, tenant, key, sum(n)::bigint, max(n)::bigint, bit_or(1 << h)
    FROM (
        SELECT s.tenant, s.key, extract(hour FROM r.at AT TIME ZONE 'UTC')::int AS h, sum(r.exchanges) AS n
        FROM rollup_hours AS r JOIN rollup_series AS s ON s.id = r.series
        WHERE r.view = %(keys)s AND r.at >= %(since)s AND r.at < %(until)s GROUP BY 1, 2, 3
    ) AS used
    GROUP BY tenant, key
"""
_CLOSED: LiteralString = """
    INSERT INTO rollup_closed (grain, at, version) VALUES (%(grain)s, %(since)s, %(version)s)
    ON CONFLICT (grain, at) DO UPDATE SET version = excluded.version
"""

_Grain: TypeAlias = Literal["hour", "day", "month"]
Span: TypeAlias = tuple[str, datetime]
"""`day` or `month`, and its beginning."""


class _Closing(NamedTuple):
    """Of which grain's sums those of a longer one are made."""

    source: _Grain
    grain: _Grain


_DAY: Final = _Closing("hour", "day")
_MONTH: Final = _Closing("day", "month")


def reopen(connection: psycopg.Connection, times: Iterable[int]) -> None:
    """These days and months are no longer whole; `times` are Unix seconds within.

    To be called within the transaction that adds to their hours, before it does.
    """
    days = sorted({_EPOCH + timedelta(days=at // _DAY_S) for at in times})
    for grain, starts in (("day", days), ("month", sorted({day.replace(day=1) for day in days}))):
        numbers = [_number(start) for start in starts]
        connection.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, n) FROM unnest(%s::int[]) AS n", (_LOCKS[grain], numbers)
        )
        connection.execute(_REOPEN, (grain, starts))


class RollupClosing:
    """`tend` often, from one thread: it closes one day or month with each call, while there are any to close.

    One that was closed, or to which somebody was adding, rests for an hour: where a clock is wrong and a day gets a
    record every second, it is not made anew each time, and keeps no other from being closed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_s = float("-inf")
        self._resting: dict[Span, float] = {}

    def tend(self, connection: psycopg.Connection) -> bool:
        """Whether one was closed.  `connection` is in autocommit.  Raises `psycopg.Error`; then the next call tries."""
        now_s = self._clock.monotonic()
        if now_s < self._next_s:
            return False
        self._resting = {span: until_s for span, until_s in self._resting.items() if until_s > now_s}
        span = due(connection, datetime.fromtimestamp(self._clock.now(), UTC) - _GRACE, self._resting)
        if span is None:
            self._next_s = now_s + _EVERY_S
            return False
        self._resting[span] = now_s + _REST_S
        return close(connection, span)


def close_one(connection: psycopg.Connection, now: datetime) -> bool:
    """Close the latest day that is over at `now` and not closed, or else the latest such month.

    False where there is none, or somebody adds to it just now.
    """
    span = due(connection, now, ())
    return span is not None and close(connection, span)


def due(connection: psycopg.Connection, now: datetime, resting: Collection[Span]) -> Span | None:
    """The latest day that is over and not closed, or else the latest such month; none of those that rest."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    wanted: Sequence[tuple[str, LiteralString, datetime]] = (
        ("day", _DUE_DAY, today),
        ("month", _DUE_MONTH, today.replace(day=1)),
    )
    for grain, query, before in wanted:
        row = connection.execute(query, (before, [start for each, start in resting if each == grain])).fetchone()
        if row is not None:
            return grain, row[0].astimezone(UTC)
    return None


def close(connection: psycopg.Connection, span: Span) -> bool:
    """False where somebody adds to it just now, or a day of the month is open."""
    grain, starts = span
    if grain == "day":
        return _close(connection, _DAY, starts, starts + timedelta(days=1))
    return _close(connection, _MONTH, starts, (starts + timedelta(days=31)).replace(day=1))


def _close(connection: psycopg.Connection, closing: _Closing, since: datetime, until: datetime) -> bool:
    """Made anew where it was there: a day that was reopened."""
    values = {"since": since, "until": until, "grain": closing.grain}
    with connection.transaction():
        connection.execute(_IN_ORDER)
        lock = (_LOCKS[closing.grain], _number(since))
        row = connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", lock).fetchone()
        if row is None or not row[0]:
            return False
        is_open = connection.execute(_HAS_OPEN_DAYS, values).fetchone()
        if closing is _MONTH and is_open is not None and is_open[0]:
            return False  # one of its days was reopened since it was chosen
        for query in _queries(closing):
            connection.execute(query, values | {"views": _QUALITY_VIEWS})
        if closing is _DAY:
            connection.execute(_FORGET_KEYS, values)
            connection.execute(_USE_OF_KEYS, values | {"keys": _KEYS})
        connection.execute(_CLOSED, values | {"version": VERSION})
    return True


def _queries(closing: _Closing) -> Iterable[sql.Composed]:
    def named(tables: Tables) -> tuple[sql.Identifier, sql.Identifier]:
        return sql.Identifier(getattr(tables, closing.source)), sql.Identifier(getattr(tables, closing.grain))

    (source, into), (tally_source, tallies), (_, tallies_of_all) = map(named, (SUMS_OF_SERIES, TALLIES, TALLIES_OF_ALL))
    quality_source, quality = named(QUALITY)
    names = sql.SQL(", ").join(map(sql.Identifier, SUMS))
    for table in (into, tallies, tallies_of_all, quality):
        of_views = sql.SQL("view = ANY(%(views)s) AND " if table is quality else "")
        yield sql.SQL("DELETE FROM {} WHERE {}at = %(since)s").format(table, of_views)
    yield sql.SQL(
        "WITH source AS MATERIALIZED ("
        " SELECT * FROM {source} WHERE at >= %(since)s AND at < %(until)s)"
        " INSERT INTO {into} (at, series, view, {names}, durations, duration_counts, firsts, first_counts)"
        " SELECT %(since)s, series, s.view, {names}, coalesce(d.buckets, '{{}}'), coalesce(d.counts, '{{}}'),"
        " coalesce(f.buckets, '{{}}'), coalesce(f.counts, '{{}}')"
        " FROM (SELECT series, view, {sums} FROM source GROUP BY series, view) AS s"
        " LEFT JOIN ({durations}) AS d USING (series) LEFT JOIN ({firsts}) AS f USING (series)"
        # Those of one tenant side by side: a page of one reads them from a few places of the disk, not from hundreds.
        " JOIN rollup_series AS n ON n.id = series ORDER BY s.view, n.tenant, series"
    ).format(
        source=source,
        into=into,
        names=names,
        sums=sql.SQL(", ").join(sql.SQL("sum({0})::bigint AS {0}").format(sql.Identifier(name)) for name in SUMS),
        durations=_summed("durations", "duration_counts"),
        firsts=_summed("firsts", "first_counts"),
    )
    yield sql.SQL(
        "INSERT INTO {} (at, series, name, amount) SELECT %(since)s, series, name, sum(amount)::bigint FROM {}"
        " WHERE at >= %(since)s AND at < %(until)s GROUP BY series, name"
    ).format(tallies, tally_source)
    yield sql.SQL(
        "INSERT INTO {} (at, name, amount) SELECT at, name, sum(amount)::bigint FROM {} WHERE at = %(since)s"
        " GROUP BY at, name"
    ).format(tallies_of_all, tallies)
    yield sql.SQL(
        'INSERT INTO {} (view, "check", at, tenant, assistant, release, target, verdict,'
        " answers, passed, scores, squares)"
        ' SELECT view, "check", %(since)s, tenant, assistant, release, target, verdict, sum(answers)::bigint,'
        " sum(passed)::bigint, sum(scores)::bigint, sum(squares)::bigint"
        " FROM {} WHERE view = ANY(%(views)s) AND at >= %(since)s AND at < %(until)s"
        ' GROUP BY view, "check", tenant, assistant, release, target, verdict'
    ).format(quality, quality_source)


def _summed(buckets: LiteralString, counts: LiteralString) -> sql.Composed:
    """The histograms of each series as one."""
    return sql.SQL(
        "SELECT series, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts"
        " FROM (SELECT series, bucket, sum(n)::integer AS n FROM source, unnest({}, {}) AS h (bucket, n)"
        " GROUP BY series, bucket) AS counted GROUP BY series"
    ).format(sql.Identifier(buckets), sql.Identifier(counts))


def _number(start: datetime) -> int:
    return (start - _EPOCH).days
