"""Ten million made exchanges and their sums, by PostgreSQL alone: in minutes, and not by the code that is measured.

Rows are as a busy installation has them: some tenants and keys have most of the traffic, one exchange in twenty fails
or is blocked, half of them were looked up in a cache, one in ten had personal data.  The sums are made of the rows by
SQL of their own, so that what the API says of them can be held against it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from penstock.watch.rollups.batch import SUMS
from penstock.watch.rollups.views import VIEWS, Grain, View

DAYS = 90
_BATCH = 250_000
_ROWS = sql.SQL("""
    INSERT INTO ledger (started_at, duration_s, first_event_s, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, "user", dialect,
        operation, model, target, outcome, outcome_code, usage_accuracy, cost_accuracy, config_hash, facts, project,
        feature, region, marks)
    SELECT at, duration, CASE WHEN outcome IN ('completed', 'client_gone') THEN duration * 0.3 END,
        tokens_in, tokens_out, tokens_in / 4, 0, 0,
        CASE WHEN r5 < 0.01 AND outcome <> 'blocked' THEN NULL ELSE tokens_in * 150 + tokens_out * 600 END,
        CASE WHEN r6 < 0.04 THEN 2 ELSE 1 END, r5 < 0.6,
        'ex_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0'),
        'tenant-' || tenant, 'key_' || tenant || '_' || (r3 * 4)::int, 'user-' || (r2 * 200000)::int,
        'openai-chat', 'chat', 'assistant-' || (12 * r3 * r3)::int,
        CASE WHEN outcome <> 'blocked' THEN 'openai/gpt-' || (r4 * 5)::int END, outcome,
        CASE WHEN outcome = 'upstream_failed' THEN 'upstream_timeout' END, 'exact',
        CASE WHEN r5 < 0.01 AND outcome <> 'blocked' THEN 'unknown' ELSE 'exact' END, '0123456789abcdef', facts::jsonb,
        CASE WHEN r4 < 0.5 THEN 'project-' || tenant %% 7 END, 'feature-' || (r6 * 6)::int,
        CASE WHEN r4 < 0.7 THEN 'eu' ELSE 'us' END, marks
    FROM (
        SELECT n, r2, r3, r4, r5, r6,
            %(since)s::timestamptz + ((n + random()) * %(step_s)s) * interval '1 second' AS at,
            (200 * r1 * r1 * r1)::int AS tenant, exp(ln(0.8) + 0.9 * (r2 + r3 + r4 - 1.5) * 2) AS duration,
            (100 + 4000 * r5 * r5)::int AS tokens_in, (20 + 900 * r6 * r6)::int AS tokens_out,
            CASE WHEN r2 < 0.95 THEN 'completed' WHEN r2 < 0.97 THEN 'upstream_failed' WHEN r2 < 0.98 THEN 'blocked'
                WHEN r2 < 0.99 THEN 'client_gone' ELSE 'rejected' END AS outcome,
            '[{"fact":"lease_taken","at_s":0.0001,"lease":"in_flight"},{"fact":"route_chosen","at_s":0.0005,'
                || '"route":"assistant","targets":["openai/gpt-1","openai/gpt-2"]},' || CASE WHEN r3 < 0.25
                THEN '{"fact":"cache_hit","at_s":0.001,"kind":"exact","age_s":7.5,"saved_nanousd":120000},'
                WHEN r3 < 0.5 THEN '{"fact":"cache_missed","at_s":0.001,"reason":"new"},' ELSE '' END
                || '{"fact":"guard_judged","at_s":0.002,"guard":"injection","direction":"input","mode":"enforce",'
                || '"action":"allow","texts":2},{"fact":"attempt_started","at_s":0.003,"attempt":1,"target":'
                || '"openai/gpt-1"},{"fact":"attempt_succeeded","at_s":0.4,"attempt":1,"target":"openai/gpt-1"},'
                || '{"fact":"lease_settled","at_s":0.8,"lease":"in_flight"},{"fact":"ended","at_s":0.8,"end":"x"}]'
                AS facts,
            array_remove(ARRAY[CASE WHEN r3 < 0.25 THEN 'cache:hit:exact' END,
                CASE WHEN r4 < 0.1 THEN 'masked:email' END,
                CASE WHEN r2 BETWEEN 0.97 AND 0.98 THEN 'found:injection:input:block' END,
                CASE WHEN r6 < 0.0001 THEN 'fell_back:down' END], NULL) AS marks
        FROM (SELECT n, random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5, random() AS r6
            FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS drawn
    ) AS made
""")
_NARROW = """
    CREATE UNLOGGED TABLE narrow AS
    SELECT date_trunc('minute', started_at, 'UTC') AS minute, date_trunc('hour', started_at, 'UTC') AS hour,
        coalesce(tenant, '') AS tenant, coalesce(project, '') AS project, coalesce(key, '') AS key,
        coalesce(model, '') AS assistant, coalesce(release, '') AS release, coalesce(target, '') AS target,
        coalesce(feature, '') AS feature, coalesce(region, '') AS region, coalesce(outcome, '') AS outcome,
        CASE WHEN target IS NULL THEN '' WHEN cost_nanousd IS NULL THEN 'unknown_cost' ELSE '0-32000' END AS pricing,
        1 AS exchanges, attempts, 0 AS failed_attempts, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, reasoning_tokens, coalesce(cost_nanousd, 0) AS cost_nanousd,
        (cost_nanousd IS NULL)::int AS unknown_costs, 0 AS estimated,
        CASE WHEN marks @> '{cache:hit:exact}' THEN 120000 ELSE 0 END AS saved_cache_nanousd,
        0 AS saved_routing_nanousd, 0 AS saved_compaction_nanousd, 0 AS saved_prompt_cache_nanousd,
        (marks @> '{cache:hit:exact}')::int AS cache_hits,
        (strpos(facts::text, 'cache_missed') > 0)::int AS cache_misses,
        round(duration_s * 1e6)::bigint AS duration_us, (first_event_s IS NOT NULL)::int AS first_events,
        coalesce(round(first_event_s * 1e6)::bigint, 0) AS first_event_us,
        ceil(ln(duration_s * 1e6) / ln(1.01))::smallint AS duration_bucket,
        ceil(ln(first_event_s * 1e6) / ln(1.01))::smallint AS first_bucket
    FROM ledger
"""
_TALLIES = """
    INSERT INTO rollup_tally_hours (at, series, name, amount)
    SELECT date_trunc('hour', started_at, 'UTC'), s.id, mark, count(*)
    FROM ledger AS l CROSS JOIN LATERAL unnest(marks) AS mark
        JOIN rollup_series AS s ON s.view = 5 AND (s.tenant, s.assistant, s.outcome) = (l.tenant, l.model, l.outcome)
    GROUP BY 1, 2, 3 ORDER BY 1
"""


def fill(url: str, rows: int, until: datetime, told: Callable[[str], None]) -> None:
    """So many rows of the last ninety days, and all sums of them."""
    since = until - timedelta(days=DAYS)
    step_s = DAYS * 86_400 / rows
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '512MB'")
        connection.execute("SET enable_nestloop = off")  # nobody has counted what is joined here
        connection.execute("SELECT setseed(0.5)")
        for month in sorted({(since + timedelta(days=day)).replace(day=1) for day in range(DAYS + 1)}):
            connection.execute("SELECT ledger_add_month(%s)", (month,))
        for first in range(0, rows, _BATCH):
            last = min(first + _BATCH, rows) - 1
            connection.execute(_ROWS, {"since": since, "step_s": step_s, "first": first, "last": last})
            told(f"{last + 1:,} of {rows:,} rows")
        connection.execute(_NARROW)
        for view in VIEWS:
            _add_series(connection, view)
            for grain in view.grains:
                _add_sums(connection, view, grain, until - timedelta(days=14) if grain == "minute" else since)
                told(f"sums by {' and '.join(view.dimensions)}, by the {grain}")
        connection.execute(_TALLIES)
        connection.execute("DROP TABLE narrow")
        connection.execute("VACUUM ANALYZE")


def _names(view: View, table: str | None = None) -> sql.Composed:
    names = [sql.Identifier(name) if table is None else sql.Identifier(table, name) for name in view.dimensions]
    return sql.SQL(", ").join(names)


def _add_series(connection: psycopg.Connection, view: View) -> None:
    connection.execute(
        sql.SQL(
            "INSERT INTO rollup_series (view, fingerprint, {names}) SELECT {view},"
            " decode(md5({view} || concat_ws('|', {names})), 'hex'), {names} FROM"
            " (SELECT DISTINCT {names} FROM narrow) AS made"
        ).format(view=sql.Literal(view.number), names=_names(view))
    )


def _add_sums(connection: psycopg.Connection, view: View, grain: Grain, since: datetime) -> None:
    """As whoever ships would have made them, from the rows, and in the order in which they come to be: of time."""
    at = sql.Identifier(grain)
    query = sql.SQL(
        "WITH summed AS (SELECT {at} AS at, {names}, {sums} FROM narrow WHERE {at} >= {since} GROUP BY {at}, {names}),"
        " long AS ({durations}), first AS ({firsts})"
        " INSERT INTO {table} (at, series, view, {columns}, durations, duration_counts, firsts, first_counts)"
        " SELECT at, s.id, {view}, {columns}, coalesce(long.buckets, '{{}}'), coalesce(long.counts, '{{}}'),"
        " coalesce(first.buckets, '{{}}'), coalesce(first.counts, '{{}}') FROM summed"
        " JOIN rollup_series AS s USING ({names})"
        " LEFT JOIN long USING (at, {names}) LEFT JOIN first USING (at, {names}) WHERE s.view = {view}"
        " ORDER BY at"
    ).format(
        at=at,
        names=_names(view),
        sums=sql.SQL(", ").join(sql.SQL("sum({0})::bigint AS {0}").format(sql.Identifier(name)) for name in SUMS),
        since=sql.Literal(since.replace(hour=0, minute=0, second=0, microsecond=0)),
        durations=_histogram(view, at, "duration_bucket", since),
        firsts=_histogram(view, at, "first_bucket", since),
        table=sql.Identifier(f"rollup_{grain}s"),
        view=sql.Literal(view.number),
        columns=sql.SQL(", ").join(map(sql.Identifier, SUMS)),
    )
    connection.execute(query)


def _histogram(view: View, at: sql.Identifier, bucket: str, since: datetime) -> sql.Composed:
    return sql.SQL(
        "SELECT at, {names}, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts"
        " FROM (SELECT {at} AS at, {names}, {bucket} AS bucket, count(*)::int AS n FROM narrow"
        " WHERE {bucket} IS NOT NULL AND {has_times} AND {at} >= {since} GROUP BY 1, {names}, {bucket}) AS counted"
        " GROUP BY at, {names}"
    ).format(
        names=_names(view),
        at=at,
        bucket=sql.Identifier(bucket),
        has_times=sql.Literal(view.has_times),
        since=sql.Literal(since.replace(hour=0, minute=0, second=0, microsecond=0)),
    )
