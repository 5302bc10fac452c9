"""Words that are known: first names, surnames, places and so on, and common words that are none.

Only hashes of them are shipped; what a word is said to be is a hint among others to the tagger, which learnt how far to
trust each.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.guard.personal.names.surface import Numbers, Surface, hash_of

HINTS: Final = ("first", "last", "town", "region", "organisation", "people", "common", "noun")
"""`common` words were met in lower case, and `noun`s in German texts where they were no name."""
_WORDS: Final = HINTS.index("common"), HINTS.index("noun")
_PARTS: Final = 4
"""Further hints, of the parts of a word: how much of it a common word begins, and ends; whether two such words make it
up, and whether it is one but for an ending.  German makes words of words, and names hardly ever are.
"""
FLAGS: Final = len(HINTS) + _PARTS
_LEAST_PART: Final = 4
_LEAST_WORD: Final = 5
_LONGEST_JOINT: Final = 2
_LONGEST_ENDING: Final = 3


@dataclass(frozen=True, slots=True)
class Known:
    """`hashes` of words in order, and for each a bit for every hint."""

    hashes: NDArray[np.uint32]
    bits: NDArray[np.uint8]

    def hints(self, surface: Surface) -> NDArray[np.float32]:
        """A row for each word."""
        found = np.zeros((len(surface.words), FLAGS), np.float32)
        bits = self._bits(surface.words)
        bits |= self._genitives(surface, bits)
        found[:, : len(HINTS)] = np.unpackbits(bits[:, None], axis=1, bitorder="little")[:, : len(HINTS)]
        lengths = surface.ends - surface.begins
        long = np.flatnonzero(lengths >= _LEAST_WORD)
        if len(long):
            found[long, len(HINTS) :] = self._parts(surface, surface.firsts[long], lengths[long])
        return found

    def _genitives(self, surface: Surface, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What a word that is not known would be without its last letter, where that is an `s`: `Bachs`, `Italiens`."""
        found = np.zeros_like(bits)
        stops = surface.firsts + (surface.ends - surface.begins) - 1
        at = np.flatnonzero((bits == 0) & (stops - surface.firsts >= _LEAST_PART))
        if len(at):
            at = at[surface.hashes(stops[at], stops[at] + 1) == _S]
            found[at] = self._bits(surface.hashes(surface.firsts[at], stops[at])) & ~_COMMON
        return found

    def _parts(self, surface: Surface, firsts: Numbers, lengths: Numbers) -> NDArray[np.float32]:
        """Every place where a word can be cut in two, for all words at once."""
        counts = lengths - 1
        rows = np.cumsum(counts) - counts
        first = np.repeat(firsts, counts)
        length = np.repeat(lengths, counts)
        done = np.arange(len(first)) - np.repeat(rows, counts) + 1
        begins = self._is_common(surface, first, first + done, done)
        ends = self._is_common(surface, first + done, first + length, length - done)
        # A letter or two may stand between the parts, or nothing (`Arbeit-s-amt`).
        joint = begins.copy()
        for more in range(1, _LONGEST_JOINT + 1):
            joint[more:] |= begins[:-more] & (done[more:] > more)
        parts = np.empty((len(done), _PARTS), np.float32)
        parts[:, 0] = begins * done / length
        parts[:, 1] = ends * (length - done) / length
        parts[:, 2] = joint & ends
        parts[:, 3] = begins & (length - done <= _LONGEST_ENDING)
        return np.maximum.reduceat(parts, rows, axis=0)

    def _is_common(self, surface: Surface, begins: Numbers, ends: Numbers, lengths: Numbers) -> NDArray[np.bool_]:
        found = np.zeros(len(begins), np.bool_)
        asked = np.flatnonzero(lengths >= _LEAST_PART)
        found[asked] = self._bits(surface.hashes(begins[asked], ends[asked])) & _COMMON > 0
        return found

    def _bits(self, hashes: NDArray[np.uint32]) -> NDArray[np.uint8]:
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, self.bits[at], np.uint8(0))


_S: Final = hash_of("s")
_COMMON: Final = np.uint8(sum(1 << number for number in _WORDS))
