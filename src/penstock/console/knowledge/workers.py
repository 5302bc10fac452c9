"""Whether somebody takes documents in, as `/health` says it."""

from typing import LiteralString, NamedTuple

import psycopg

from penstock.config.knowledge import IngestSettings

_MISSED_AFTER_S = 60.0
_LOOK: LiteralString = """
    SELECT (SELECT count(*) FROM procrastinate_workers
            WHERE last_heartbeat > clock_timestamp() - make_interval(secs => %(silence_s)s)),
        EXISTS (SELECT FROM ingest_runs WHERE state = 'waiting' AND updated_at < %(since)s)
"""


class Workers(NamedTuple):
    """`alive` have said lately that they live; `is_missed` is whether sources have waited for one for a minute."""

    alive: int
    is_missed: bool


async def look_for_workers(connection: psycopg.AsyncConnection, settings: IngestSettings, *, now: float) -> Workers:
    values = {"silence_s": 3 * settings.heartbeat_s, "since": now - _MISSED_AFTER_S}
    found = await (await connection.execute(_LOOK, values)).fetchone()
    if found is None:
        return Workers(0, is_missed=False)
    alive, is_waiting = found
    return Workers(int(alive), is_missed=bool(is_waiting) and not alive)
