"""Texts that repeat themselves: answers caught in a loop, and prompts stuffed with the same.

`Loops` follows a text as it streams and says the same whatever the pieces; `stuffing` looks at a whole one.  Both are
linear and keep bounded memory.
"""

import zlib
from typing import Final

import msgspec

from penstock.guard.verdict import Finding

_RUN: Final = 12
"""Characters that must come again for a loop to be under way."""
_MOST_PERIOD: Final = 1_000
_FORGET_AT: Final = 4 * _MOST_PERIOD
_LEAST_STUFFED: Final = 2_000
_OFTEN: Final = 3
_MORE_OF_SIGNS: Final = 5
"""Times as much of what has no letter and no digit: rules, dots and blanks stand in rows."""


class LoopSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A loop is the same up to a thousand characters, `least_times` in a row and over `least_chars` in all.

    A rule of a table is repeated too: the least is well above what people write.
    """

    least_times: int = 8
    least_chars: int = 400


class Loops:
    """One text.  A part is taken for repeated where each character is the same as one period before."""

    __slots__ = ("_at", "_begin", "_found", "_last", "_period", "_settings", "_tail")

    def __init__(self, settings: LoopSettings | None = None) -> None:
        self._settings = settings or LoopSettings()
        self._tail = ""
        self._last: dict[str, int] = {}
        self._at = 0
        self._period = 0
        self._begin = 0
        self._found: Finding | None = None

    def feed(self, piece: str) -> Finding | None:
        """The loop, once it is one: it begins where the repeated part is first seen.  After that always the same."""
        if self._found is not None:
            return self._found
        text = self._tail + piece
        last, at = self._last, self._at
        for end in range(len(self._tail) + 1, len(text) + 1):
            at += 1
            run = text[max(0, end - _RUN) : end]
            if len(run) < _RUN:
                continue
            period = at - last.get(run, -_FORGET_AT)
            last[run] = at
            if period != self._period:
                self._period = period
                self._begin = at - _RUN - period
            elif period <= _MOST_PERIOD and self._is_loop(at, run):
                self._found = Finding("scope.loop", "LOOP", max(self._begin, 0), at)
                break
            if len(last) > _FORGET_AT:
                last = {each: place for each, place in last.items() if place > at - _MOST_PERIOD}
        self._last, self._at, self._tail = last, at, text[-_RUN:]
        return self._found

    def _is_loop(self, at: int, run: str) -> bool:
        length = at - self._begin
        if length < self._settings.least_chars or length < self._settings.least_times * self._period:
            return False
        return length >= _MORE_OF_SIGNS * self._settings.least_chars or any(map(str.isalnum, run))


def loop_in(text: str, settings: LoopSettings | None = None) -> Finding | None:
    """The first loop of a whole text: what `Loops` finds, sooner where there is none."""
    chosen = settings or LoopSettings()
    step = max(chosen.least_chars // 4, _RUN)
    length = max(chosen.least_chars // 8, _RUN)
    reach = chosen.least_times * _MOST_PERIOD
    if any(_comes_often(text[at : at + length], text, at, at + reach) for at in range(0, len(text), step)):
        return Loops(chosen).feed(text)
    return None


def _comes_often(part: str, text: str, begin: int, end: int) -> bool:
    """Whether so much is there three times: each loop has such places, at this distance from each other."""
    return len(part) >= _RUN and text.count(part, begin, end) >= _OFTEN


def stuffing(text: str, *, least_ratio: float = 0.04) -> Finding | None:
    """All of a text that compresses to less than `least_ratio` of its size: nothing but the same, over and over.

    Prose is at about 0.4, logs and tables at 0.1 to 0.2.  Texts below 2,000 bytes are never stuffed.
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < _LEAST_STUFFED:
        return None
    ratio = len(zlib.compress(data, 1)) / len(data)
    return Finding("scope.stuffing", "STUFFING", 0, len(text)) if ratio < least_ratio else None
