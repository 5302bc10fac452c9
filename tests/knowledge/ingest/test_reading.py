"""What a file is called where it does not say so itself."""

import pytest

from penstock.knowledge.ingest.reading import read
from penstock.knowledge.ingest.unreadable import Limits

CODE = """\
# Copyright 2026, all rights reserved
# Reads what sensors have sent over the bus.

class Bus:
    def listen(self):
        return None
"""


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("src/bus.py", CODE, "bus.py Reads what sensors have sent over the bus. Bus"),
        ("notes/bus.txt", "Nothing but a line.", "bus"),
        ("a/readme.md", "Text without a heading.", "a"),
    ],
)
def test_a_file_of_code_is_called_by_what_it_is_about(name: str, data: str, title: str) -> None:
    assert read(data.encode(), name, Limits()).title == title
