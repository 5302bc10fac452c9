"""How long a process takes to read what the semantic cache knew, and what requests feel of it.

`python -m bench.learned`: a hundred thousand questions of one partition in an embedded PostgreSQL of its own, read as
after a restart; beside it an event loop that wakes every 2 ms and looks into another partition on the cache's thread,
while they are read and afterwards.
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, TypeVarTuple, Unpack

import numpy as np
import psycopg

from penstock.cache.key import Keys
from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.cache import SemanticCache
from penstock.cache.semantic.kept.loader import Loader, Place
from penstock.cache.semantic.kept.seal import Seal, Seals
from penstock.cache.semantic.partition import Partition
from penstock.cache.semantic.question import Question, Weights, meaningful
from penstock.cache.semantic.reading import read
from penstock.cache.semantic.verify import FEATURES
from penstock.config.cache.semantic import SemanticSettings
from penstock.core.clock import SystemClock
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate

Given = TypeVarTuple("Given")
Back = TypeVar("Back")

QUESTIONS = 100_000
WIDTH = 384
_WORDS = 64
_TEXT = "How do I reset the password of my online account at the bank?"
_PARTITION, _OTHER, _SPACE = b"p" * 32, b"o" * 32, b"s" * 16
_SEALS = Seals(Keys(b"a secret of the installation").sealing)
_EVERY_S = 0.002
_SECONDS = 3.0
_COPY = (
    "COPY cache_questions (created_at, expires_at, key, partition, space, id, tenant, model, tags, groups, question)"
    " FROM STDIN"
)
_WEIGHTS = Weights(np.eye(_WORDS, WIDTH, dtype=np.float32), np.zeros(len(FEATURES), np.float32), -1.0, 0.7)


class _All:
    """Everything is kept elsewhere."""

    def has(self, partition: bytes) -> bool:
        return partition == _PARTITION

    def ask(self, partition: bytes) -> Literal["nothing", "coming"]:
        return "coming" if partition == _PARTITION else "nothing"


@dataclass
class Felt:
    """In milliseconds: how late the loop woke, and how long lookups took."""

    late: list[float] = field(default_factory=list[float])
    lookups: list[float] = field(default_factory=list[float])

    async def run(self, cache: SemanticCache, thread: ThreadPoolExecutor, is_over: Callable[[], bool]) -> None:
        loop, asked, settings = asyncio.get_running_loop(), _question(0), SemanticSettings()
        while not is_over():
            began = time.perf_counter()
            await asyncio.sleep(_EVERY_S)  # noqa: TID251 - a measuring program has no injected clock
            woke = time.perf_counter()
            self.late.append((woke - began - _EVERY_S) * 1e3)
            await loop.run_in_executor(thread, cache.find, _OTHER, asked, settings)
            self.lookups.append((time.perf_counter() - woke) * 1e3)

    def shown(self) -> str:
        late, lookups = np.percentile(self.late, (50, 99)), np.percentile(self.lookups, (50, 99))
        return f"{late[0]:.1f} / {late[1]:.1f} ms | {lookups[0]:.1f} / {lookups[1]:.1f} ms"


def main() -> int:
    """Fill, read, print."""
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            _measure(server.start())
        finally:
            server.stop()
    return 0


def _measure(url: str) -> None:
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        _fill(connection)
    cache = SemanticCache(_WEIGHTS, width=WIDTH, most_bytes=1 << 30, elsewhere=_All())
    thread = ThreadPoolExecutor(1)

    def submit(call: Callable[[Unpack[Given]], Back], *given: *Given) -> Future[Back]:
        return thread.submit(call, *given)

    for number in range(QUESTIONS // 100):
        cache.add(_OTHER, f"entry {number}", _question(number), SemanticSettings())
    before = len(cache)
    cache.find(_PARTITION, _question(0), SemanticSettings())
    loader = Loader(lambda: psycopg.connect(url, autocommit=True), SystemClock(), _SEALS, _SPACE)
    during, after = Felt(), Felt()
    began_s, cpu_s = time.perf_counter(), _cpu_s()
    loader.start(Place(cache, submit))
    loader.want(_PARTITION)
    asyncio.run(during.run(cache, thread, lambda: loader.waiting == 0))
    took_s, cpu_s = time.perf_counter() - began_s, _cpu_s() - cpu_s
    alone_s, until = _cpu_s(), time.perf_counter() + _SECONDS
    asyncio.run(after.run(cache, thread, lambda: time.perf_counter() > until))
    alone_s = (_cpu_s() - alone_s) / _SECONDS * took_s
    loader.stop()
    thread.shutdown()
    sys.stdout.write(
        f"{len(cache) - before:,} questions read in {took_s:.1f} s,"
        f" with {cpu_s - alone_s:.1f} s of CPU beside that of the lookups\n\n"
        "| | the loop woke late by, p50 / p99 | a lookup, p50 / p99 |\n|---|---|---|\n"
        f"| while they are read | {during.shown()} |\n| afterwards | {after.shown()} |\n"
    )


def _fill(connection: psycopg.Connection) -> None:
    now, seal = SystemClock().now(), _SEALS.of(_PARTITION)
    partition = Partition(_WEIGHTS, Bound(0.01), width=WIDTH)
    with connection.cursor().copy(_COPY) as copy:
        for number in range(QUESTIONS):
            groups, sealed = _sealed(partition, number, seal)
            name, key = f"ex_{number:032x}", number.to_bytes(32)
            copy.write_row((now, now + 1e6, key, _PARTITION, _SPACE, name, "t", "m", [], groups, sealed))
    connection.execute("VACUUM ANALYZE cache_questions")


def _sealed(partition: Partition, number: int, seal: Seal) -> tuple[list[int], bytes]:
    entry = f"{number:064x}ex_{number:032x}"
    packed = partition.packed(entry, partition.add(entry, _question(number)))
    if packed is None:
        raise LookupError(entry)
    partition.drop(entry)
    return list(packed.groups), seal.seal(packed.body)


def _question(number: int) -> Question:
    reading = read(_TEXT)
    if reading is None:
        raise ValueError(_TEXT)
    vector = np.random.default_rng(number).standard_normal(WIDTH)
    words = np.full((len(meaningful(reading)), _WORDS), _WORDS**-0.5, np.float32)
    return Question(_TEXT, reading, (vector / np.linalg.norm(vector)).astype(np.float32), words)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
