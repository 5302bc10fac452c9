"""Holds and reviewers, for the tests of the review."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg

from penstock.review.decision import Decision
from penstock.review.hold import Found, Hold, Outcome, Turn
from penstock.review.queue import Act
from penstock.review.reviewer import Reviewer
from penstock.review.take import insert

NOW = 1_800_000_000.0
EVERYBODY = Reviewer(id="admin-token", key="admin-token", tenant=None, groups=None)


def hold(number: int = 1, **more: Any) -> Hold:
    made = Hold(
        id=f"hold_{number:04}",
        exchange=f"ex_{number}",
        tenant="acme",
        model="desk",
        key="app",
        user="ada",
        conversation=f"c{number}",
        question=(Turn("user", f"May I return order {number}?"),),
        answer=f"Yes, order {number} within 90 days.",
        verdicts=(Found(rule="ground.unsupported", action="hold", score=0.9),),
        confidence=0.4,
        rule="unsure",
        reason="confidence 0.40 is below 0.50",
        created_at=NOW + number,
        due_at=NOW + 3600.0,
        group="support",
        hand_over="A colleague will look at this.",
    )
    return msgspec.structs.replace(made, **more)


def reviewer(name: str = "eva", *groups: str, tenant: str = "acme") -> Reviewer:
    return Reviewer(
        id=f"key/{name}", key="jwt:acme", tenant=tenant, user=name, groups=frozenset(groups or ("support",))
    )


def act(who: Reviewer | None = None, now: float = NOW) -> Act:
    return Act(who or reviewer(), now)


def decision(outcome: Outcome = "approved", version: int = 2, **more: Any) -> Decision:
    if outcome != "approved":
        more.setdefault("text", "Within 30 days.")
    if outcome in {"edited", "rejected"}:
        more.setdefault("reasons", ("hallucination",))
    return Decision(outcome=outcome, version=version, **more)


def keep(url: str, holds: Sequence[Hold]) -> int:
    with psycopg.connect(url) as connection:
        return insert(connection, holds)


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[psycopg.AsyncConnection]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    try:
        yield connection
    finally:
        await connection.close()
