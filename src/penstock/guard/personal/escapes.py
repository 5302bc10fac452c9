r"""Values that stand in JSON within a text: `{"to": "a\nann@example.com"}` in a tool's result, or quoted in a question.

What is escaped there hides where a value begins (`nann@…`), or letters of it (`ann\u0040example.com`).  Such a text is
looked through a second time, with its escapes read, however often they were escaped themselves.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.verdict import Finding

_ESCAPE: Final = compiled(r"\\{1,64}(?:u([0-9a-fA-F]{4})|([nrtbf\"'/]))")
_MEANING: Final[Mapping[str, str]] = MappingProxyType({"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"})


class Escaped(Finding, frozen=True):
    """A finding in the text as it reads without escapes: `value` is what stands there."""

    value: str = ""


def with_escapes(find: Callable[[str], Sequence[Finding]], text: str) -> Sequence[Finding]:
    """What `find` finds in the text, and in the text with its escapes read; positions are those of the text."""
    found = find(text)
    if "\\" not in text:
        return found
    view, places, escapes = _read(text)
    if not places:
        return found
    found = [_behind(each, escapes) for each in found]
    seen = {(each.rule, each.begin, each.end) for each in found}
    more: list[Finding] = []
    for each in find(view):
        begin, end = _place(each.begin, places), _place(each.end, places)
        if (each.rule, begin, end) not in seen:
            value = view[each.begin : each.end]
            more.append(Escaped(each.rule, each.kind, begin, end, each.score, value))
    return [*found, *more]


def value_of(finding: Finding, text: str) -> str:
    """What was found, as its reader reads it."""
    return finding.value if isinstance(finding, Escaped) else text[finding.begin : finding.end]


def _behind(finding: Finding, escapes: Sequence[tuple[int, int]]) -> Finding:
    """The finding without the letter of an escape that it begins with: the escape must stay whole."""
    at = bisect_right(escapes, (finding.begin, 0)) - 1
    if at < 0 or not escapes[at][0] < finding.begin < escapes[at][1]:
        return finding
    return msgspec.structs.replace(finding, begin=min(escapes[at][1], finding.end))


def _read(text: str) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
    """The text with its escapes read; after which place in it positions are how much further; where the escapes are."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    escapes: list[tuple[int, int]] = []
    at = length = 0
    for match in _ESCAPE.finditer(sound(text)):
        begin, end = match.start(), match.end()
        parts.append(text[at:begin])
        hexadecimal, letter = match.group(1), match.group(2) or ""
        said = chr(int(hexadecimal, 16)) if hexadecimal else _MEANING.get(letter, letter)
        parts.append("?" if "\ud800" <= said <= "\udfff" else said)
        length += begin - at + 1
        places.append((length, end - length))
        escapes.append((begin, end))
        at = end
    parts.append(text[at:])
    return "".join(parts), places, escapes


def _place(position: int, places: Sequence[tuple[int, int]]) -> int:
    """Where a position of the read text is in the text: that of an escape is where it begins."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if places[middle][0] <= position:
            low = middle + 1
        else:
            high = middle
    return position + (places[low - 1][1] if low else 0)
