"""How long a look at the review queue takes: `python -m evaluation review [--holds N]`.

A real PostgreSQL, started for it, with as many holds in five tenants: once nearly all of them decided, once all of
them open and equally urgent, which is the worst for an order by urgency.  Each question is asked as the admin API asks
it, in several pages; what is shown is the slowest page, of all questions of its kind.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from penstock.core.clock import SystemClock
from penstock.core.sources import PUBLIC
from penstock.knowledge.document import Document
from penstock.knowledge.index.bases import Fingerprint, create_base
from penstock.knowledge.index.store import PostgresStore
from penstock.review.listing import HoldChoice, page
from penstock.review.queue import Act, claim_next
from penstock.review.reviewer import Reviewer
from penstock.review.take import tick
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate

_NOW = 1.8e9
_LIMIT = 100
_FILL: LiteralString = """
    INSERT INTO holds (id, exchange, tenant, model, key, "user", conversation, language, rule, reason, "group",
        priority, confidence, created_at, due_at, state, ended_at, ended_by, tick_at, is_sampled, documents)
    SELECT 'hold_' || lpad(to_hex(i), 32, '0'), 'ex_' || i, 't' || (i %% 5), 'm' || (i %% 20), 'k', 'u' || (i %% 20000),
        'c' || (i %% 300000), '', 'r' || (i %% 7), 'because',
        CASE WHEN i %% 100000 = 3 THEN 'rare' ELSE 'g' || (i %% 3) END,
        CASE WHEN %(all_open)s THEN 5 ELSE i %% 10 END, 0.4, 1.7e9 + i, 1.7e9 + i + 3600,
        CASE WHEN is_open THEN 'waiting' WHEN i %% 3 = 0 THEN 'edited' ELSE 'approved' END,
        CASE WHEN NOT is_open THEN 1.7e9 + i + 60 END, CASE WHEN NOT is_open THEN 'x' END,
        CASE WHEN is_open AND i %% 10 = 0 THEN 1.9e9 END, i %% 10 = 0, ARRAY[%(first)s + i %% 1000, %(first)s + i %% 7]
    FROM generate_series(1, %(holds)s) AS i CROSS JOIN LATERAL (SELECT %(all_open)s OR i %% 499 = 0) AS o (is_open)
"""
_WHO = {
    "all tenants": Reviewer(id="a", key="a", tenant=None, groups=None),
    "a tenant": Reviewer(id="l", key="l", tenant="t3", groups=None),
    "two groups": Reviewer(id="e", key="jwt", tenant="t3", user="u9", groups=frozenset({"g0", "rare"})),
    "a small group": Reviewer(id="r", key="jwt", tenant="t3", user="u9", groups=frozenset({"rare"})),
}
_NOBODY = Reviewer(id="n", key="jwt", tenant="t3", user="u9", groups=frozenset({"g0"}), readers=())
"""May read none of the documents, and so sees none of the holds."""
_ASKED: dict[str, list[dict[str, Any]]] = {
    "the queue, 20 pages": [{}],
    "all, newest first, 20 pages": [{"order": "newest"}],
    "a filter that many meet": [
        {"model": "m3"},
        {"rule": "r1"},
        {"group": "g0"},
        {"state": "edited", "order": "newest"},
    ],
    "a filter that few meet": [
        {"user": "u13", "order": "newest"},
        {"conversation": "c13", "order": "newest"},
        {"exchange": "ex_13", "order": "newest"},
        {"since": 1.7e9 + 10, "until": 1.7e9 + 500, "order": "newest"},
        {"group": "rare"},
    ],
    "a filter that nobody meets": [
        {"model": "none"},
        {"model": "none", "order": "newest"},
        {"rule": "none"},
        {"rule": "none", "order": "newest"},
        {"state": "rejected", "order": "newest"},
        {"state": "claimed"},
        {"claimed_by": "none"},
        {"group": "none"},
        {"min_priority": 9},
        {"due_before": 1.6e9},
    ],
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="evaluation review")
    parser.add_argument("--holds", type=int, default=1_000_000)
    holds: int = parser.parse_args().holds
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    server = EmbeddedPostgres(folder)
    found: dict[tuple[str, str], list[float]] = {}
    try:
        url = server.start()
        migrate(url)
        first = write_documents(url)
        for mix, all_open in (("0.2 % open", False), ("all open", True)):
            fill(url, holds, first, all_open=all_open)
            asyncio.run(ask(url, lambda name, seconds, mix=mix: found.setdefault((name, mix), []).append(seconds)))
    finally:
        server.stop()
        shutil.rmtree(folder)
    sys.stdout.write(table(found))
    return 0


def write_documents(url: str) -> int:
    """A thousand, everybody's; the number of the first."""
    with psycopg.connect(url, autocommit=True) as connection:
        base = create_base(connection, "", "docs", Fingerprint("none", 4))
        store = PostgresStore(connection, SystemClock())
        for number in range(1_000):
            made = Document(
                key=f"{number:04}",
                title="A document",
                text="30 days",
                chunks=(),
                digest=b"1",
                media_type="text/plain",
                readers=(PUBLIC,),
            )
            store.put(base, made, np.zeros((0, 4), np.float32))
        row = connection.execute("SELECT min(id) FROM knowledge_documents").fetchone()
    assert row is not None  # noqa: S101 - a thousand were written
    return int(row[0])


def fill(url: str, holds: int, first: int, *, all_open: bool) -> None:
    """Indexes come after the rows, which is quicker and ends the same."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT set_config('penstock.erasing', 'on', false)")
        connection.execute("DELETE FROM holds")
        rows = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'holds' AND indexname <> 'holds_pkey'"
        ).fetchall()
        for name, _ in rows:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute(_FILL, {"holds": holds, "all_open": all_open, "first": first})
        for _, definition in rows:
            connection.execute(definition)
        connection.execute("ANALYZE holds")


async def ask(url: str, note: Callable[[str, float], None]) -> None:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        for who in _WHO.values():
            for name, choices in _ASKED.items():
                for wanted in choices:
                    after: str | None = None
                    for _ in range(20 if "20 pages" in name else 3):
                        begun = time.perf_counter()
                        _, after = await page(connection, who, HoldChoice(**wanted), after=after, limit=_LIMIT)
                        note(name, time.perf_counter() - begun)
                        if after is None:
                            break
            begun = time.perf_counter()
            async with connection.transaction(force_rollback=True):
                await claim_next(connection, Act(who, _NOW), lease_s=600.0)
            note("claim the next", time.perf_counter() - begun)
        begun = time.perf_counter()
        await page(connection, _NOBODY, HoldChoice(), after=None, limit=_LIMIT)
        note("the queue of who may read none of the documents", time.perf_counter() - begun)
        begun = time.perf_counter()
        async with connection.transaction(force_rollback=True):
            await claim_next(connection, Act(_NOBODY, _NOW), lease_s=600.0)
        note("claim the next, who may read none of them", time.perf_counter() - begun)
    with psycopg.connect(url) as worker:
        begun = time.perf_counter()
        tick(worker, now=_NOW)
        note("look for overdue ones, there are none", time.perf_counter() - begun)


def table(found: dict[tuple[str, str], list[float]]) -> str:
    mixes = list(dict.fromkeys(mix for _, mix in found))
    lines = [f"| slowest page, ms | {' | '.join(mixes)} |", "|---|" + "---|" * len(mixes)]
    lines += [
        f"| {name} | " + " | ".join(f"{1000 * max(found[name, mix]):.1f}" for mix in mixes) + " |"
        for name in dict.fromkeys(name for name, _ in found)
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
