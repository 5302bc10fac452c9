"""The hours' sums and the findings in PostgreSQL.  `checking` calls it once an hour, the admin API to show.

Sums are made from the ledger itself, an hour as a whole, and written over what was there: however often that is done
and whoever dies in between, no exchange counts twice.  An hour's exchanges are read as they lie in the ledger's index
of times: the first so many of every ten seconds, so that five thousand exchanges a second cost as much as ten and what
is read is spread over the hour.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import psycopg
import structlog
from psycopg.rows import class_row, dict_row

from penstock.watch.drift.looked import forget as forget_looked
from penstock.watch.drift.looked import read as read_looked
from penstock.watch.drift.reading import Row, is_telling, note
from penstock.watch.drift.series import Series
from penstock.watch.drift.tally import FEATURES, Measure, Sums, Tally, added, measures_of
from penstock.watch.drift.watching import Finding

HOUR_S = 3600
SLICE_S = 10
MOST_IN_SLICE = 100
_MOST_ASSISTANTS = 1000
"""Of an hour, those with the most exchanges."""
_LOCK = 7_316_044_190
_ROWS = (
    "SELECT %(hour)s AS hour, l.* FROM generate_series(0, %(slices)s - 1) AS slice, LATERAL ("
    "  SELECT model, outcome, duration_s, input_tokens, output_tokens, cost_nanousd, attempts, facts::text AS facts"
    "  FROM ledger"
    "  WHERE started_at >= %(begin)s + slice * %(slice)s * interval '1 second'"
    "  AND started_at < %(begin)s + (slice + 1) * %(slice)s * interval '1 second'"
    "  ORDER BY started_at, id LIMIT %(most)s) AS l"
)
_log = structlog.get_logger(__name__)
_features = msgspec.json.Decoder(dict[str, Sums])


def is_alone(connection: psycopg.Connection) -> bool:
    """Whether this connection is the one that sums up and judges: until it is closed.  Another's turn is no error."""
    found = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    return found is not None and bool(found[0])


def let_others(connection: psycopg.Connection) -> None:
    connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def summed(connection: psycopg.Connection, begin: int, end: int) -> set[int]:
    """Which hours between two were summed up."""
    rows = connection.execute("SELECT hour FROM drift_summed WHERE hour >= %s AND hour < %s", [begin, end])
    return {row[0] for row in rows}


def first_hour(connection: psycopg.Connection) -> int | None:
    """Of the ledger."""
    found = connection.execute("SELECT min(started_at) FROM ledger").fetchone()
    return None if found is None or found[0] is None else int(found[0].timestamp()) // HOUR_S


