"""How long a search takes in a base of 100,000 chunks, by how much of it its asker may read."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psycopg

from evaluation.retrieval.crowd import GROUPS, TENANT
from evaluation.retrieval.memo import Memo
from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.index.request import Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.steps import Asker, take

_K: Final = 10
_WARM: Final = 30
_SETTLED_S: Final = 0.0003
"""Until then the backend waits for the next statement, and its processor time is whole."""
ASKERS: Final = {
    "1 %": (Reader("group:g7"),),
    **{
        f"{share} %": tuple(Reader(f"group:g{number}") for number in range(share * GROUPS // 100))
        for share in (4, 7, 10)
    },
    "50 %": (Reader("group:half"),),
}


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of searches without the query's encoding; `short` are those with fewer than k rows.

    `server` and `client` are the median processor time of the database's process and of this one.
    """

    allowed: str
    searches: int
    p50: float
    p99: float
    short: int
    server: float
    client: float


def measure_speed(connection: psycopg.Connection, base: BaseId, memo: Memo, queries: Sequence[str]) -> list[Speed]:
    """One client, one search after the other, each query once."""
    order = list(queries)
    random.Random(1).shuffle(order)  # noqa: S311 - a repeatable draw
    vectors = memo.vectors(order)
    backend, pause = connection.info.backend_pid, threading.Event()
    rows: list[Speed] = []
    for name, readers in ASKERS.items():
        times: list[tuple[float, float, float]] = []
        short = 0
        for query, vector in zip(order, vectors, strict=True):
            asked = Search(query, vector, Asker(TENANT, readers), (base,), _K)
            before = _clocks(backend)
            found = take(connection, searching(asked, now=0.0))
            waited = time.perf_counter() - before[0]
            pause.wait(_SETTLED_S)
            after = _clocks(backend)
            times.append((1000 * waited, 1000 * (after[1] - before[1]), 1000 * (after[2] - before[2])))
            short += len(found.hits) < _K
        kept = np.array(times[_WARM:])
        p50, server, client = (float(each) for each in np.percentile(kept, 50, axis=0))
        rows.append(Speed(name, len(kept), p50, float(np.percentile(kept[:, 0], 99)), short, server, client))
    return rows


def _clocks(backend: int) -> tuple[float, float, float]:
    """Seconds: of the clock, of the backend's processor time as Linux counts it, and of our own."""
    ran_ns = int(Path(f"/proc/{backend}/schedstat").read_text("ascii").split()[0])
    return time.perf_counter(), ran_ns / 1e9, time.process_time()
