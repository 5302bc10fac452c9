"""Amounts of money and of tokens as exports write them: exact decimals, or an error; a comma is never guessed about.

Whether a comma or a point stands before the decimals is a question for the whole file: one amount that can only be read
in one way (`0,05`, `1.234,56`) answers it for all of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

DecimalMark = Literal["point", "comma"]

_PLACES = 40
_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CURRENCY = re.compile(r"(?i)\A([A-Z]{3})(?![A-Z])\s*|\s*(?<![A-Z])([A-Z]{3})\Z")
_BARE = re.compile(r"-?[0-9.,]+\Z")
_PLAIN = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?\Z")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?\Z")


class InvoiceError(Exception):
    """What stands in the way of reading an export; `row` is a line of the file, from 1."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message if row is None else f"row {row}: {message}")
        self.row = row


@dataclass(frozen=True, slots=True)
class Amount:
    """`digits` with its separators as they were; `currency` where the cell itself names one."""

    digits: str
    is_negative: bool
    currency: str | None


def taken_apart(text: str) -> Amount:
    """Sign, currency and digits of a cell."""
    if _BARE.match(text):  # most are nothing else
        return Amount(text.removeprefix("-"), text.startswith("-"), None)
    rest = text.strip().replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-")
    is_negative = rest.startswith("(") and rest.endswith(")")
    rest = rest[1:-1].strip() if is_negative else rest
    currency = None
    for _ in range(2):  # -$5, $-5 and EUR -5
        if rest.startswith(("-", "+")):
            is_negative = is_negative != rest.startswith("-")
            rest = rest[1:].strip()
        for symbol, name in _SYMBOLS.items():
            if rest.startswith(symbol) or rest.endswith(symbol):
                currency, rest = name, rest.strip(symbol).strip()
        word = _CURRENCY.search(rest)
        if word is not None:
            currency, rest = (word[1] or word[2]).upper(), (rest[: word.start()] + rest[word.end() :]).strip()
    return Amount(rest.replace(" ", "").replace("'", "").replace("\u2019", ""), is_negative, currency)


def mark_of(digits: str, *, delimiter: str) -> DecimalMark | None:
    """The decimal mark that this amount must have; None where it can be read in both ways or has none."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return "point" if digits.rindex(".") > digits.rindex(",") else "comma"
    if points > 1 or commas > 1:
        return "comma" if points > 1 else "point"  # it stands between thousands
    if not points and not commas:
        return None
    mark: DecimalMark = "point" if points else "comma"
    whole, _, decimals = digits.partition("." if points else ",")
    is_grouping = len(decimals) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    if is_grouping and not (mark == "point" and delimiter == ","):
        return None
    return mark


def agreed_mark(found: Iterable[tuple[int, DecimalMark | None]]) -> DecimalMark | None:
    """What all amounts of a file that leave no doubt agree on.  Raises `InvoiceError` where they do not."""
    first: tuple[int, DecimalMark] | None = None
    for row, mark in found:
        if mark is None:
            continue
        if first is None:
            first = row, mark
        elif first[1] != mark:
            raise InvoiceError(f"its decimals stand behind a {mark}, those of row {first[0]} behind a {first[1]}", row)
    return None if first is None else first[1]


def decimal_of(digits: str, mark: DecimalMark | None, row: int) -> Decimal:
    """The number that is meant.  Raises `InvoiceError` for what is none, or could be two."""
    if mark is None and ("," in digits or "." in digits):
        text = f"`{digits}` may be a thousand times as much: say `decimal=comma` or `decimal=point`"
        raise InvoiceError(text, row)
    swapped = digits.translate(str.maketrans(",.", ".,")) if mark == "comma" else digits
    if not swapped.isascii() or len(swapped) > _PLACES or not (_PLAIN.match(swapped) or _GROUPED.match(swapped)):
        raise InvoiceError(f"`{digits[:40]}` is no amount", row)
    return Decimal(swapped.replace(",", ""))


def tokens_of(text: str, row: int) -> int:
    """A count of tokens; nothing written is none."""
    digits = text.strip()
    if not digits:
        return 0
    plain = digits.removesuffix(".0").replace(",", "") if _GROUPED.match(digits) else digits.removesuffix(".0")
    if not (plain.isascii() and plain.isdecimal() and len(plain) <= 18):
        raise InvoiceError(f"`{digits[:40]}` is no number of tokens", row)
    return int(plain)
