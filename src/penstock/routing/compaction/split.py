"""Cuts a text into pieces that are kept or left out as one: a few sentences, or a few lines.

A text is the concatenation of its pieces, so that what is kept is exactly what was written.
"""

import re
from collections.abc import Iterator
from typing import Final

MOST_CHARS: Final = 400
_END_OF_LINE: Final = re.compile(r"[^\n]*\n+|[^\n]+\Z")
_END_OF_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？])")  # noqa: RUF001 - CJK punctuation is meant


def split(text: str, most_chars: int = MOST_CHARS) -> list[str]:
    """The pieces of `text`, each of about `most_chars` at most; a line or a sentence is cut only where it is longer."""
    if len(text) <= most_chars:
        return [text] if text else []
    pieces: list[str] = []
    held = ""
    for unit in _units(text, most_chars):
        if held and len(held) + len(unit) > most_chars:
            pieces.append(held)
            held = ""
        held += unit
    if held:
        pieces.append(held)
    return pieces


def _units(text: str, most_chars: int) -> Iterator[str]:
    for line in _END_OF_LINE.findall(text):
        if len(line) <= most_chars:
            yield line
            continue
        begin = 0
        for found in _END_OF_SENTENCE.finditer(line):
            yield from _slices(line[begin : found.end()], most_chars)
            begin = found.end()
        yield from _slices(line[begin:], most_chars)


def _slices(text: str, most_chars: int) -> Iterator[str]:
    """A sentence without an end, such as a line of data, is cut where it is full."""
    for at in range(0, len(text), most_chars):
        yield text[at : at + most_chars]
