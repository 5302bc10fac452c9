"""Where rules stand, in PostgreSQL: what is written with the alert that follows from it, in one transaction.

So a restart neither repeats nor forgets, and whoever judges next goes on from there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from penstock.watch.rules.rule import Group
from penstock.watch.rules.state import State

EVERYWHERE = ""
"""In place of a control plane's name, for what is the same for all of them."""
_LOCK = 7_316_053
_FRESH_S = 180.0
_TIMES = ("since", "calm_since", "told_at", "judged_at")
_COLUMNS = (
    "rule, values, state, occasion, told, times, value, bound, "
    "extract(epoch FROM since)::float8 AS since, extract(epoch FROM calm_since)::float8 AS calm_since,"
    " extract(epoch FROM told_at)::float8 AS told_at, extract(epoch FROM judged_at)::float8 AS judged_at"
)
_KEEP = (
    "INSERT INTO alert_rule_states (rule, values, state, since, calm_since, occasion, told, told_at, times, value,"
    " bound, judged_at) VALUES (%(rule)s, %(values)s, %(state)s, %(since)s, %(calm_since)s, %(occasion)s, %(told)s,"
    " %(told_at)s, %(times)s, %(value)s, %(bound)s, %(judged_at)s) ON CONFLICT (rule, values) DO UPDATE SET"
    " state = excluded.state, since = excluded.since, calm_since = excluded.calm_since,"
    " occasion = excluded.occasion, told = excluded.told, told_at = excluded.told_at, times = excluded.times,"
    " value = excluded.value, bound = excluded.bound, judged_at = excluded.judged_at"
)


@dataclass(frozen=True, slots=True)
class Judging:
    """The minute that was judged last, and since when figures are whole again after a gap."""

    judged_at: float
    trusted_from: float


def database_time(connection: psycopg.Connection) -> float:
    """What time it is there."""
    found = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    return 0.0 if found is None else float(found[0])


def is_alone(connection: psycopg.Connection) -> bool:
    """Whether this connection is the one that judges, until its transaction ends."""
    found = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
    return found is not None and bool(found[0])


def last_judging(connection: psycopg.Connection) -> Judging | None:
    found = connection.execute(
        "SELECT extract(epoch FROM judged_at)::float8, extract(epoch FROM trusted_from)::float8 FROM alert_rule_clock"
    ).fetchone()
    return None if found is None else Judging(*found)


def note_judging(connection: psycopg.Connection, judging: Judging) -> None:
    connection.execute(
        "INSERT INTO alert_rule_clock (judged_at, trusted_from) VALUES (%s, %s) ON CONFLICT (is_only) DO UPDATE SET"
        " judged_at = excluded.judged_at, trusted_from = excluded.trusted_from",
        (_time(judging.judged_at), _time(judging.trusted_from)),
    )


def publish(connection: psycopg.Connection, plane: str, gauges: Mapping[str, float], now: float) -> None:
    """What a control plane says of its own machine (or of `EVERYWHERE`)."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO alert_gauges (plane, name, value, at) VALUES (%s, %s, %s, %s) ON CONFLICT (plane, name)"
            " DO UPDATE SET value = excluded.value, at = excluded.at",
            [(plane, name, value, _time(now)) for name, value in gauges.items()],
        )


def gauges(connection: psycopg.Connection, now: float) -> dict[str, dict[str, float]]:
    """By name and control plane; what nobody has said for minutes is forgotten."""
    connection.execute("DELETE FROM alert_gauges WHERE at < %s", (_time(now - 86_400.0),))
    found: dict[str, dict[str, float]] = {}
    for plane, name, value in connection.execute(
        "SELECT plane, name, value FROM alert_gauges WHERE at >= %s", (_time(now - _FRESH_S),)
    ).fetchall():
        found.setdefault(name, {})[plane] = value
    return found


def states(connection: psycopg.Connection) -> dict[str, dict[Group, State]]:
    """By rule and group."""
    found: dict[str, dict[Group, State]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(f"SELECT {_COLUMNS} FROM alert_rule_states"):  # noqa: S608 - our own words
            rule, values = row.pop("rule"), tuple(row.pop("values"))
            found.setdefault(rule, {})[values] = msgspec.convert(row, State)
    return found


def keep(connection: psycopg.Connection, changed: Iterable[tuple[str, Group, State]]) -> None:
    rows: list[dict[str, Any]] = []
    for rule, group, state in changed:
        row: dict[str, Any] = {**msgspec.structs.asdict(state), "rule": rule, "values": list(group)}
        row |= {name: None if row[name] is None else _time(row[name]) for name in _TIMES}
        rows.append(row)
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_KEEP, rows)


def forget(connection: psycopg.Connection, groups: Sequence[tuple[str, Group]]) -> None:
    if groups:
        with connection.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM alert_rule_states WHERE rule = %s AND values = %s",
                [(rule, list(group)) for rule, group in groups],
            )


def unheard(connection: psycopg.Connection, alerts: Sequence[str], now: float) -> frozenset[str]:
    """Which of these alerts nobody was told of, by a silence that is over."""
    if not alerts:
        return frozenset()
    rows = connection.execute(
        "SELECT a.id FROM alerts AS a LEFT JOIN alert_silences AS s ON s.id = a.silenced_by WHERE a.id = ANY(%s)"
        " AND a.silenced_by IS NOT NULL AND (s.id IS NULL OR s.ended_at IS NOT NULL OR s.until <= %s)",
        (list(alerts), _time(now)),
    ).fetchall()
    return frozenset(row[0] for row in rows)


async def list_states(connection: psycopg.AsyncConnection) -> dict[str, dict[Group, State]]:
    """As `states`, for the admin API."""
    found: dict[str, dict[Group, State]] = {}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM alert_rule_states ORDER BY rule, values")  # noqa: S608 - our own words
        async for row in cursor:
            rule, values = row.pop("rule"), tuple(row.pop("values"))
            found.setdefault(rule, {})[values] = msgspec.convert(row, State)
    return found


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
