"""Sections of the handbook's pages as plain text: what the made answers are made of.

The handbook is Sourcegraph's (sourcegraph/handbook, Apache-2.0).
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from penstock.guard.grounded.sentences import sentences
from penstock.guard.grounded.words import read
from training.grounded_sets import FOLDER

_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_TAG: Final = re.compile(r"<[^>]{0,200}>|\{\{.*?\}\}|<!--.*?-->", re.DOTALL)
_HEADING: Final = re.compile(r"^#{1,6}\s+(.*)$")
_LEAST_WORDS: Final = 7
_MOST_WORDS: Final = 34
_LEAST_SENTENCES: Final = 3
_MOST_CHARS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Section:
    """`good` are its sentences that stand alone; `page` is the path of its page."""

    page: str
    heading: tuple[str, ...]
    text: str
    good: tuple[str, ...]

    @property
    def is_for_tests(self) -> bool:
        """Four pages of ten are tested on, and none of what is made of them is fitted on."""
        return is_for_tests(self.page)


def is_for_tests(page: str) -> bool:
    return hashlib.sha256(page.encode()).digest()[0] % 10 < 4


def good_sentences(text: str) -> tuple[str, ...]:
    """Those of a text in Markdown that stand alone, as they are said without its marks."""
    plain = "\n".join(_plain(line) for line in _TAG.sub("", text).splitlines() if _HEADING.match(line) is None)
    return tuple(dict.fromkeys(_good(plain)))


@cache
def sections() -> tuple[Section, ...]:
    """Every section with enough sentences that stand alone, in the order of their pages."""
    root = FOLDER / "rag" / "handbook" / "content"
    return tuple(
        found for path in sorted(root.rglob("*.md")) for found in _sections_of(path, str(path.relative_to(root)))
    )


def _sections_of(path: Path, page: str) -> list[Section]:
    found: list[Section] = []
    heading: list[str] = []
    lines: list[str] = []
    for line in [*_TAG.sub("", path.read_text("utf-8", "replace")).splitlines(), "# "]:
        match = _HEADING.match(line)
        if match is None:
            lines.append(_plain(line))
            continue
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:_MOST_CHARS]
        good = tuple(dict.fromkeys(each for each in _good(text)))
        if len(good) >= _LEAST_SENTENCES:
            found.append(Section(page, tuple(heading[-2:]), text, good))
        heading.append(_plain(match[1]))
        lines = []
    return found


def _plain(line: str) -> str:
    return re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", _LINK.sub(r"\1", line)).rstrip()


def _good(text: str) -> list[str]:
    found: list[str] = []
    for each in sentences(text):
        said = " ".join(text[each.begin : each.end].split())
        words = read(said)
        is_whole = said[:1].isupper() and said.endswith(".") and "http" not in said and "|" not in said
        if (
            each.kind in {"text", "item"}
            and is_whole
            and _LEAST_WORDS <= len(words) <= _MOST_WORDS
            and said.count('"') % 2 == 0
        ):
            found.append(said)
    return found
