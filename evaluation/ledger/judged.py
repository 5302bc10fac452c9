"""What was found out and said of the made exchanges: one answer in twenty was looked at, one in a hundred spoken of.

Made of the ledger's rows by PostgreSQL alone, as the rows themselves are.
"""

from collections.abc import Callable
from typing import Final, LiteralString

import psycopg

_LOOKED_AT: LiteralString = """
    CREATE TEMP TABLE looked_at AS
    SELECT id, tenant, model, target, started_at, CASE WHEN r < 0.9 THEN 1000 ELSE 200 END AS score,
        CASE WHEN r < 0.9 THEN 'good' WHEN r < 0.93 THEN 'refusal' WHEN r < 0.96 THEN 'ungrounded' ELSE 'too_long' END
            AS verdict
    FROM (SELECT *, random() AS r FROM ledger TABLESAMPLE BERNOULLI (5) REPEATABLE (1)) AS drawn
    WHERE outcome = 'completed'
"""
_SCORES: LiteralString = """
    INSERT INTO quality_scores (exchange, "check", tenant, assistant, release, target, at, score, verdict)
    SELECT id, "check", tenant, model, '', target, started_at, score, verdict
    FROM looked_at CROSS JOIN LATERAL (VALUES ('answer'), (CASE verdict WHEN 'refusal' THEN 'refusal'
        WHEN 'ungrounded' THEN 'grounded' WHEN 'too_long' THEN 'length' END)) AS c ("check")
    WHERE "check" IS NOT NULL
"""
_HOURS: LiteralString = """
    INSERT INTO quality_hours (view, "check", at, tenant, assistant, release, target, verdict, answers, passed, scores,
        squares)
    SELECT CASE WHEN grouping(assistant, target, tenant) = 0 THEN 4 WHEN grouping(assistant) = 0 THEN 1
            WHEN grouping(target) = 0 THEN 2 ELSE 3 END, "check", at,
        coalesce(tenant, ''), coalesce(assistant, ''), '', coalesce(target, ''), verdict, count(*),
        count(*) FILTER (WHERE score >= 500), sum(score), sum(score * score)
    FROM (
        SELECT date_trunc('hour', started_at, 'UTC') AS at, tenant, model AS assistant, target, c."check",
            CASE WHEN "check" = ANY (ARRAY['answer', finds]) THEN verdict ELSE 'good' END AS verdict,
            CASE WHEN "check" = ANY (ARRAY['answer', finds]) THEN score ELSE 1000 END AS score
        FROM (SELECT *, CASE verdict WHEN 'refusal' THEN 'refusal' WHEN 'ungrounded' THEN 'grounded'
                WHEN 'too_long' THEN 'length' END AS finds FROM looked_at) AS l
            CROSS JOIN unnest(ARRAY['answer', 'empty', 'cut', 'refusal', 'loop', 'length', 'language', 'grounded'])
                AS c ("check")
    ) AS checked
    GROUP BY "check", at, verdict, GROUPING SETS ((assistant), (target), (tenant), (tenant, assistant, target))
"""
_VERDICTS: LiteralString = """
    INSERT INTO feedback (at, place, tenant, exchange, key, "user", verdict, model, began, is_answer)
    SELECT extract(epoch FROM started_at) + 60, nextval('feedback_place'), tenant, id, key, coalesce("user", ''),
        CASE WHEN random() < 0.8 THEN 'good' ELSE 'bad' END, model, started_at, true
    FROM ledger TABLESAMPLE BERNOULLI (1) REPEATABLE (2) WHERE outcome = 'completed'
"""
_REMARKS: LiteralString = """
    INSERT INTO remarks (tenant, exchange, key, "user", rating, comment, at, assistant)
    SELECT tenant, id, key, coalesce("user", ''), 1 + (random() * 4)::int, 'made', extract(epoch FROM started_at) + 90,
        model
    FROM ledger TABLESAMPLE BERNOULLI (0.2) REPEATABLE (3) WHERE outcome = 'completed'
"""
_HAPPENINGS: LiteralString = """
    INSERT INTO happenings (tenant, id, key, "user", kind, exchange, at, is_placed, assistant, release, value_nanousd,
        satisfaction)
    SELECT tenant, 'h' || id, key, coalesce("user", ''), (ARRAY['conversion', 'resolved', 'escalated', 'satisfaction'])
            [1 + (random() * 3)::int],
        id, extract(epoch FROM started_at) + 120, true, model, '', 1000000000, (random() * 1000)::int
    FROM ledger TABLESAMPLE BERNOULLI (2) REPEATABLE (4) WHERE outcome = 'completed'
"""
_HAPPENING_HOURS: LiteralString = """
    INSERT INTO happening_hours (kind, at, tenant, assistant, release, events, valued, value_nanousd, rated,
        satisfaction)
    SELECT kind, date_trunc('hour', to_timestamp(at), 'UTC'), tenant, assistant, release, count(*),
        count(value_nanousd), coalesce(sum(value_nanousd), 0), count(satisfaction), coalesce(sum(satisfaction), 0)
    FROM happenings GROUP BY 1, 2, 3, 4, 5 ORDER BY 2
"""
_STEPS: Final[tuple[tuple[str, LiteralString], ...]] = (
    ("answers that were looked at", _LOOKED_AT),
    ("scores of answers", _SCORES),
    ("their sums", _HOURS),
    ("verdicts of people", _VERDICTS),
    ("remarks", _REMARKS),
    ("what became of conversations", _HAPPENINGS),
    ("their sums", _HAPPENING_HOURS),
)


def is_judged(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM quality_hours)").fetchone()
    return row is not None and bool(row[0])


def judge(url: str, told: Callable[[str], None]) -> None:
    """Once, when the ledger is filled."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '512MB'")
        connection.execute("SELECT setseed(0.25)")
        for name, query in _STEPS:
            count = connection.execute(query).rowcount
            told(f"{name}: {count:,} rows")
        connection.execute("VACUUM ANALYZE")
