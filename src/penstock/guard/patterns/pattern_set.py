"""Many patterns over a whole text: what detectors build once, and ask of every text that is there in full.

One pass of an automaton tells which patterns can match at all; only those are run one by one.  Patterns of which every
match has digits, and does not reach far around them, see no more of the text than what is around its digits.
`window` finds the same in a text that streams in.  All is done on UTF-8: positions become those of code points last.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from penstock.guard.patterns.clusters import Clusters, is_near, widened
from penstock.guard.patterns.extents import Extent, extent_of
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.possible import Possible
from penstock.guard.patterns.scanner import scanner
from penstock.guard.verdict import Finding

_MOST_MEMORY: Final = 8 << 20
_WITHIN_CHARACTER: Final = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that begin no character."""
_Place: TypeAlias = tuple[int, int, int]
"""Where a finding begins, the negative of where it ends, and its pattern: in the order in which findings come."""
_Run: TypeAlias = Callable[[list[_Place], str, bytes, int, int, int], int]


class PatternSet:
    """Immutable, and safe to share between threads.  Raises `ConfigError` where RE2 does not take an expression."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._runs = tuple(_run(index, each) for index, each in enumerate(self._patterns))
        self._labels = tuple((each.rule, each.kind, each.score) for each in self._patterns)
        near: dict[int, Extent] = {}
        for index, each in enumerate(self._patterns):
            extent = extent_of(each.expression, has_digit=each.has_digit)
            if extent is not None and is_near(extent):
                near[index] = extent
        expressions = {index: each.expression for index, each in enumerate(self._patterns)}
        self._near = Possible({index: each for index, each in expressions.items() if index in near})
        self._anywhere = Possible({index: each for index, each in expressions.items() if index not in near})
        self._clusters = Clusters(near.values()) if near else None
        self._befores = tuple(near[index].before if index in near else 0 for index in expressions)
        self._before_at = {  # of the patterns of which every match has an `@`
            index: extent.before
            for index, each in expressions.items()
            if index not in near and (extent := extent_of(each, mark="@")) is not None
        }

    def find(self, text: str) -> list[Finding]:
        """By where they begin, the longest first; findings of different patterns may overlap."""
        data = text.encode("utf-8", "surrogatepass")
        size = len(data)
        found: list[_Place] = []
        for index in self._anywhere.among(data):
            begin, stop = 0, size
            if index in self._before_at:
                begin = max(data.find(b"@") - widened(self._before_at[index], size - len(text)), 0)
                stop = data.rfind(b"@") + 1
            self._runs[index](found, text, data, begin, stop, size)
        if self._clusters is not None:
            self._around_digits(self._clusters, text, data, found)
        if not found:
            return []
        found.sort()
        if size != len(text):
            found = _in_characters(found, data)
        labels = self._labels
        findings: list[Finding] = []
        for begin, end, index in found:
            rule, kind, score = labels[index]
            findings.append(Finding(rule, kind, begin, -end, score))
        return findings

    def _around_digits(self, clusters: Clusters, text: str, data: bytes, found: list[_Place]) -> None:
        extra = len(data) - len(text)
        runs, among, befores = self._runs, self._near.among, self._befores
        widest = widened(clusters.before, extra) + 1
        ended: dict[int, int] = {}  # where a match ended that reached behind the last digit of its cluster
        for behind, first, stop, end in clusters.of(data, extra):
            origin = first - widest
            if origin < behind:
                origin = max(behind - 1, 0)
            for index in among(data[origin:end]):
                since = first - (widened(befores[index], extra) if extra else befores[index])
                since = max(since, behind, ended.get(index, 0)) if ended else max(since, behind)
                last = runs[index](found, text, data, since, stop, end)
                if last > stop:
                    ended[index] = last


def _run(index: int, pattern: Pattern) -> _Run:
    """Adds where values stand of matches that begin from `begin` on and before `stop`, in order and apart.

    Nothing of the text from `end` on is seen.  Returns where the last match ended.  After a match that its validator
    refuses, the search goes on one character after where that match began, unless `is_whole`: "no. 5000 4111 1111 1111
    1111" must not hide the card behind the number before it.
    """
    search, groups = scanner(pattern.expression, _MOST_MEMORY)
    group, validate, is_whole = min(groups, 1), pattern.validate, pattern.is_whole

    def run(found: list[_Place], text: str, data: bytes, begin: int, stop: int, end: int) -> int:  # noqa: PLR0917 - names of arguments take time
        is_ascii = len(text) == len(data)
        while begin < stop:
            spans = search(data, begin, end)
            first, last = spans[0]
            if not 0 <= first < stop:
                break
            left, right = spans[group]
            if left == right:
                begin = last if validate is None and last > first else _after(data, first)
            elif validate is None or validate(text[left:right] if is_ascii else _decoded(data[left:right])):
                found.append((left, -right, index))
                begin = last
            else:
                begin = last if is_whole else _after(data, first)
        return begin

    return run


def _in_characters(found: list[_Place], data: bytes) -> list[_Place]:
    """The same places, which come in order, counted in code points."""
    places: list[_Place] = []
    at = place = 0
    for begin, end, index in found:
        place += _chars(data[at:begin])
        at = begin
        places.append((place, -place - _chars(data[begin:-end]), index))
    return places


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _chars(data: bytes) -> int:
    return len(data.translate(None, _WITHIN_CHARACTER))


def _after(data: bytes, at: int) -> int:
    """The first byte of the character after the one at `at`."""
    at += 1
    while at < len(data) and data[at] & 0xC0 == 0x80:  # a continuation byte of UTF-8
        at += 1
    return at
