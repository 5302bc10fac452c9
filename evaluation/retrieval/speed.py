"""How long a search takes in a base of 100,000 chunks, by how much of it its asker may read."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
ASKERS: Final = {
    "1 %": (Reader("group:g7"),),
    "10 %": tuple(Reader(f"group:g{number}") for number in range(GROUPS // 10)),
    "50 %": (Reader("group:half"),),
}


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of searches without the query's encoding; `short` are those with fewer than k rows."""

    allowed: str
    searches: int
    p50: float
    p99: float
    short: int


def measure_speed(connection: psycopg.Connection, base: BaseId, memo: Memo, queries: Sequence[str]) -> list[Speed]:
    """One client, one search after the other, each query once."""
    order = list(queries)
    random.Random(1).shuffle(order)  # noqa: S311 - a repeatable draw
    vectors = memo.vectors(order)
    rows: list[Speed] = []
    for name, readers in ASKERS.items():
        times: list[float] = []
        short = 0
        for query, vector in zip(order, vectors, strict=True):
            asked = Search(query, vector, Asker(TENANT, readers), (base,), _K)
            began = time.perf_counter()
            found = take(connection, searching(asked, now=0.0))
            times.append(1000 * (time.perf_counter() - began))
            short += len(found.hits) < _K
        kept = np.array(times[_WARM:])
        rows.append(Speed(name, len(kept), float(np.percentile(kept, 50)), float(np.percentile(kept, 99)), short))
    return rows
