"""Which way candidates are found by vector, of how many chunks may be read among how many."""

import numpy as np
import psycopg
import pytest
from tests.knowledge.index.conftest import document

from penstock.core.sources import PUBLIC
from penstock.knowledge.index import search
from penstock.knowledge.index.bases import Fingerprint, create_base
from penstock.knowledge.index.request import Search
from penstock.knowledge.index.steps import Asker, take
from penstock.knowledge.index.store import PostgresStore


@pytest.mark.parametrize(
    ("width", "chunks", "of", "way"),
    [
        (384, 3_000, 100_000, search.BY_VECTOR_FEW),
        (384, 10_000, 100_000, search.BY_SIGNS),
        (384, 12_000, 100_000, search.THROUGH_INDEX[384]),
        (384, 12_000, 1_000_000, search.BY_SIGNS),
        (384, None, 100_000, search.THROUGH_INDEX[384]),
        (512, 12_000, 100_000, search.THROUGH_INDEX[512]),
        (512, None, 100_000, search.THROUGH_INDEX[512]),
        (100, 12_000, 100_000, search.BY_SIGNS),
        (100, None, 100_000, search.BY_VECTOR_ALL),
    ],
)
def test_an_index_is_walked_where_enough_of_it_may_be_read(width: int, chunks: int | None, of: float, way: str) -> None:
    assert search.by_vector(width, chunks, of=of) == way


@pytest.mark.parametrize("width", [512, 100])
def test_vectors_of_any_width_are_all_searched(
    connection: psycopg.Connection, store: PostgresStore, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_FEW_DOCUMENTS", 1)
    base = create_base(connection, "acme", "other", Fingerprint("other", width))
    vectors = np.eye(width, dtype=np.float32)
    for number in range(40):
        store.put(base, document(f"{number}.md", f"Rule {number}."), vectors[number : number + 1])
    asked = Search("unheard", vectors[37], bases=(base,), asker=Asker("acme", (PUBLIC,)), k=1)
    [hit] = take(connection, search.searching(asked, now=0.0)).hits
    assert (hit.passage.title, round(hit.cosine, 3)) == ("37.md", 1.0)
