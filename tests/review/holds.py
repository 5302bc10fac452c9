"""Holds and reviewers, for the tests of the review."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import numpy as np
import psycopg

from penstock.core.sources import PUBLIC, Passage, Reader
from penstock.knowledge.document import Document
from penstock.knowledge.index.bases import Fingerprint, create_base, document_id, find_base
from penstock.knowledge.index.store import PostgresStore
from penstock.review import queue
from penstock.review.decision import Decision
from penstock.review.hold import Found, Hold, Outcome, Turn
from penstock.review.queue import Act
from penstock.review.released import Asker
from penstock.review.reviewer import Reviewer
from penstock.review.take import insert
from penstock.testing.clock import FakeClock

NOW = 1_800_000_000.0
EVERYBODY = Reviewer(id="admin-token", key="admin-token", tenant=None, groups=None, readers=None)


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


def document(url: str, *readers: str, tenant: str = "acme") -> str:
    """The id of a new document in the tenant's base, for these readers."""
    with psycopg.connect(url, autocommit=True) as connection:
        base = find_base(connection, tenant, "returns")
        number = base.id if base is not None else create_base(connection, tenant, "returns", Fingerprint("none", 4))
        key = f"{len(readers)}-{'-'.join(readers)}"
        made = Document(
            key=key,
            title="Returns",
            text="30 days",
            chunks=(),
            digest=b"1",
            media_type="text/plain",
            readers=tuple(Reader(each) for each in readers or (PUBLIC,)),
        )
        PostgresStore(connection, FakeClock()).put(number, made, np.zeros((0, 4), np.float32))
        row = connection.execute("SELECT id FROM knowledge_documents WHERE key = %s", (key,)).fetchone()
    assert row is not None
    return document_id(row[0])


def source_of(made: str) -> Passage:
    return Passage(label="1", document=made, version=1, title="Returns", text="30 days", start=0, end=7)


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[psycopg.AsyncConnection]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    try:
        yield connection
    finally:
        await connection.close()


async def decided(
    connection: psycopg.AsyncConnection, number: int, outcome: Outcome = "approved", who: str = "eva", **more: object
) -> None:
    name = f"hold_{number:04}"
    row = await queue.claim(connection, name, act(reviewer(who)), lease_s=600)
    await queue.decide(connection, name, act(reviewer(who)), decision(outcome, version=row.version, **more))


def asker(*, tenant: str = "acme", key: str = "app", user: str | None = None) -> Asker:
    """Who may read what everybody may."""
    return Asker(tenant=tenant, key=key, user=user, readers=(PUBLIC,))
