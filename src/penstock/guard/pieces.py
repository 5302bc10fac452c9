"""Cuts a text into sentences, and a long one into pieces that the encoder reads whole."""

import re
from collections.abc import Iterator
from typing import Final

MOST_CHARS: Final = 800
"""Some 200 tokens of prose: one window of the encoder.  Pieces that need more are read in several by itself."""
_LEAST_SHARE: Final = 0.5
_TITLES: Final = (
    *("Mr", "Mrs", "Ms", "Hr", "Fr", "Sr", "Sra", "St"),
    *("Dr", "Prof", "Rev", "Sen", "Gen", "Col", "Capt", "Lt", "Sgt"),
)
_TITLE_CHARS: Final = max(map(len, _TITLES)) + 1
_BEFORE_A_NAME: Final = re.compile(rf"\b(?:[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]|{'|'.join(_TITLES)})\Z")
_SENTENCE_ENDS: Final = re.compile(r"[.!?]{1,3}\s|\n|[。！？]")  # noqa: RUF001 - where sentences end
_ENDS: Final = ("\n\n", "\n", ". ", "? ", "! ", "; ", ", ", " ")


def pieces(text: str, most: int = MOST_CHARS) -> Iterator[tuple[int, str]]:
    """Where each begins, and the piece; together they are the text."""
    at = 0
    while len(text) - at > most:
        end = _end(text, at, at + most)
        yield at, text[at:end]
        at = end
    if at < len(text):
        yield at, text[at:]


def sentences(text: str, most: int = MOST_CHARS) -> Iterator[tuple[int, str]]:
    """Where each sentence begins that is not blank, and the sentence; a long one in pieces.

    The mark behind a title or an initial ends none: half a name is not found.
    """
    begin = 0
    for end in (*_cuts(text, most), len(text)):
        if text[begin:end].strip():
            yield begin, text[begin:end]
        begin = end


def may_end_within(text: str) -> bool:
    """Whether a sentence ends there, unless what stands before is a title or an initial: `settled` tells."""
    return _SENTENCE_ENDS.search(text) is not None


def settled(text: str, most: int = MOST_CHARS) -> int:
    """How many characters of a text that goes on are whole sentences, or pieces of one that is too long.

    `sentences` cuts there whatever follows: what is judged up to here, and then from here on, is judged as in one.
    """
    return max(_cuts(text, most), default=0)


def _cuts(text: str, most: int) -> Iterator[int]:
    """Where a text is cut, whatever follows: what stands before one cut says nothing of those behind it."""
    at = 0
    for match in _SENTENCE_ENDS.finditer(text):
        while match.end() - at > most:
            at = _end(text, at, at + most)
            yield at
        begin = match.start()
        if match.group() != ". " or not _BEFORE_A_NAME.search(text[max(at, begin - _TITLE_CHARS) : begin]):
            at = match.end()
            yield at
    while len(text) - at > most:
        at = _end(text, at, at + most)
        yield at


def _end(text: str, begin: int, most: int) -> int:
    least = begin + int((most - begin) * _LEAST_SHARE)
    for mark in _ENDS:
        found = text.rfind(mark, least, most)
        if found >= 0:
            return found + len(mark)
    return most
