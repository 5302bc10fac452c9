# ruff: noqa: RUF001 - texts have marks that look like others
"""The marks by which an answer cites passages: `[1]`, `[2][3]`, `[1, 4]`, `[2-4]`, `[^1]`, `【1】`, `【1†source】`."""

import re
from bisect import bisect_right
from typing import Final, NamedTuple

_LABEL: Final = r"\^?(?:[A-Za-z]{1,8}[ _-]?)?\d{1,3}"
_MARK: Final = re.compile(
    rf"\[(?P<plain>{_LABEL}(?:\s?(?:,|;|–|-|to)\s?{_LABEL}){{0,9}})\](?!\()"
    rf"|【(?P<wide>{_LABEL}(?:[,:;–-]\s?{_LABEL}){{0,9}})(?:†[^【】]{{0,80}})?】"
)
_ONE: Final = re.compile(r"\^?((?:[A-Za-z]{1,8}[ _-]?)?)(\d{1,3})")
_MOST_IN_A_RANGE: Final = 10


class Mark(NamedTuple):
    """`labels` are those of the passages that it names; `begin` and `end` are its place in the answer as it came."""

    labels: tuple[str, ...]
    begin: int
    end: int


class Unmarked(NamedTuple):
    """An answer without its marks.  `cuts` are (place in `text`, characters left out up to there), in order."""

    text: str
    marks: tuple[Mark, ...]
    places: tuple[int, ...]
    cuts: tuple[tuple[int, int], ...]

    def origin(self, place: int) -> int:
        """Where the character at that place of `text` was in the answer as it came."""
        at = bisect_right(self.cuts, (place, len(self.text) + (1 << 30))) - 1
        return place + (self.cuts[at][1] if at >= 0 else 0)


def unmarked(text: str) -> Unmarked:
    """Take the marks out, with the blank before each; `places` says where in `text` each mark stood."""
    pieces: list[str] = []
    marks: list[Mark] = []
    places: list[int] = []
    cuts: list[tuple[int, int]] = []
    kept = last = 0
    for match in _MARK.finditer(text):
        labels = _labels(match["plain"] or match["wide"])
        begin = match.start()
        if begin > last and text[begin - 1] in " \u00a0\u202f":
            begin -= 1
        pieces.append(text[last:begin])
        kept += begin - last
        last = match.end()
        marks.append(Mark(labels, match.start(), match.end()))
        places.append(kept)
        cuts.append((kept, last - kept))
    pieces.append(text[last:])
    return Unmarked("".join(pieces), tuple(marks), tuple(places), tuple(cuts))


def _labels(inner: str) -> tuple[str, ...]:
    found: list[str] = []
    last_end = 0
    for match in _ONE.finditer(inner):
        prefix, number = match.groups()
        between = inner[last_end : match.start()].strip()
        if found and between in {"-", "–", "to"} and last_end:
            earlier = int(re.sub(r"\D", "", found[-1]))
            if earlier < int(number) <= earlier + _MOST_IN_A_RANGE:
                found += [f"{prefix}{each}" for each in range(earlier + 1, int(number) + 1)]
                last_end = match.end()
                continue
        found.append(prefix + number)
        last_end = match.end()
    return tuple(dict.fromkeys(found))
