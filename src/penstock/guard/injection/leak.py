"""Looks in an answer for the system text that it should have kept, and for what a flagged text asked to be done.

The first by word sequences that both have, also where case, punctuation or letters differ; the second by addresses,
links, tools and quoted words of the flagged text that stand in the answer.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Final

import re2

from penstock.guard.injection.fold import Folder
from penstock.guard.injection.named import Known, named_in
from penstock.guard.verdict import Finding

_WORDS: Final = re2.compile(rb"[a-z0-9\x80-\xff]+")
_TO_SPACE: Final = (
    bytes(each if chr(each).isdigit() or chr(each).islower() else 0x20 for each in range(128)) + b" " * 128
)
_QUOTED: Final = re2.compile(rb"[\"'`]([^\"'`\n]{6,160})[\"'`]")
_FOLDER: Final = Folder()
_SHINGLE: Final = 6
_LEAST_RUN: Final = 16
_LEAST_SHARE: Final = 0.3
_SHORT_WORDS: Final = 24
_FOLLOWED: Final = 0.9
_QUOTED_SCORE: Final = 0.8
_REMEMBERED: Final = 64
_REMEMBERED_CHARS: Final = range(300, 16_000)
"""Of system texts: shorter ones are as soon read, and longer ones would take megabytes each."""


class Leaked:
    """What one text has given away so far: its last words, how far what they belong to goes back, and all of it."""

    __slots__ = ("last", "row", "shingles")

    def __init__(self) -> None:
        self.last: list[bytes] = []
        self.row = 0
        self.shingles: set[int] = set()


class PromptLeak:
    """`secrets` are the system's texts, `known` what the user wrote: words that the user had already are no leak."""

    def __init__(self, secrets: Iterable[str], known: Iterable[str] = ()) -> None:
        self._secrets = tuple(_shingles_of(text) for text in secrets)
        self._known = known

    def find(self, answer: str, leaked: Leaked | None = None) -> list[Finding]:
        """`injection.leak` over each run of sixteen or more words of the secret; of a text of fewer than that, most of
        it.  The score is the part of the secret that the whole answer holds, from 0.5 on.

        With `leaked`, `answer` goes on where the text ended that it was given with before, a word's end: found is what
        the two together hold, as far as it stands in this one.
        """
        leaked = Leaked() if leaked is None else leaked
        folded = _FOLDER.fold(answer)
        words = _words(folded.data)
        before = len(leaked.last)
        shingles = _shingles([*leaked.last, *words])
        leaked.last = [*leaked.last, *words[1 - _SHINGLE :]][1 - _SHINGLE :]
        if all(each.isdisjoint(shingles) for each in self._secrets) or not self._shingles:
            leaked.row = 0 if shingles else leaked.row
            return []
        hits = [shingle in self._shingles for shingle in shingles]
        leaked.shingles.update(shingle for shingle, hit in zip(shingles, hits, strict=True) if hit)
        share = len(leaked.shingles) / len(self._shingles)
        least = min(_LEAST_RUN - _SHINGLE + 1, max(1, int(len(self._shingles) * 0.6)))
        score = 0.5 + share / 2
        found: list[Finding] = []
        at, row = 0, leaked.row
        places = [match.span() for match in _WORDS.finditer(folded.data)] if any(hits) else []
        while at < len(hits):
            end = at
            while end < len(hits) and hits[end]:
                end += 1
            row += end - at
            if end > at and (row >= least or share >= _LEAST_SHARE):
                first = max(0, at - before)
                begin, last = folded.span(places[first][0], places[end - 1 + _SHINGLE - 1 - before][1])
                found.append(Finding("injection.leak", "SYSTEM_TEXT", begin, last, score))
            leaked.row = row if end == len(hits) else 0
            at, row = end + 1, 0
        return found

    @cached_property
    def _shingles(self) -> frozenset[int]:
        """Asked for where an answer has some of them, as hardly any has."""
        own = {shingle for text in self._known for shingle in _shingles(_words(_FOLDER.fold(text).data))}
        return frozenset[int]().union(*self._secrets) - own


class Followed:
    """`flagged` are the texts in which an attack was found, `trusted` those of the system and the user."""

    def __init__(self, flagged: Sequence[str], trusted: Iterable[str]) -> None:
        known = Known(trusted)
        self._values = {
            (named.kind, named.value) for text in flagged for named in named_in(text) if not known.has(named)
        }
        self._quoted = tuple(
            re.compile(re.escape(match.group(1)))
            for text in flagged
            for match in _QUOTED.finditer(_FOLDER.fold(text).data)
            if not known.has_text(match.group(1).decode(errors="replace"))
        )

    def find(self, answer: str) -> list[Finding]:
        """`injection.followed`: what an attack named, and nobody else, stands in the answer or in arguments."""
        found = [
            Finding("injection.followed", named.kind, named.begin, named.end, _FOLLOWED)
            for named in named_in(answer)
            if (named.kind, named.value) in self._values
        ]
        folded = _FOLDER.fold(answer)
        found += (
            Finding("injection.followed", "QUOTED", *folded.span(*match.span()), _QUOTED_SCORE)
            for quoted in self._quoted
            for match in quoted.finditer(folded.data)
        )
        return found


def _shingles_of(secret: str) -> frozenset[int]:
    return _remembered(secret) if len(secret) in _REMEMBERED_CHARS else _read(secret)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(secret: str) -> frozenset[int]:
    """An assistant's system text is the same in all of its requests."""
    return _read(secret)


def _read(secret: str) -> frozenset[int]:
    return frozenset(_shingles(_words(_FOLDER.fold(secret).data)))


def _words(data: bytes) -> list[bytes]:
    """What `_WORDS` finds."""
    if data.isascii():
        return data.translate(_TO_SPACE).split()
    return [match.group() for match in _WORDS.finditer(data)]


def _shingles(words: Sequence[bytes]) -> list[int]:
    return [*map(hash, zip(*(words[at:] for at in range(_SHINGLE)), strict=False))]
