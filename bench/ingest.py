"""How fast settled exchanges reach the ledger and its sums: `make bench ARGS=ingest`.

A journal as data planes write it, a real PostgreSQL, and the shipper of the control plane: from the first line read to
the last row and its sums on disk.  Records are of some hundred tenants, keys, assistants and targets, so that a batch
has many sums to add to, and their facts are those of an exchange with a guard and a cache.  Beside it the ledger alone,
its rows copied without sums, in turns with it.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import psycopg
from psycopg import sql

from bench.processes import cpu_s
from penstock.core.clock import SystemClock
from penstock.core.facts import (
    AnyFact,
    AttemptStarted,
    AttemptSucceeded,
    CacheHit,
    CacheMissed,
    Ended,
    GuardJudged,
    LeaseSettled,
    LeaseTaken,
    PersonalDataMasked,
    RouteChosen,
)
from penstock.core.record import Settled
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.watch.journal import JournalFile
from penstock.watch.row import COLUMNS, arrive
from penstock.watch.ship import Shipper

AIM = 5_000.0
_BATCH = 2_000
_COPY = sql.SQL("COPY plain ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=AIM, help="exchanges a second, as their times say")
    chosen = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        migrate(url)
        _make_plain(url)
        rates: list[float] = []
        for number in range(chosen.rounds):
            records = list(_records(number, chosen.records, chosen.rate))
            alone = _copied(url, records)
            rate, python_us, server_us = _shipped(folder / f"journal{number}", url, records, server)
            rates.append(rate)
            sys.stdout.write(
                f"round {number + 1}: {rate:,.0f} exchanges/s into ledger and sums, {alone:,.0f} into a table alone;"
                f" CPU an exchange: {python_us:.0f} µs of the shipper, {server_us:.0f} µs of PostgreSQL\n"
            )
            sys.stdout.flush()
        _check(url, chosen.records * chosen.rounds)
    finally:
        server.stop()
        shutil.rmtree(folder)
    worst = min(rates)
    sys.stdout.write(f"least of all rounds: {worst:,.0f}/s (aim {AIM:,.0f}: {'met' if worst >= AIM else 'missed'})\n")
    return 0 if worst >= AIM else 1


def _records(round_number: int, count: int, rate: float) -> Iterator[Settled]:
    rng = random.Random(round_number)  # noqa: S311 - made records
    began = SystemClock().now() - count / rate
    for number in range(count):
        at = began + number / rate
        tenant = int(100 * rng.random() ** 3)
        facts: list[AnyFact] = [
            LeaseTaken(at_s=0.0, lease="in_flight"),
            GuardJudged(at_s=0.001, guard="injection", direction="input", mode="enforce", action="allow", texts=2),
            RouteChosen(at_s=0.002, route="m", targets=("openai/gpt-4o",)),
            AttemptStarted(at_s=0.003, attempt=1, target="openai/gpt-4o"),
            AttemptSucceeded(at_s=0.3, attempt=1, target="openai/gpt-4o"),
            LeaseSettled(at_s=0.8, lease="in_flight"),
            Ended(at_s=0.8, end="completed"),
        ]
        draw = rng.random()
        if draw < 0.5:
            hit = CacheHit(at_s=0.002, kind="exact", age_s=3.0, saved_nanousd=1000)
            facts.insert(2, hit if draw < 0.2 else CacheMissed(at_s=0.002, reason="new"))
        if draw > 0.9:
            facts.insert(2, PersonalDataMasked(at_s=0.001, kinds={"email": 2}))
        yield Settled(
            id=f"ex_{int(at * 1000):012x}{round_number:04x}{number:016x}",
            started_at=at,
            duration_s=rng.lognormvariate(-0.5, 0.8),
            first_event_s=rng.lognormvariate(-1.5, 0.8),
            tenant=f"tenant-{tenant}",
            key=f"key_{tenant}_{rng.randrange(3)}",
            user=f"user-{rng.randrange(50_000)}",
            dialect="openai-chat",
            operation="chat",
            is_streamed=True,
            model=f"assistant-{rng.randrange(8)}",
            target=f"openai/gpt-{rng.randrange(4)}",
            outcome="completed" if draw < 0.97 else "upstream_failed",
            outcome_code=None,
            attempts=1,
            input_tokens=rng.randrange(3000),
            output_tokens=rng.randrange(600),
            cache_read_tokens=0,
            cache_write_tokens=0,
            reasoning_tokens=0,
            usage_accuracy="exact",
            cost_nanousd=rng.randrange(9_000_000),
            cost_accuracy="exact",
            config_hash="0123456789abcdef",
            facts=tuple(facts),
            project=f"project-{tenant % 7}",
            feature=f"feature-{rng.randrange(5)}",
            region="eu",
        )


def _make_plain(url: str) -> None:
    """The ledger as it was before it had sums, months and marks: one table, three indexes."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE plain (LIKE ledger)")
        connection.execute("ALTER TABLE plain ADD PRIMARY KEY (id)")
        connection.execute("CREATE INDEX plain_started_at ON plain (started_at, id)")
        connection.execute("CREATE INDEX plain_tenant_started_at ON plain (tenant, started_at, id)")


def _copied(url: str, records: list[Settled]) -> float:
    """Records a second that the rows alone take, in the same batches."""
    lines = [msgspec.json.encode(record) for record in records]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = on")
        began = time.perf_counter()
        for start in range(0, len(lines), _BATCH):
            block = "".join(arrive(line).line for line in lines[start : start + _BATCH])
            with connection.transaction(), connection.cursor().copy(_COPY) as copy:
                copy.write(block)
        return len(lines) / (time.perf_counter() - began)


def _shipped(directory: Path, url: str, records: list[Settled], server: EmbeddedPostgres) -> tuple[float, float, float]:
    """Records a second, and the microseconds of each that shipper and server have worked."""
    journal = JournalFile(directory, clock=SystemClock(), fsync="never")
    for record in records:
        journal.append(record)
    journal.close()
    told: list[float] = []
    python_s, server_s, began = time.process_time(), _cpu_of(server), time.perf_counter()
    shipper = Shipper(directory, url, clock=SystemClock(), told=lambda _: told.append(_cpu_of(server)))
    shipped = shipper.drain_once()
    took_s = time.perf_counter() - began
    if shipped != len(records):
        raise RuntimeError(f"{shipped} of {len(records)} records were shipped")
    python_us = (time.process_time() - python_s) / shipped * 1e6
    return shipped / took_s, python_us, (max(told) - server_s) / shipped * 1e6


def _cpu_of(server: EmbeddedPostgres) -> float:
    """Of the server and those of its processes that run; the shipper's own runs until it has shipped all."""
    pid = server.pid
    if pid is None:
        return 0.0
    return cpu_s([pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))])


def _check(url: str, records: int) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM ledger), (SELECT sum(exchanges) FROM rollup_hours WHERE view = 0),"
            " (SELECT sum(cost_nanousd) FROM ledger), (SELECT sum(cost_nanousd) FROM rollup_minutes WHERE view = 8)"
        ).fetchone()
    if row is None or row[0] != records or row[0] != row[1] or row[2] != row[3]:
        raise RuntimeError(f"the sums are not those of the rows: {row}")
