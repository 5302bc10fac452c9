"""Finds names of persons, places and organisations, street addresses, and words for peoples, in running text.

Called by the guard of personal data with what the encoder made of the same text; only installations with the encoder
import it.  What it says is a judgement of a small model, not a proof: see docs/guards/names.md for how often it errs.
"""

from collections.abc import Iterator, Sequence
from math import exp, log
from typing import Final, NamedTuple, Self

import numpy as np

from penstock.core.errors import ConfigError
from penstock.encoder.model import Encoded
from penstock.guard.personal.names.network import KINDS, LABELS, Array, Network, Reading, load
from penstock.guard.personal.names.written import Words, words_of
from penstock.guard.verdict import Finding

RULES: Final = ("personal.name", "personal.place", "personal.organisation", "personal.address", "personal.people")
"""The rule of each kind, in the order of `KINDS`."""
_ADDRESS: Final = KINDS.index("STREET_ADDRESS")
_BEGUN: Final = np.array([0, *range(1, LABELS, 2)])
_FURTHER: Final = np.array([0, *range(2, LABELS, 2)])
"""The labels of a name's first word and of its further ones: for no name, and for each kind."""
_LEAST_CHARS: Final = 2
_NO_TOKENS: Final = np.zeros((0, 0), np.float32)
MOST_ODDS: Final = 30.0
_SHORT: Final = frozenset({"inc", "ltd", "corp", "co", "jr", "sr", "st", "str", "bros", "dr", "ave", "rd", "blvd"})
"""What an abbreviation's point belongs to, when a name ends with it."""


class Name(NamedTuple):
    """Words `first` to `last`, both in it.  `odds` is how much more speaks for `kind` than for no name or another kind,
    the words around being what they are; a logarithm.
    """

    kind: int
    first: int
    last: int
    odds: float


class Recogniser:
    """See the module.  Blocking, a fraction of a millisecond for a message, thread-safe."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def load(cls, encoder_sha256: str, source: bytes | None = None) -> Self:
        """The one shipped (or the one in `source`), for the encoder whose `weights_sha256` this is.

        Raises `ConfigError` where it was trained on another, or cannot be loaded.
        """
        network = load(source)
        if network.encoder_sha256 != encoder_sha256:
            raise ConfigError("the recogniser of names was trained on another encoder than the one configured")
        return cls(network)

    def find(self, text: str, encoded: Encoded | None) -> list[Finding]:
        """In their order, none overlapping another.  `encoded` must be of `text`.

        What the encoder left out of a very long text is judged by its letters alone, and without it all is.
        """
        words = words_of(text)
        if not words.words:
            return []
        tokens, spans = (_NO_TOKENS, ()) if encoded is None else (encoded.tokens, encoded.spans)
        reading = self._network.read(words, tokens, spans)
        names = names_in(reading, words, self._network.transitions)
        return [
            Finding(RULES[name.kind], KINDS[name.kind], *_place(text, words, name), self._calibrated(name))
            for name in names
        ]

    def _calibrated(self, name: Name) -> float:
        slope, offset = self._network.calibration[name.kind]
        odds = float(slope) * max(-MOST_ODDS, min(MOST_ODDS, name.odds)) + float(offset)
        return round(1.0 / (1.0 + exp(-odds)), 4)


def names_in(reading: Reading, words: Words, transitions: Array) -> Iterator[Name]:
    """A name ends at the end of its line; an address does not.  A letter alone is no name, but a variable."""
    labels: list[int] = reading.labels.tolist()
    named: list[int] = reading.labels.nonzero()[0].tolist()
    size = len(named)
    at = 0
    while at < size:
        first = last = named[at]
        kind = (labels[first] - 1) // 2
        at += 1
        while (
            at < size
            and named[at] == last + 1
            and labels[last + 1] % 2 == 0
            and (kind >= _ADDRESS or not words.starts_line(last + 1))
        ):
            last += 1
            at += 1
        if words.ends[last] - words.begins[first] >= _LEAST_CHARS:
            yield Name(kind, first, last, _odds(reading, labels, first, last, transitions))


def _odds(reading: Reading, labels: Sequence[int], first: int, last: int, transitions: Array) -> float:
    """Of the kind chosen against all others and none, each with the same words."""
    length = last - first + 1
    before = labels[first - 1] if first else 0
    after = labels[last + 1] if last + 1 < len(labels) else 0
    totals = reading.scores[first, _BEGUN] + transitions[before, _BEGUN]
    if length == 1:
        totals += transitions[_BEGUN, after]
    else:
        totals += reading.scores[first + 1 : last + 1].sum(axis=0)[_FURTHER] + transitions[_FURTHER, after]
        totals += transitions[_BEGUN, _FURTHER] + (length - 2) * transitions[_FURTHER, _FURTHER]
    others: list[float] = totals.tolist()
    own = others.pop(1 + (labels[first] - 1) // 2)
    most = max(others)
    return own - most - log(sum(exp(each - most) for each in others))


def _place(text: str, words: Words, name: Name) -> tuple[int, int]:
    begin, end = words.begins[name.first], words.ends[name.last]
    last = text[words.begins[name.last] : end].lower()
    if text[end : end + 1] == "." and (last in _SHORT or last.endswith("str") or (len(last) == 1 and last.isalpha())):
        end += 1
    return begin, end
