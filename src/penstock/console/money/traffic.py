"""What targets were called for and how they did, as a comparison asks it of the ledger: exact, and each row is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from penstock.console.money.store import BESIDE, Span

_TRAFFIC: Final = sql.SQL("""
    SELECT target, count(*)::bigint AS exchanges, min(started_at) AS first_at, max(input_tokens)::bigint AS longest,
        sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
        sum(cache_read_tokens)::bigint AS cache_read_tokens, sum(cache_write_tokens)::bigint AS cache_write_tokens,
        sum(reasoning_tokens)::bigint AS reasoning_tokens, sum(cost_nanousd)::bigint AS cost_nanousd
    FROM (SELECT *, CASE
            WHEN cost_nanousd IS NULL THEN 'unknown_cost'
            WHEN cache_read_tokens + cache_write_tokens > input_tokens OR reasoning_tokens > output_tokens
                THEN 'parts_exceed_whole'
            WHEN {beside} THEN 'several_calls'
        END AS left_out FROM ledger
        WHERE started_at >= %(since)s AND started_at < %(until)s AND target IS NOT NULL
            AND input_tokens + output_tokens > 0
            AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
            AND (%(model)s::text IS NULL OR model = %(model)s)) AS rows
    WHERE left_out IS NULL
    GROUP BY target, width_bucket(started_at, %(cuts)s::timestamptz[]),
        width_bucket(input_tokens, %(lengths)s::bigint[])
""").format(beside=BESIDE)
_LEFT_OUT: Final = sql.SQL("""
    SELECT CASE
            WHEN cost_nanousd IS NULL THEN 'unknown_cost'
            WHEN cache_read_tokens + cache_write_tokens > input_tokens OR reasoning_tokens > output_tokens
                THEN 'parts_exceed_whole'
            ELSE 'several_calls'
        END AS reason, count(*)::bigint AS exchanges, coalesce(sum(cost_nanousd), 0)::bigint AS cost_nanousd
    FROM ledger
    WHERE started_at >= %(since)s AND started_at < %(until)s AND target IS NOT NULL
        AND input_tokens + output_tokens > 0
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND (%(model)s::text IS NULL OR model = %(model)s)
        AND (cost_nanousd IS NULL OR cache_read_tokens + cache_write_tokens > input_tokens
            OR reasoning_tokens > output_tokens OR {beside})
    GROUP BY 1 ORDER BY 1
""").format(beside=BESIDE)
_MEASURED: LiteralString = """
    SELECT target, count(*)::bigint AS exchanges,
        count(*) FILTER (WHERE outcome IN ('upstream_failed', 'deadline'))::bigint AS failed,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_s) AS durations_s,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY first_event_s) AS first_events_s
    FROM ledger
    WHERE started_at >= %(since)s AND started_at < %(until)s AND target = ANY(%(targets)s)
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """Sums of one target's exchanges for which the same prices hold: those of `first_at`, for an input of `longest`."""

    target: str
    exchanges: int
    first_at: datetime
    longest: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_nanousd: int


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """Exchanges that cannot be priced anew, and why."""

    reason: str
    exchanges: int
    cost_nanousd: int


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """How exchanges went that ended at a target; the times are the median and the 95th percentile."""

    target: str
    exchanges: int
    failed: int
    durations_s: Sequence[float | None] | None
    first_events_s: Sequence[float | None] | None


@dataclass(frozen=True, slots=True)
class Prices:
    """When others of the prices that are asked for may begin to hold, in order, and above which lengths of an input."""

    cuts: Sequence[datetime]
    lengths: Sequence[int]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of exactly `span`."""

    span: Span
    rows: Sequence[TrafficRow]
    left_out: Sequence[LeftOutRow]
    measured: Sequence[MeasuredRow]


async def read_traffic(
    connection: psycopg.AsyncConnection, span: Span, prices: Prices
) -> tuple[list[TrafficRow], list[LeftOutRow]]:
    """What targets were called for, and what of it cannot be priced anew."""
    values = {**span.values(), "cuts": list(prices.cuts), "lengths": [length + 1 for length in prices.lengths]}
    async with connection.cursor(row_factory=class_row(TrafficRow)) as cursor:
        rows = await (await cursor.execute(_TRAFFIC, values)).fetchall()
    async with connection.cursor(row_factory=class_row(LeftOutRow)) as cursor:
        return rows, await (await cursor.execute(_LEFT_OUT, values)).fetchall()


async def read_measured(connection: psycopg.AsyncConnection, span: Span, targets: Sequence[str]) -> list[MeasuredRow]:
    """How the exchanges of these targets went, whatever model was asked for."""
    async with connection.cursor(row_factory=class_row(MeasuredRow)) as cursor:
        return await (await cursor.execute(_MEASURED, {**span.values(), "targets": list(targets)})).fetchall()
