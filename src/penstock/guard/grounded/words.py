# ruff: noqa: RUF001 - texts have marks that look like others
"""Reads a text as words, each with what it is compared by."""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from penstock.guard.grounded.lexicon import FUNCTION, NEGATIONS

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]{1,3})?|\d[\d.,:/\-]*\d|\d")
_LEAST_STEM: Final = 3
_LONG: Final = 6
_ENDINGS: Final = (
    "ations", "ation", "ities", "ments", "ment", "ings", "ing", "ions", "ion", "ies", "ied", "ers", "ity", "ed", "es",
    "ly", "er", "en", "em", "s", "y", "e", "n",
)  # fmt: skip
_OPENERS: Final = frozenset('.!?:;\n•|*#-–—("“')


class Word(NamedTuple):
    """`stem` is what it is compared by; `is_name` says that it is written large where that is no rule of writing."""

    text: str
    lower: str
    stem: str
    begin: int
    end: int
    is_name: bool
    is_function: bool
    is_number: bool


def read(text: str) -> list[Word]:
    """Every word and figure of the text, in order."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        raw = match.group()
        begin = match.start()
        is_number = raw[0].isdigit()
        lower = raw if is_number else _plain(raw)
        found.append(
            Word(
                raw,
                lower,
                lower if is_number else stem_of(lower),
                begin,
                match.end(),
                not is_number and _is_name(text, raw, begin),
                lower in FUNCTION or lower in NEGATIONS,
                is_number,
            )
        )
    return found


def _is_name(text: str, raw: str, begin: int) -> bool:
    if not raw[0].isupper():
        return any(letter.isupper() for letter in raw[1:])
    if len(raw) > 1 and raw[1:].lower() != raw[1:]:
        return True
    before = text[max(begin - 3, 0) : begin].rstrip(" ")
    return bool(before) and before[-1] not in _OPENERS


@lru_cache(maxsize=20_000)
def _plain(raw: str) -> str:
    lower = unicodedata.normalize("NFKC", raw).lower().replace("’", "'")
    head, _, tail = lower.partition("'")
    if tail == "t" and head.endswith("n"):
        return "cannot" if head == "can" else head  # isn't, doesn't: the negation is the word
    return head if tail in {"s", "re", "ve", "ll", "d", "m"} and len(head) > 1 else lower


@lru_cache(maxsize=20_000)
def stem_of(word: str) -> str:
    """The word without its ending, roughly: the same for `transfer`, `transfers`, `transferred`, `transferring`."""
    if len(word) <= _LEAST_STEM:
        return word
    for ending in _ENDINGS:
        if not word.endswith(ending) or len(word) - len(ending) < _LEAST_STEM or word.endswith("ss"):
            continue
        if len(ending) == 1 and ending == "n" and len(word) < _LONG:
            continue
        word = word[: -len(ending)]
        break
    if len(word) > _LEAST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    return word.removesuffix("e").removesuffix("i") if len(word) > _LEAST_STEM else word
