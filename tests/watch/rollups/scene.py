"""Exchanges as they come, at random, and what their sums must be by the ledger itself."""

import random
from collections.abc import Sequence

import msgspec
import psycopg

from penstock.core.facts import (
    AnyFact,
    AttemptFailed,
    CacheHit,
    CacheMissed,
    Ended,
    ExtraCallBilled,
    PersonalDataMasked,
    Saved,
)
from penstock.core.record import Settled
from penstock.watch.rollups.pricing import LENGTHS
from penstock.watch.row import Arrival, arrive

BEGAN = 1_794_999_000.0
"""2026-11-18, some minutes before a full hour."""


def random_record(rng: random.Random, number: int, *, began: float = BEGAN, spread_s: float = 7200.0) -> Settled:
    """One of few tenants, keys, assistants and targets, so that groups have several."""
    tenant = rng.choice(("acme", "globex", 'quo"ted\t\\50%s'))
    outcome = rng.choices(("completed", "upstream_failed", "blocked", "client_gone"), (90, 4, 4, 2))[0]
    cost = None if rng.random() < 0.05 else rng.randrange(10**7)
    facts: list[AnyFact] = []
    if rng.random() < 0.3:
        facts.append(CacheHit(at_s=0.0, kind="exact", age_s=1.0, saved_nanousd=rng.randrange(10**6)))
    elif rng.random() < 0.3:
        facts.append(CacheMissed(at_s=0.0, reason="new"))
    if rng.random() < 0.2:
        facts.append(PersonalDataMasked(at_s=0.0, kinds={"email": rng.randrange(1, 4), "phone": 1}))
    if rng.random() < 0.2:
        facts.append(AttemptFailed(at_s=0.1, attempt=1, target="openai/gpt-4o", code="timeout"))
    if rng.random() < 0.2:
        facts.append(Saved(at_s=0.2, by="prompt_cache", tokens=10, nanousd=rng.randrange(-(10**5), 10**6)))
    if rng.random() < 0.05:
        facts.append(
            ExtraCallBilled(
                at_s=0.3,
                target="sim/sim",
                why="hedge",
                input_tokens=9,
                output_tokens=1,
                accuracy="exact",
                cost_nanousd=3,
            )
        )
    facts.append(Ended(at_s=0.5, end="completed"))
    return Settled(
        id=f"ex_{number:032x}",
        started_at=began + rng.random() * spread_s,
        duration_s=rng.lognormvariate(-0.5, 0.9),
        first_event_s=None if rng.random() < 0.1 else rng.lognormvariate(-1.5, 0.9),
        tenant=tenant,
        key=f"key_{tenant[:3]}_{rng.randrange(3)}",
        user=None,
        dialect="openai-chat",
        operation="chat",
        is_streamed=True,
        model=rng.choice(("support", "sales")),
        target=None if outcome == "blocked" else rng.choice(("openai/gpt-4o", "anthropic/claude")),
        outcome=outcome,
        outcome_code=None,
        attempts=rng.randrange(1, 4),
        input_tokens=_input_tokens(rng),
        output_tokens=rng.choice((0, rng.randrange(900))),
        cache_read_tokens=rng.randrange(50),
        cache_write_tokens=rng.randrange(50),
        reasoning_tokens=rng.randrange(50),
        usage_accuracy=rng.choice(("exact", "estimated")),
        cost_nanousd=cost,
        cost_accuracy="unknown" if cost is None else "exact",
        config_hash="0123456789abcdef",
        facts=tuple(facts),
        project=rng.choice((None, "web")),
        feature=rng.choice((None, "search", "chat")),
        region=rng.choice((None, "eu")),
    )


def _input_tokens(rng: random.Random) -> int:
    """As a rule few; sometimes none, or as many as those from which on a price may be another, or one more."""
    if rng.random() < 0.2:
        return rng.choice((0, *LENGTHS, *(length + 1 for length in LENGTHS)))
    return rng.randrange(3000)


def arrivals(records: Sequence[Settled]) -> list[Arrival]:
    return [arrive(msgspec.json.encode(record)) for record in records]


def undo_tallies_of_all(connection: psycopg.Connection) -> None:
    """Back to the schema before `0026_tallies_of_all`."""
    undo_pricing(connection)
    connection.execute("DROP TABLE rollup_tally_all_days, rollup_tally_all_months")
    connection.execute("DROP INDEX ledger_unknown_cost_beside")
    connection.execute("UPDATE alembic_version SET version_num = '0025_rollup_views'")


def undo_pricing(connection: psycopg.Connection) -> None:
    """Back to the schema before `0027_pricing`."""
    undo_quality_days(connection)
    connection.execute("DROP VIEW rollup_whole")
    connection.execute("ALTER TABLE rollup_closed DROP COLUMN version")
    connection.execute("ALTER TABLE rollup_series DROP COLUMN pricing")
    # No series from before is one of those that have a pricing.
    connection.execute("UPDATE rollup_series SET fingerprint = sha256(fingerprint) WHERE view IN (3, 4, 6)")
    connection.execute("UPDATE alembic_version SET version_num = '0026_tallies_of_all'")


def undo_quality_days(connection: psycopg.Connection) -> None:
    """Back to the schema before `0028_quality_days`."""
    connection.execute("DROP TABLE drift_looked, drift_known")
    connection.execute("ALTER TABLE feedback DROP COLUMN began, DROP COLUMN is_answer")
    connection.execute("ALTER TABLE remarks DROP COLUMN assistant")
    connection.execute("DROP TABLE quality_days, quality_months")
    connection.execute("DELETE FROM quality_hours WHERE view <> 4")
    connection.execute("ALTER TABLE quality_hours DROP COLUMN view CASCADE")
    connection.execute(
        'ALTER TABLE quality_hours ADD PRIMARY KEY ("check", at, tenant, assistant, release, target, verdict)'
    )
    connection.execute("CREATE OR REPLACE VIEW rollup_whole AS SELECT grain, at FROM rollup_closed WHERE version = 2")
    connection.execute("UPDATE rollup_closed SET version = 2 WHERE version = 3")
    connection.execute("UPDATE alembic_version SET version_num = '0027_pricing'")
