"""Cuts a text into the pieces that are judged one by one: sentences, lines, and the values of structured data."""

from typing import Final, NamedTuple

import re2

_MOST_CHARS: Final = 320
_MOST_UNITS: Final = 600

_END: Final = re2.compile(
    rb"""(?s)\n+|\\n|[.!?]["')\]*_]{0,3}\s+|\xe3\x80\x82|</?(?:p|div|li|br|td|tr|h[1-6]|span)[^<>]{0,80}>|<!--|-->"""
    rb"""|["']\s{0,2}[,:}\]]\s{0,2}[\[{]{0,3}["']?|[\[{,]\s{0,2}[\[{]{0,2}["']|\s\|\s|;\s+"""
)


_NOTHING: Final = bytes(range(0x30))
"""A piece of nothing but blanks and these marks is no unit."""


class Unit(NamedTuple):
    """Bytes `begin` to `end` of a folded text."""

    begin: int
    end: int


def units_of(data: bytes) -> list[Unit]:
    """Every byte but separators lies in one unit, in order; none is longer than 320 bytes.

    Of a very long text the first units only are cut so, and the rest into pieces of equal length.
    """
    found: list[Unit] = []
    begin = 0
    for match in _END.finditer(data):
        found.extend(_bounded(data, begin, match.end()))
        begin = match.end()
        if len(found) >= _MOST_UNITS:
            break
    found.extend(_bounded(data, begin, len(data)))
    return found


def _bounded(data: bytes, begin: int, end: int) -> list[Unit]:
    if not data[begin:end].translate(None, _NOTHING):
        return []
    pieces: list[Unit] = []
    while end - begin > _MOST_CHARS:
        at = data.rfind(b" ", begin + _MOST_CHARS // 2, begin + _MOST_CHARS)
        at = at + 1 if at > 0 else begin + _MOST_CHARS
        pieces.append(Unit(begin, at))
        begin = at
    pieces.append(Unit(begin, end))
    return pieces
