"""Where a text can be cut: after sentences, and where one is too long, after clauses or words."""

import re
from collections.abc import Iterator
from typing import Final

from penstock.knowledge.ingest.weight import weight

_END: Final = re.compile(r"(?:[.!?…]+[\"'”’)\]»]*(?=\s)\s+|[。！？]+|\n+)")  # noqa: RUF001 - other scripts' marks are meant
_SHORT: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "no",
        "nr",
        "vs",
        "etc",
        "e.g",
        "i.e",
        "eg",
        "ie",
        "fig",
        "cf",
        "al",
        "inc",
        "ltd",
        "co",
        "corp",
        "dept",
        "est",
        "approx",
        "jr",
        "sr",
        "bzw",
        "ca",
        "z.b",
        "d.h",
        "usw",
        "abs",
        "art",
        "str",
        "tel",
        "vgl",
        "ggf",
        "evtl",
        "inkl",
        "zzgl",
        "s.o",
        "u.a",
        "pvt",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ]
)
_CLAUSE: Final = re.compile(r"[,;:–—]\s+")  # noqa: RUF001 - dashes are meant
_WORD: Final = re.compile(r"\S+\s*")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each stands, in order, without the blanks between them.  A line's end is a sentence's."""
    start = 0
    for found in _END.finditer(text):
        if _is_end(text, start, found):
            yield from _trimmed(text, start, found.end())
            start = found.end()
    yield from _trimmed(text, start, len(text))


def pieces(text: str, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """A stretch that may be too heavy, in pieces of at most `most`: cut after clauses, then words, then anywhere."""
    if weight(text[start:end]) <= most:
        yield start, end
        return
    at = start
    while at < end:
        cut = _cut(text, at, end, most)
        yield from _trimmed(text, at, cut)
        at = cut


def _cut(text: str, start: int, end: int, most: int) -> int:
    """The last good place before it is too heavy."""
    clause, at, total = 0, start, 0
    for found in _WORD.finditer(text, start, end):
        total += weight(found[0])
        if total > most:
            break
        at = found.end()
        if _CLAUSE.search(found[0]) and total > most // 2:
            clause = at
    else:
        return end
    if at > start:
        return clause or at
    return min(end, start + most)  # one word, as long as a chunk


def _is_end(text: str, start: int, found: re.Match[str]) -> bool:
    if not found[0].startswith("."):
        return True
    after = text[found.end() : found.end() + 1]
    if after.islower():
        return False
    word = text[start : found.start()].rsplit(None, 1)[-1:] or [""]
    last = word[0].lower().lstrip("(\"'[“")
    is_initial = len(last) == 1 and last.isalpha()
    is_ordinal = last.isdigit() and len(last) <= 3 and not text[start : found.start()].strip(last + " ")
    return not (is_initial or is_ordinal or last in _SHORT)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    stretch = text[start:end]
    left = len(stretch) - len(stretch.lstrip())
    if left < len(stretch):
        yield start + left, start + len(stretch.rstrip())
