"""Finds what is written so that a person or a filter passes over it, and reads it: base64, hex, percent signs, escapes,
rot13, reversed, spaced out, numbers for letters, comments, tags that are not shown.

Bounded work: at most sixteen runs a text, of 4 KiB each, and one layer below each (base64 of hex).  Each reading is a
text of its own that rules are run over, with the span of the original that it was made of.
"""

import base64
import binascii
import codecs
import html
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import unquote

import re2

from penstock.guard.injection.fold import Hidden, hidden_in
from penstock.guard.patterns.possible import Possible

_TWICE: Final = ("base64", "hex")
_MOST_RUNS: Final = 16
_MOST_CHARS: Final = 4096
_LEAST_READABLE: Final = 0.9
_LEAST_LETTERS: Final = 8
_LEAST_SWAPPED_WORDS: Final = 2
_LEAST_HIDDEN: Final = 4


class Reading(NamedTuple):
    """`how` it was hidden, what it says, and where in the original."""

    how: str
    text: str
    begin: int
    end: int


Decode = Callable[[str], str | None]


def _of_base64(run: str) -> str | None:
    plain = run.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


def _of_hex(run: str) -> str | None:
    digits = run.replace("\\x", "").replace("0x", "").replace(" ", "").replace(",", "")
    try:
        return bytes.fromhex(digits).decode()
    except ValueError:
        return None


def _of_escapes(run: str) -> str | None:
    try:
        return run.encode("ascii").decode("unicode_escape")
    except ValueError:
        return None


def _of_binary(run: str) -> str | None:
    bits = run.replace(" ", "")
    octets = [bits[at : at + 8] for at in range(0, len(bits) - 7, 8)]
    return "".join(chr(int(octet, 2)) for octet in octets)


def _spaced(run: str) -> str:
    return "".join(char for char in run if char.isalnum())


_RUNS: Final[tuple[tuple[str, str, Decode], ...]] = (
    ("base64", r"[A-Za-z0-9+/_-]{24,}={0,2}", _of_base64),
    ("hex", r"(?:[0-9a-fA-F]{2}[ ,]?){16,}|(?:\\x[0-9a-fA-F]{2}){8,}|(?:0x[0-9a-fA-F]{2}[ ,]{0,2}){8,}", _of_hex),
    ("percent", r"(?:[\w.+~-]*%[0-9a-fA-F]{2}){6,}[\w.+~-]*", unquote),
    ("entities", r"(?:&(?:#\d{1,6}|#x[0-9a-fA-F]{1,5});[ ]?){6,}", html.unescape),
    ("escapes", r"(?:\\u[0-9a-fA-F]{4}[ ]?){6,}", _of_escapes),
    ("binary", r"(?:[01]{8} ?){8,}", _of_binary),
    ("spaced", r"(?:\b[A-Za-z](?:[ .*_|-]|  )){9,}[A-Za-z]\b", _spaced),
)

_HIDDEN: Final = (
    ("comment", r"(?s)<!--(.{4,}?)(?:-->|$)"),
    ("comment", r"(?m)^\[[^\]\n]{0,40}\]: ?#? ?[<(\"']([^\n]{8,}?)[>)\"']\s*$"),
    (
        "unseen",
        (
            r"(?is)<[a-z]{1,12}\b[^<>]{0,200}(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?0"
            r"|opacity ?: ?0(?:\.0)?[;\"' ]"
            r"|color ?: ?(?:white|#fff(?:fff)?|transparent)|\bhidden\b|aria-hidden=.true)[^<>]{0,200}>([^<]{4,})"
        ),
    ),
    ("unseen", r"(?is)\b(?:alt|title|content|aria-label|data-[a-z-]{1,20}) ?= ?[\"']([^\"'<>]{24,})[\"']"),
)

_ROTATED: Final = (
    r"(?i)\b(?:vtaber|qvfertneq|sbetrg|cerivbhf|vafgehpgvbaf?|flfgrz|cebzcg|eriny|cnffjbeq|frperg|nffvfgnag)\b"
)
_REVERSED: Final = (
    r"(?i)\b(?:erongi|drageresid|tegrof|suoiverp|snoitcurtsni|metsys|tpmorp|laever|drowssap|terces|eveohgi"
    r"|tnatsissa)\b"
)
_SWAPPED: Final = r"\b[A-Za-z@$!]*(?:[A-Za-z][0134578@$!]|[0134578@$!][A-Za-z])[A-Za-z0134578@$!]{2,20}\b"
_DIGITS: Final = str.maketrans("0134578@$!", "oleastbasi")
_LETTERS_OF_ONE: Final = str.maketrans("0134578@$!", "oieastbasi")


