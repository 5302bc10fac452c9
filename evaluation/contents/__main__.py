"""How long a search by text takes: `python -m evaluation contents [--rows N] [--processes N]`; with `--cost` what
contents take of a data plane.

A real PostgreSQL, started for it, with as many exchanges' contents in five tenants over thirty days, sealed and marked
as ever; three in five are of one tenant.  Each search is run as the admin API runs it, without the HTTP around it and
the record in the audit; what is shown is the median and the slowest of ten, the first of which finds nothing in memory
but what the searches before it have read.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg

from evaluation.contents.cost import table as table_of_costs
from evaluation.contents.writing import BURST_DAY, KEY, NOW, TENANTS, fill, word
from penstock.app.contents.plane import opening_of
from penstock.core.clock import SystemClock
from penstock.guard.personal.vault.sealing import Sealer
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.watch.contents.marks import DAY_S
from penstock.watch.contents.search import Asked, Found, Search, tenants_of
from penstock.watch.contents.words import terms_of

_TIMES: Final = 10
_LIMIT: Final = 20
_SEARCHES: Final = {
    "a word of five exchanges": "zanzibar",
    "a word of nobody": "quetzalcoatl",
    "a word of every second exchange": word(20),
    "a word of nearly every exchange": word(0),
    "a word of one in a hundred": "delivery",
    "a word of one in a thousand": "invoice",
    "a word of one day, and there of all": "breakdown",
    "three frequent words": f"{word(5)} {word(50)} {word(100)}",
    "a frequent, a rarer and a rare word": f"{word(1)} delivery {word(40_000)}",
    "a rare phrase": '"the purple heron sings"',
    "a phrase of frequent words": f'"{word(0)} {word(1)}"',
    "a phrase that nobody says, of frequent words": f'"{word(0)} {word(1)} {word(2)} {word(3)} {word(4)}"',
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="evaluation contents")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="where the database's folder is made")
    parser.add_argument("--cost", action="store_true", help="measure the data plane, and no search")
    parser.add_argument("--requests", type=int, default=1_000, help="of each plane in each round, with --cost")
    asked = parser.parse_args()
    rows: int = asked.rows
    folder = Path(tempfile.mkdtemp(prefix="penstock-", dir=asked.folder))
    if asked.cost:
        try:
            sys.stdout.write(table_of_costs(folder, asked.requests))
        finally:
            shutil.rmtree(folder)
        return 0
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        migrate(url)
        began_s = time.monotonic()
        fill(url, rows, processes=asked.processes)
        sys.stdout.write(f"{rows:,} exchanges in {time.monotonic() - began_s:.0f} s; {sizes(url)}\n\n")
        sys.stdout.flush()
        sys.stdout.write(asyncio.run(table(url)))
    finally:
        server.stop()
        shutil.rmtree(folder)
    return 0


def sizes(url: str) -> str:
    """Of the table and of the index of marks."""
    with psycopg.connect(url) as connection:
        [row] = connection.execute(
            "SELECT pg_table_size('contents'), pg_relation_size('contents_marks'), pg_indexes_size('contents')"
        ).fetchall()
        table_mb, marks_mb, indexes_mb = (each / 1e6 for each in row)
    return f"table {table_mb:,.0f} MB, marks {marks_mb:,.0f} MB, all indexes {indexes_mb:,.0f} MB"


async def table(url: str) -> str:
    """Of all searches, in one tenant and in all."""
    lines = ["| search | in | median ms | slowest ms | found | whole |", "|---|---|---|---|---|---|"]
    opening, clock = opening_of(Sealer(KEY)), SystemClock()
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for name, text in _SEARCHES.items():
            for whose in ("one tenant", "all tenants", "a week of one"):
                if whose == "a week of one" and name != "a word of one day, and there of all":
                    continue
                took_ms: list[float] = []
                found = Found()
                for _ in range(_TIMES):
                    began_s = time.monotonic()
                    tenants = await tenants_of(connection) if whose == "all tenants" else [TENANTS[0]]
                    await connection.commit()
                    since = NOW - (BURST_DAY - 3) * DAY_S if whose == "a week of one" else None
                    question = Asked(terms=terms_of(text), tenants=tenants, limit=_LIMIT, since=since)
                    found = await Search(connection, opening, clock, question).run()
                    took_ms.append((time.monotonic() - began_s) * 1000)
                whole = "yes" if found.is_whole else "no"
                lines.append(
                    f"| {name} | {whose} | {statistics.median(took_ms):.0f} | {max(took_ms):.0f} | {len(found.hits)} |"
                    f" {whole} |"
                )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
