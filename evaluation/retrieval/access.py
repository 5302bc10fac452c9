"""Random principals, documents and queries, while another connection changes who may read.

A leak is a passage whose document named none of the asker's readers at any moment of the search.
"""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import psycopg

from evaluation.retrieval.loaded import TENANT, Loaded
from penstock.core.clock import SystemClock
from penstock.core.sources import Reader
from penstock.knowledge.index.request import Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.steps import Asker, take
from penstock.knowledge.index.store import PostgresStore

_GROUPS: Final = tuple(Reader(f"group:{number}") for number in range(100))
_K: Final = 10


@dataclass(slots=True)
class Trials:
    """`short` are searches that gave fewer than k passages though the asker could read so many throughout."""

    searches: int = 0
    passages: int = 0
    changes: int = 0
    leaks: int = 0
    short: int = 0


class _Rights:
    """Who may read what, with what is just being changed: before and after a change both count."""

    def __init__(self, readers: dict[str, tuple[Reader, ...]]) -> None:
        self._lock = threading.Lock()
        self._now = {key: {who} for key, who in readers.items()}

    def begin(self, key: str, who: tuple[Reader, ...]) -> None:
        with self._lock:
            self._now[key].add(who)

    def end(self, key: str, who: tuple[Reader, ...]) -> None:
        with self._lock:
            self._now[key] = {who}

    def seen(self) -> dict[str, frozenset[tuple[Reader, ...]]]:
        with self._lock:
            return {key: frozenset(who) for key, who in self._now.items()}


def try_access(loaded: Loaded, second: psycopg.Connection, queries: list[str], *, trials: int) -> Trials:
    """`loaded` is a set whose documents are public; each is given one group in a hundred first."""
    draw, other = random.Random(11), random.Random(12)  # noqa: S311 - repeatable draws
    keys = list(loaded.names.values())
    store = PostgresStore(second, SystemClock())
    readers = {key: (draw.choice(_GROUPS),) for key in keys}
    store.permit(loaded.base, readers)
    rights, is_over, result = _Rights(readers), threading.Event(), Trials()

    def change() -> None:
        while not is_over.is_set():
            key = other.choice(keys)
            who = tuple(other.sample(_GROUPS, other.choice((1, 1, 1, 30))))
            rights.begin(key, who)
            store.permit(loaded.base, {key: who})
            rights.end(key, who)
            result.changes += 1

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        try:
            for _ in range(trials):
                who = tuple(draw.sample(_GROUPS, draw.choice((1, 1, 2, 50))))
                _try(loaded, rights, draw.choice(queries), who, result)
        finally:
            is_over.set()
        changing.result()
    return result


def _try(loaded: Loaded, rights: _Rights, query: str, who: tuple[Reader, ...], result: Trials) -> None:
    before = rights.seen()
    vector = loaded.memo.vectors([query])[0]
    asked = Search(query, vector, Asker(TENANT, who), (loaded.base,), _K)
    found = take(loaded.connection, searching(asked, now=0.0))
    after = rights.seen()
    mine = set(who)
    result.searches += 1
    result.passages += len(found.hits)
    for passage in found.passages:
        key = loaded.names[passage.document]
        result.leaks += all(mine.isdisjoint(readers) for readers in before[key] | after[key])
    sure = sum(all(not mine.isdisjoint(each) for each in before[key] | after[key]) for key in before)
    result.short += len(found.hits) < min(_K, sure)
