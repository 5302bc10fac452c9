# ruff: noqa: RUF001 - texts have marks that look like others
"""Cuts an answer into sentences, items of lists, rows of tables, headings and blocks of code."""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

Kind = Literal["text", "item", "row", "heading", "code"]

_FENCE: Final = re.compile(r"^\s{0,3}(```|~~~)")
_ITEM: Final = re.compile(r"^\s*(?:[-*+•‣◦]\s+|\(?\d{1,3}[.)]\s+|\(?[a-z][.)]\s+)(?:\[[ xX]\]\s+)?")
_HEADING: Final = re.compile(r"^\s{0,3}#{1,6}\s+")
_ROW: Final = re.compile(r"^\s*\|.*\|\s*$")
_RULE: Final = re.compile(r"^[\s|:\-=_*+]*$")
_UNDER_HEADER: Final = re.compile(r"\s*\|?\s*:?-{2,}[\s|:\-]*(?:\n|$)")
_END: Final = re.compile(r"[.!?…]{1,6}[\"'”’»)\]*_]{0,4}(?=\s)|。|！|？")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[\"“/])(?:[A-Za-z]|[A-Za-z]\.[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|vs|etc|e\.g|i\.e|cf|al|approx|ca|no|No|Nos|"
    r"Inc|Ltd|Co|Corp|dept|Dept|Fig|fig|Eq|Vol|vol|pp|p|ed|est|max|min|Art|Abs|Nr|bzw|usw|z\.\s?B|d\.\s?h|u\.\s?a|o\.\s?ä|"
    r"evtl|ggf|inkl|exkl|zzgl|vgl|Tel|Str|Mio|Mrd|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Okt|Nov|Dec|Dez|Sec|sec|hrs?|U\.S|U\.K)$"
)
_USUALLY_LAST: Final = frozenset({"etc", "al", "usw", "Inc", "Ltd", "Co", "Corp", "Jr", "Sr", "no"})
"""Abbreviations with which a sentence may end, where a capital letter follows."""
_ORDINAL: Final = re.compile(r"(?:^|\s)\d{1,2}$")
_COUNTED: Final = re.compile(r"(?<!\S)(\d{1,2})[.)]\s+(?=\S)")
_AHEAD: Final = 40
_LONGEST_CHARS: Final = 1_200


class Sentence(NamedTuple):
    """Characters `begin` to `end` of the text, without the mark of an item and blanks around."""

    begin: int
    end: int
    kind: Kind


def sentences(text: str) -> list[Sentence]:
    """In order, and none empty; what is between them are blanks, marks of lists, and rules."""
    found: list[Sentence] = []
    for begin, end, kind in _blocks(text):
        cut = _cut(text, begin, end) if kind in {"text", "item"} else [(begin, end)]
        for first, last in cut:
            first, last = _stripped(text, first, last)  # noqa: PLW2901 - the same thing, narrower
            if last > first:
                found.append(Sentence(first, last, kind))
    return found


def _blocks(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Lines, joined where a line only was broken."""
    at = 0
    code: int | None = None
    open_begin: int | None = None
    open_kind: Kind = "text"
    open_end = 0
    for line in text.splitlines(keepends=True):
        begin, end = at, at + len(line)
        at = end
        if _FENCE.match(line):
            if open_begin is not None:
                yield open_begin, open_end, open_kind
                open_begin = None
            if code is None:
                code = begin
            else:
                yield code, end, "code"
                code = None
            continue
        if code is not None:
            continue
        item = _ITEM.match(line)
        special: Kind | None = "heading" if _HEADING.match(line) else "row" if _ROW.match(line) else None
        if special == "row" and _UNDER_HEADER.match(text, end):
            special = "heading"  # it says what the columns are
        is_broken = open_begin is not None and not item and special is None and line[:1].strip().islower()
        if open_begin is not None and not is_broken:
            yield open_begin, open_end, open_kind
            open_begin = None
        if special != "heading" and _RULE.match(line):
            continue
        if special is not None:
            yield begin, end, special
        elif is_broken:
            open_end = end
        else:
            open_begin, open_end = begin + (item.end() if item else 0), end
            open_kind = "item" if item else "text"
    if open_begin is not None:
        yield open_begin, open_end, open_kind
    if code is not None:
        yield code, len(text), "code"


def _cut(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences, and what is counted off within a line: `1. … 2. …`."""
    marks = list(_COUNTED.finditer(text, begin, end))
    numbers = [int(match[1]) for match in marks]
    known = set(numbers)
    counted = [each for each, number in zip(marks, numbers, strict=True) if {number - 1, number + 1} & known]
    first = begin
    for match in counted:
        yield from _cut_plain(text, first, match.start())
        first = match.end()
    yield from _cut_plain(text, first, end)


def _cut_plain(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    first = begin
    for match in _END.finditer(text, begin, end):
        if match.start() <= first or not _is_end(text, first, match.start(), match.end(), end):
            continue
        yield first, match.end()
        first = match.end()
    while end - first > _LONGEST_CHARS:
        at = text.rfind(" ", first + _LONGEST_CHARS // 2, first + _LONGEST_CHARS)
        at = at if at > 0 else first + _LONGEST_CHARS
        yield first, at
        first = at
    yield first, end


def _is_end(text: str, first: int, mark: int, behind: int, end: int) -> bool:
    following = text[behind : min(behind + _AHEAD, end)].lstrip().lstrip("\"'“„‘«([*_")
    if not following:
        return True
    if text[mark] != ".":
        return not following[0].islower() or text[mark] in "。！？"
    if following[0].islower():
        return False
    before = text[max(first, mark - 12) : mark]
    match = _ABBREVIATION.search(before)
    if match is not None:
        word = match.group().strip(' \n(["“/')
        return word in _USUALLY_LAST and following[0].isupper()
    return not (_ORDINAL.search(before) and _is_german_date(following))


def _is_german_date(following: str) -> bool:
    return following[:3] in {"Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez", "Qua"}


def _stripped(text: str, begin: int, end: int) -> tuple[int, int]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return begin, end
