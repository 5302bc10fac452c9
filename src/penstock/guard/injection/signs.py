"""What the rules find in a text, unit by unit.

The rule's numbers are features of the head, and of the sum that stands in for it where no encoder runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import re2

from penstock.guard.injection.disguise import Disguises, Reading
from penstock.guard.injection.fold import Folded, Folder, Hidden, hidden_in, place
from penstock.guard.injection.mention import without_mentions
from penstock.guard.injection.rules import NAMES, RULES
from penstock.guard.injection.units import Unit, units_of
from penstock.guard.patterns.possible import Possible

_MOST_MATCHES: Final = 200
_STRUCTURAL: Final = ("disguised", "hidden", "invisible", "quoted")
FEATURES: Final = (*NAMES, *_STRUCTURAL)
_DISGUISED, _HIDDEN, _INVISIBLE, _QUOTED = (len(NAMES) + at for at in range(4))
_LEAST_INVISIBLE: Final = 3
_UNSEEN: Final = ("comment", "unseen")
_INSECURE: Final = (*_UNSEEN, "digits", "reversed", "rot13")
"""Readings of what may be no disguise at all."""

STRONG: Final = tuple(
    NAMES.index(each)
    for each in (
        *("override", "new_orders", "leak", "unbound", "jailbreak", "never_refuse", "persona", "to_model", "secrecy"),
        *("send_out", "your_answer"),
    )
)
"""Rules by which what was hidden counts as an instruction: hidden words that ask for nothing are only hidden."""


_QUOTABLE: Final = frozenset(
    NAMES.index(each) for each in ("override", "new_orders", "leak", "unbound", "jailbreak", "persona")
)
_QUOTES: Final = frozenset(b"\"'`")
_LETTERS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_NEAR: Final = 24


def is_quoted(data: bytes, begin: int, end: int) -> bool:
    """Whether it is a phrase that somebody speaks about: in quotation marks, with a word before them in its sentence.

    A value of structured data is in quotation marks too, and has none.
    """
    opening = next((at for at in range(begin - 1, max(-1, begin - _NEAR), -1) if data[at] in _QUOTES), None)
    if opening is None or not any(byte in _QUOTES for byte in data[end : end + _NEAR]):
        return False
    before = data[max(0, opening - 3) : opening].rstrip(b" ")
    return bool(before) and data[opening - 1] == _SPACE and before[-1] in _LETTERS


_SPACE: Final = 0x20


class Match(NamedTuple):
    """Of rule number `rule`, at these characters of the original text."""

    rule: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Signs:
    """`rows` holds, for each unit, the numbers of the features that it has.  `spans` are the units' characters in the
    original text.
    """

    spans: Sequence[tuple[int, int]]
    rows: Sequence[frozenset[int]]
    matches: Sequence[Match]


class Most(NamedTuple):
    """`counts` is None where something is disguised or cannot be seen: then anything can stand there."""

    counts: Mapping[int, int] | None
    signs: Callable[[], Signs]


class Reader:
    """Compiled once, safe in any thread."""

    def __init__(self) -> None:
        self._folder = Folder()
        self._disguises = Disguises()
        self._rules = tuple(
            (re2.compile(rule.expression.encode()), frozenset(each.encode() for each in rule.unless)) for rule in RULES
        )
        self._possible = Possible({number: rule.expression for number, rule in enumerate(RULES)})

    def read(self, text: str, *, by_user: bool = False) -> Signs:
        """All that stands in it and is not only spoken about; a user speaks about more than a document may."""
        hidden = hidden_in(text)
        readings = self._disguises.readings(text, hidden)
        return self._read(text, self._folder.fold(text), hidden, readings, by_user=by_user)

    def most(self, text: str, wanted: frozenset[int]) -> "Most":
        """How often each of the wanted features can stand at most in `text`, which a user wrote, found in a fraction of
        the time that `read` takes; the rest of the work is done when it is asked for.
        """
        folded = self._folder.fold(text)
        numbers = sorted(wanted.intersection(self._possible.among(folded.data)))
        hidden = hidden_in(text)
        readings = self._disguises.readings(text, hidden)
        if readings or hidden is not None:
            return Most(None, lambda: self._read(text, folded, hidden, readings, by_user=True))
        counts = {
            number: count for number in numbers if (count := sum(1 for _ in self._matches_of(number, folded.data)))
        }
        return Most(counts, lambda: self._read(text, folded, hidden, readings, by_user=True))

    def _read(
        self, text: str, folded: Folded, hidden: Hidden | None, readings: Sequence[Reading], *, by_user: bool
    ) -> Signs:
        units = units_of(folded.data)
        if not units:
            return Signs((), (), ())
        rows: list[set[int]] = [set() for _ in units]
        starts = [unit.begin for unit in units]
        matches: list[Match] = []
        used = without_mentions(folded.data, by_user=by_user)
        spoken_of = (
            frozenset(rule for rule, _, _ in self._matches(folded.data)) if used is not None else frozenset[int]()
        )
        for rule, begin, end in self._matches(folded.data if used is None else used):
            row = rows[place(starts, begin)]
            row.add(rule)
            if rule in _QUOTABLE and is_quoted(folded.data, begin, end):
                row.add(_QUOTED)
            matches.append(Match(rule, *folded.span(begin, end)))
        spans = [folded.span(*unit) for unit in units]
        if hidden is not None and hidden.invisible_count >= _LEAST_INVISIBLE:
            rows[place([begin for begin, _ in spans], hidden.begin)].add(_INVISIBLE)
        for reading in readings:
            self._mark_reading(reading, spans, rows, matches, spoken_of)
        return Signs(spans, [frozenset(row) for row in rows], matches)

    def _matches(self, data: bytes) -> Iterator[tuple[int, int, int]]:
        for number in sorted(self._possible.among(data)):
            for begin, end in self._matches_of(number, data):
                yield number, begin, end

    def _matches_of(self, number: int, data: bytes) -> Iterator[tuple[int, int]]:
        expression, unless = self._rules[number]
        group = 1 if expression.groups else 0
        for match in islice(expression.finditer(data), _MOST_MATCHES):
            begin, end = match.span(group)
            if not unless or _first_word(data, begin, end) not in unless:
                yield begin, end

    def _mark_reading(
        self,
        reading: Reading,
        spans: Sequence[tuple[int, int]],
        rows: list[set[int]],
        matches: list[Match],
        spoken_of: frozenset[int],
    ) -> None:
        starts = [begin for begin, _ in spans]
        at = place(starts, reading.begin)
        seen = spoken_of.union(*rows[at : place(starts, max(reading.begin, reading.end - 1)) + 1])
        rules = {rule for rule, _, _ in self._matches(self._folder.fold(reading.text).data)}
        mark = _HIDDEN if reading.how in _UNSEEN else _DISGUISED
        if any(rule in rules and (mark == _HIDDEN or rule not in seen) for rule in STRONG):
            rules.add(mark)
        elif reading.how in _INSECURE:
            return
        rows[at] |= rules
        matches.extend(Match(rule, reading.begin, reading.end) for rule in rules)


def _first_word(data: bytes, begin: int, end: int) -> bytes:
    return data[begin:end].lstrip().partition(b" ")[0]


__all__ = ["FEATURES", "Folded", "Match", "Reader", "Signs", "Unit"]
