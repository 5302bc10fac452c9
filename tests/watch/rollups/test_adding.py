"""Histograms that are read as arrays and added up are those that the rows have."""

import random
from collections import Counter

import psycopg
import pytest
from psycopg import sql

from penstock.watch.figures.adding import Histogram, gathered


@pytest.mark.parametrize("rows", [0, 1, 30, 400])
def test_rows_are_added_up_as_one_by_one(empty_database_url: str, rows: int) -> None:
    """Among them empty ones, a bucket that stands twice in a row, and what is taken off: of 400 more than waits."""
    rng = random.Random(rows)  # noqa: S311 - made rows
    wanted: Counter[int] = Counter()
    made: list[tuple[list[int], list[int], int, int]] = []
    for _ in range(rows):
        buckets = [rng.choice((0, 2_700, rng.randrange(2_700))) for _ in range(rng.randrange(80))]
        counts = [rng.choice((1, 2**31 - 1)) for _ in buckets]
        sign = rng.choice((1, 1, -1))
        made.append((buckets, counts, sign, rng.randrange(5)))
        for bucket, count in zip(buckets, counts, strict=True):
            wanted[bucket] += sign * count
    histogram = Histogram()
    with psycopg.connect(empty_database_url) as connection, connection.cursor(binary=True) as cursor:
        cursor.execute("CREATE TEMP TABLE made (buckets int2[], counts int4[], sign int, part int)")
        cursor.executemany("INSERT INTO made VALUES (%s, %s, %s, %s)", made)
        query = sql.SQL("SELECT {}, {}, sign FROM made GROUP BY part, sign").format(
            gathered(sql.Identifier("buckets")), gathered(sql.Identifier("counts"))
        )
        for together, counted, sign in cursor.execute(query):
            histogram.add(together, counted, sign)
    found = histogram.counts()
    assert found == {bucket: count for bucket, count in wanted.items() if count}
    assert list(found) == sorted(found)
    assert all(type(each) is int for pair in found.items() for each in pair), "no numbers of numpy"
