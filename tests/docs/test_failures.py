"""docs/failures.md: each row is whole, the facts that it promises exist, and each is shown by a test.

That the tests exist is checked with all other references in tests/docs/test_tour.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from penstock.core.facts import AnyFact

PAGE = (Path(__file__).parents[2] / "docs" / "failures.md").read_text("utf-8")
TAGS = {kind.__struct_config__.tag for kind in get_args(AnyFact)}
SHOWN = re.compile(r"`tests/[\w/]+\.py::test_\w+`")


def tables() -> Iterator[tuple[list[str], list[list[str]]]]:
    """The heads and rows of each table."""
    for block in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
        yield head, rows


def test_every_row_is_whole_and_shown_by_a_test() -> None:
    found = list(tables())
    assert len(found) >= 3
    for head, rows in found:
        for row in rows:
            assert len(row) == len(head), row
            assert all(row), row
            assert SHOWN.search(row[-1]), row


def test_every_fact_that_is_promised_exists() -> None:
    named = 0
    for head, rows in tables():
        if "fact" not in head:
            continue
        for row in rows:
            cell = row[head.index("fact")]
            for name in re.findall(r"`([a-z]+_[a-z_]+)`", cell):
                assert name in TAGS or name == "refresh_s", cell
                named += name in TAGS
    assert named >= 5
