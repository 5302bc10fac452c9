"""Which way candidates are found by vector, of how many chunks may be read among how many."""

import pytest

from penstock.knowledge.index import search


@pytest.mark.parametrize(
    ("width", "chunks", "of", "way"),
    [
        (384, 3_000, 100_000, search.BY_VECTOR_FEW),
        (384, 10_000, 100_000, search.BY_SIGNS),
        (384, 12_000, 100_000, search.BY_VECTOR_384),
        (384, 12_000, 1_000_000, search.BY_SIGNS),
        (384, None, 100_000, search.BY_VECTOR_384),
        (512, 12_000, 100_000, search.BY_SIGNS),
        (512, None, 100_000, search.BY_VECTOR_FEW),
    ],
)
def test_an_index_is_walked_where_enough_of_it_may_be_read(width: int, chunks: int | None, of: float, way: str) -> None:
    assert search.by_vector(width, chunks, of=of) == way