def sum_up(connection: psycopg.Connection, hour: int, now: float) -> int:
    """Make an hour's sums of the ledger, and of what was seen of its answers, in place of those that were there.

    Returns how many exchanges are in them.
    """
    tallies: dict[str, Tally] = {}
    counts: dict[str, int] = {}
    unread = 0
    given = {
        "hour": hour,
        "slices": HOUR_S // SLICE_S,
        "slice": SLICE_S,
        "most": MOST_IN_SLICE,
        "begin": datetime.fromtimestamp(hour * HOUR_S, UTC),
    }
    with connection.transaction(), connection.cursor(name="drift", row_factory=class_row(Row)) as cursor:
        cursor.itersize = 2000
        cursor.execute(_ROWS, given)
        for row in cursor:
            if not is_telling(row):
                continue
            try:
                note(tallies.setdefault(row.model, Tally()), row)
            except msgspec.MsgspecError:
                unread += 1  # of a newer data plane
            else:
                counts[row.model] = counts.get(row.model, 0) + 1
    if unread:
        _log.warning("drift_rows_not_read", hour=hour, rows=unread)
    chosen = sorted(counts, key=lambda model: -counts[model])[:_MOST_ASSISTANTS]
    looked = read_looked(connection, hour)
    rows = [
        (hour, counts[each], each, msgspec.json.encode(tallies[each].sums() | looked.get(each, {})).decode())
        for each in chosen
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM drift_hours WHERE hour = %s", [hour])
        cursor.executemany(
            "INSERT INTO drift_hours (hour, exchanges, assistant, features) VALUES (%s, %s, %s, %s::jsonb)", rows
        )
        cursor.execute(
            "INSERT INTO drift_summed (hour, at) VALUES (%s, %s) ON CONFLICT (hour) DO UPDATE SET at = EXCLUDED.at",
            [hour, datetime.fromtimestamp(now, UTC)],
        )
    return sum(counts.values())


def features_of(rows: Iterable[tuple[int, str]]) -> dict[str, dict[int, Sums]]:
    """Sums by feature and hour, of rows of `HOURS`; those of several releases added."""
    found: dict[str, dict[int, Sums]] = {}
    for hour, text in rows:
        for feature, sums in _features.decode(text).items():
            if feature in FEATURES:  # one that an older or newer Penstock kept is not ours to judge
                hours = found.setdefault(feature, {})
                hours[hour] = added(hours[hour], sums) if hour in hours else sums
    return found


ASSISTANTS = "SELECT DISTINCT assistant FROM drift_hours WHERE hour >= %s AND hour < %s ORDER BY 1"
HOURS = "SELECT hour, features::text FROM drift_hours WHERE assistant = %s AND hour >= %s AND hour < %s"
FINDINGS = (
    "SELECT assistant, feature, measure, span_h, found, since, reference, current, low, high, count, false_alarms"
    " FROM drift_findings WHERE found >= %s ORDER BY found DESC, assistant, feature"
)

SEEN = (
    "SELECT DISTINCT name FROM ("
    " SELECT features FROM drift_hours WHERE hour >= %s AND hour < %s ORDER BY hour DESC LIMIT 2000"
    ") AS lately, jsonb_object_keys(features) AS name"
)
"""Features of which there was any: in so many hours of assistants, the newest, since a row of each has a kilobyte."""
FIRST_HOUR = "SELECT min(hour) FROM drift_hours"
KNOWN = "SELECT id, acknowledged_at, acknowledged_by FROM alerts WHERE id = ANY(%s)"
"""Whether somebody has said that they know of what these alerts tell."""


def series_of(feature: str, hours: Mapping[int, Sums]) -> list[tuple[Measure, Series]]:
    """What `watching.look` is given."""
    return [
        (measure, Series({hour: sums.piece(measure.index) for hour, sums in hours.items()}))
        for measure in measures_of(feature)
    ]


def read_assistants(connection: psycopg.Connection, begin: int, end: int) -> list[str]:
    """Those with exchanges between two hours."""
    return [row[0] for row in connection.execute(ASSISTANTS, [begin, end])]


def read_hours(connection: psycopg.Connection, assistant: str, begin: int, end: int) -> dict[str, dict[int, Sums]]:
    """By feature and hour."""
    return features_of(connection.execute(HOURS, [assistant, begin, end]))


def read_findings(connection: psycopg.Connection, since: int) -> list[tuple[str, Finding]]:
    """With the assistant that each is of, the newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(FINDINGS, [since]).fetchall()
    return [finding_of(row) for row in rows]


def finding_of(row: Mapping[str, object]) -> tuple[str, Finding]:
    """A row of `FINDINGS`."""
    fields = {name: row[name] for name in Finding.__slots__}
    return str(row["assistant"]), msgspec.convert(fields, Finding)


def keep(connection: psycopg.Connection, found: Sequence[tuple[str, Finding]]) -> None:
    """Add findings, in the transaction that there is."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO drift_findings (assistant, feature, measure, span_h, found, since, reference, current, low,"
            " high, count, false_alarms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [
                (
                    assistant,
                    each.feature,
                    each.measure,
                    each.span_h,
                    each.found,
                    each.since,
                    each.reference,
                    each.current,
                    each.low,
                    each.high,
                    each.count,
                    each.false_alarms,
                )
                for assistant, each in found
            ],
        )


def forget(connection: psycopg.Connection, before: int) -> None:
    """Delete what is older."""
    with connection.transaction():
        connection.execute("DELETE FROM drift_hours WHERE hour < %s", [before])
        connection.execute("DELETE FROM drift_summed WHERE hour < %s", [before])
        forget_looked(connection, before)
        connection.execute("DELETE FROM drift_findings WHERE found < %s", [before])
