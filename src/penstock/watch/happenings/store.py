"""Events of applications in PostgreSQL: each is kept once, and added to the sums once it is known whose it is.

An event about an exchange waits until the ledger has that exchange as the same tenant's; what belongs to none is
forgotten after a day.  One about a conversation is the tenant's own word: the model that it names counts where such a
model was asked here, and since its first exchange may still be on its way, a name that is not known waits an hour.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import sql

from penstock.core.happenings import Happening

_FORGOTTEN_AFTER_S: Final = 86_400.0
_KNOWN_WITHIN_S: Final = 3_600.0
_INSERT: LiteralString = """
    INSERT INTO happenings
        (tenant, id, key, "user", kind, exchange, conversation, value_nanousd, satisfaction, at, assistant)
    VALUES (%(tenant)s, %(id)s, %(key)s, %(user)s, %(kind)s, %(exchange)s, %(conversation)s, %(value_nanousd)s,
        %(satisfaction)s, %(at)s, %(model)s)
    ON CONFLICT (tenant, id) DO NOTHING
"""
_PLACE: LiteralString = """
    WITH known AS (
        SELECT w.tenant, w.id, coalesce(l.model, v.value, '') AS assistant, coalesce(l.release, '') AS release
        FROM happenings AS w
            LEFT JOIN ledger AS l ON l.id = w.exchange AND l.tenant = w.tenant
            LEFT JOIN rollup_values AS v ON v.dimension = 'assistant' AND v.value = w.assistant
        WHERE NOT w.is_placed AND CASE WHEN w.exchange IS NOT NULL THEN l.id IS NOT NULL
            ELSE w.assistant IS NULL OR v.value IS NOT NULL OR w.at < %(unknown_before)s END
        ORDER BY w.at LIMIT %(most)s FOR UPDATE OF w SKIP LOCKED
    ), placed AS (
        UPDATE happenings AS h SET is_placed = true, assistant = known.assistant, release = known.release
        FROM known WHERE h.tenant = known.tenant AND h.id = known.id
        RETURNING h.*
    )
    INSERT INTO happening_hours AS s
        (kind, at, tenant, assistant, release, events, valued, value_nanousd, rated, satisfaction)
    SELECT kind, date_trunc('hour', to_timestamp(at), 'UTC'), tenant, assistant, release, count(*),
        count(value_nanousd), coalesce(sum(value_nanousd), 0), count(satisfaction), coalesce(sum(satisfaction), 0)
    FROM placed GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (kind, at, tenant, assistant, release) DO UPDATE SET
        events = s.events + excluded.events, valued = s.valued + excluded.valued,
        value_nanousd = s.value_nanousd + excluded.value_nanousd,
        rated = s.rated + excluded.rated, satisfaction = s.satisfaction + excluded.satisfaction
"""


def insert(connection: psycopg.Connection, happenings: Sequence[Happening]) -> None:
    """Keep them, each under its tenant and id; what is there already stays as it is."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_INSERT, [msgspec.structs.asdict(each) for each in happenings])


def place(connection: psycopg.Connection, *, now: float, most: int) -> None:
    """Add to the sums what waits and is known by now; any number of processes may do so at once."""
    with connection.transaction():
        connection.execute(
            "DELETE FROM happenings WHERE NOT is_placed AND at < %s AND exchange IS NOT NULL",
            (now - _FORGOTTEN_AFTER_S,),
        )
        connection.execute(_PLACE, {"most": most, "unknown_before": now - _KNOWN_WITHIN_S})


class Sum(msgspec.Struct, frozen=True):
    """Of one kind, step and group."""

    at: datetime | None
    group: tuple[str, ...]
    kind: str
    events: int
    valued: int
    value_nanousd: int
    rated: int
    satisfaction: int


async def sums(
    connection: psycopg.AsyncConnection,
    terms: tuple[sql.Composed, list[object]],
    keys: Sequence[sql.Composable],
    *,
    has_step: bool,
) -> list[Sum]:
    """By these keys, the step first; `terms` choose times and values."""
    where, values = terms
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys) + 1))
    query = sql.SQL(
        "SELECT {}, sum(events)::bigint, sum(valued)::bigint, sum(value_nanousd)::numeric, sum(rated)::bigint,"
        " sum(satisfaction)::bigint FROM happening_hours WHERE {} GROUP BY {} ORDER BY {}"
    ).format(sql.SQL(", ").join([*keys, sql.SQL("kind")]), where, groups, groups)
    rows: list[tuple[Any, ...]] = await (await connection.execute(query, values)).fetchall()
    found: list[Sum] = []
    for row in rows:
        *place, kind, events, valued, value, rated, satisfaction = row
        group = tuple(str(each) for each in place[has_step:])
        found.append(Sum(place[0] if has_step else None, group, kind, events, valued, int(value), rated, satisfaction))
    return found


decode = msgspec.json.Decoder(Happening).decode