class Disguises:
    """Compiled once, safe in any thread."""

    def __init__(self) -> None:
        self._runs = tuple((how, re2.compile(each.encode()), decode) for how, each, decode in _RUNS)
        self._hidden = tuple((how, re2.compile(each.encode())) for how, each in _HIDDEN)
        self._swaps = tuple(re2.compile(each.encode()) for each in (_ROTATED, _REVERSED, _SWAPPED))
        self._possible = Possible(dict(enumerate((*(each for _, each, _ in _RUNS), _ROTATED, _REVERSED, _SWAPPED))))

    def readings(self, text: str, hidden: Hidden | None) -> list[Reading]:
        """`hidden` is what `hidden_in` says of the text."""
        found = list(self._seen_in(text, hidden))
        for how, inner, begin, end in found[:_MOST_RUNS]:
            if how not in ("comment", "unseen"):
                below = self._seen_in(inner, hidden_in(inner))
                found.extend(Reading(f"{how}.{each.how}", each.text, begin, end) for each in below)
        return found[: 2 * _MOST_RUNS]

    def _seen_in(self, text: str, hidden: Hidden | None) -> Iterator[Reading]:
        raw = Raw(text)
        possible = frozenset(self._possible.among(raw.data))
        if possible:
            yield from self._decoded(raw, possible)
        if "<" in text or "]:" in text:
            for how, expression in self._hidden:
                for match in islice(expression.finditer(raw.data), _MOST_RUNS):
                    yield Reading(how, match.group(1)[:_MOST_CHARS].decode(errors="replace"), *raw.span(*match.span(1)))
        if hidden is not None and len(hidden.spelled) >= _LEAST_HIDDEN:
            yield Reading("tags", hidden.spelled, hidden.begin, hidden.end)
        if possible:
            yield from self._substituted(raw, possible)

    def _decoded(self, raw: "Raw", possible: Collection[int]) -> Iterator[Reading]:
        for number, (how, expression, decode) in enumerate(self._runs):
            if number not in possible:
                continue
            for match in islice(expression.finditer(raw.data), _MOST_RUNS):
                plain = decode(match.group()[:_MOST_CHARS].decode(errors="replace"))
                if plain is not None and how in _TWICE and not _is_readable(plain, is_spaced=False):
                    plain = _decoded_again(plain)
                if plain is not None and _is_readable(plain, is_spaced=how == "spaced"):
                    yield Reading(how, plain, *raw.span(*match.span()))

    def _substituted(self, raw: "Raw", possible: Collection[int]) -> Iterator[Reading]:
        rotated, turned, swapped = self._swaps
        is_rotated, is_turned, is_swapped = (len(self._runs) + at in possible for at in range(len(self._swaps)))
        start = raw.text[: 4 * _MOST_CHARS]
        if is_rotated and (span := _span_of_several(rotated, raw)) is not None:
            yield Reading("rot13", codecs.encode(start, "rot13"), *span)
        if is_turned and (span := _span_of_several(turned, raw)) is not None:
            yield Reading("reversed", start[::-1], *span)
        if not is_swapped:
            return
        words = [match.span() for match in islice(swapped.finditer(raw.data), 64)]
        if len(words) >= _LEAST_SWAPPED_WORDS:
            begin, end = raw.span(words[0][0], words[-1][1])
            around = raw.text[max(0, begin - 40) : min(end + 40, begin + _MOST_CHARS)]
            for table in (_LETTERS_OF_ONE, _DIGITS):
                yield Reading("digits", around.translate(table), begin, end)


class Raw:
    """A text and its bytes, as RE2 reads them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = text.encode(errors="replace")
        self._is_ascii = len(self.data) == len(text)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The characters at those bytes."""
        if self._is_ascii:
            return begin, end
        first = len(self.data[:begin].decode(errors="ignore"))
        return first, first + len(self.data[begin:end].decode(errors="ignore"))


def _span_of_several(expression: "re2.Regexp[bytes]", raw: Raw) -> tuple[int, int] | None:
    """From the first to the last of such words; None where there is but one, which may be a name."""
    words = [match.span() for match in islice(expression.finditer(raw.data), _MOST_RUNS)]
    return raw.span(words[0][0], words[-1][1]) if len(words) > 1 else None


def _decoded_again(plain: str) -> str | None:
    """What was encoded twice."""
    try:
        plain.encode("ascii")
    except UnicodeEncodeError:
        return None
    return _of_hex(plain) or _of_base64(plain)


def _is_readable(plain: str, *, is_spaced: bool) -> bool:
    letters = sum(char.isalpha() for char in plain)
    shown = sum(char.isprintable() or char.isspace() for char in plain)
    has_words = is_spaced or " " in plain.strip()
    return letters >= _LEAST_LETTERS and has_words and shown >= _LEAST_READABLE * len(plain)
