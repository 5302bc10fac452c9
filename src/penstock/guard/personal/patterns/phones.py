"""Which rows of digits can be telephone numbers: the numbering plans of `phonenumbers`, asked in a microsecond.

`phonenumbers.parse` takes 130 µs, more than all patterns together; its plans are compiled here once for each country.
"""

from collections.abc import Callable, Iterator
from functools import cache
from types import MappingProxyType
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from penstock.guard.patterns.scanner import whole
from penstock.guard.personal.patterns.checks import ascii_digits, digits_of

_CODES_WITH_A_ZERO: Final = (49, 43, 32, 359, 385, 357, 420, 33, 36, 353, 370, 31, 40, 421, 386, 46, 358, 44, 41)
"""European countries that dial a zero or, Hungary, 06 before a number within the country."""

_PARTED: Final = bytes.maketrans(b"-./()", b"     ")
_CENTURIES: Final = (b"19", b"20")
_LEAST_CLEAR: Final = 8
"""Digits of a number that could be a day or an amount by the way it is written."""
_MOST_GROUPED: Final = 11 + 5
"""Characters of a number in groups: its digits, and what parts them."""
_PAST_AND_THIS: Final = (b"18", *_CENTURIES)
_CODES: Final = MappingProxyType({str(code): code for code in COUNTRY_CODE_TO_REGION_CODE})
_TYPES: Final = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip


def is_international(text: str) -> bool:
    """`+` or `00`, a country's code, and as many digits as are dialled there; after `00` as they are given out."""
    is_plus = "+" in text
    digits = digits_of(_before_letters(text.replace("(0)", "")))
    if not is_plus:
        digits = digits.removeprefix("00")
    for width in (1, 2, 3):
        code = _CODES.get(digits[:width])
        if code is not None:
            number = digits[width:]
            return len(number) in _lengths(code) if is_plus or code == 1 else _is_given_out(code, number)
    return False


def is_national(text: str) -> bool:
    """A number as it is dialled within one of the European countries where that begins with a zero."""
    return _plan_with_a_zero()(ascii_digits(text))


def is_dialled_at_home(text: str) -> bool:
    """A national number with what parts it: no day, and with dots or after two digits alone no short one."""
    groups = _groups(text)
    if "." in text or len(groups[0]) < 3:
        if sum(map(len, groups)) < _LEAST_CLEAR or any(_is_year(each) for each in groups[1:3]):
            return False
        if len(groups) == 3 and max(map(len, groups)) == 2:
            return False
    return is_national(text)


def is_italian_mobile(text: str) -> bool:
    return _is_given_out(39, digits_of(text))


def _is_year(group: bytes) -> bool:
    return len(group) == 4 and group.startswith(_CENTURIES)


def is_grouped(text: str) -> bool:
    """Seven to eleven digits as people part them: no day, no row of years or of round or two-digit numbers."""
    if len(text) > _MOST_GROUPED:
        return False
    groups = _groups(text)
    lengths = [*map(len, groups)]
    if not 7 <= sum(lengths) <= 11 or _is_day(groups):
        return False
    if len(groups) == 2 and "-" in text:  # a range: 300-1000, 870-1970
        return not groups[1].startswith(_CENTURIES) and not groups[1].endswith(b"00")
    longest, shortest = max(lengths), min(lengths)
    if longest == shortest == 4 and all(each.startswith(_PAST_AND_THIS) for each in groups):
        return False
    if groups[0].endswith(b"0") and all(each.endswith(b"0") for each in groups):
        return False
    return longest > 2 or shortest < 2 or "-" in text


def is_no_date(text: str) -> bool:
    """After a word like "call" almost any row of digits is a number, unless it is a day or an address."""
    is_address_or_day = "." in text or "19" in text or "20" in text
    groups = _groups(text) if is_address_or_day else []
    is_address = (
        len(groups) == 4
        and text.count(".") == 3
        and text[0] not in "0("
        and all(each.isdigit() and int(each) < 256 for each in groups)
    )
    return not is_address and not _is_day(groups)


def _groups(text: str) -> list[bytes]:
    """The rows of digits of a number, and the words of its extension."""
    return text.encode("ascii", "replace").translate(_PARTED).split()


def _is_day(groups: list[bytes]) -> bool:
    """Year, month and day, or the year last; what follows may be the time."""
    if len(groups) < 3 or not (groups[0].startswith(_CENTURIES) or groups[2].startswith(_CENTURIES)):
        return False
    lengths = [len(each) for each in groups[:3]]
    if max(lengths[1], min(lengths[0], lengths[2])) > 2:
        return False
    return (lengths[0] == 4 and groups[0].startswith(_CENTURIES)) or (
        lengths[2] == 4 and groups[2].startswith(_CENTURIES) and len(groups) == 3
    )


def _before_letters(text: str) -> str:
    """Without the extension: `x123`, `ext. 5`."""
    if text.lower() == text.upper():
        return text
    for place, character in enumerate(text):
        if character.isalpha():
            return text[:place]
    return text


def _is_given_out(code: int, number: str) -> bool:
    return _plan(code)(number.encode("ascii"))


@cache
def _plan(code: int) -> Callable[[bytes], bool]:
    return whole(_expression(code))


@cache
def _plan_with_a_zero() -> Callable[[bytes], bool]:
    plans = [f"0(?:{_expression(code)})" for code in _CODES_WITH_A_ZERO]
    return whole("|".join([*plans, f"06(?:{_expression(36)})", _expression(39)]))


def _expression(code: int) -> str:
    patterns = {
        pattern
        for each in _metadata(code)
        for kind in _TYPES
        if (pattern := getattr(getattr(each, kind), "national_number_pattern", None))
    }
    return "|".join(sorted(patterns))


@cache
def _lengths(code: int) -> frozenset[int]:
    return frozenset(
        length
        for each in _metadata(code)
        for length in (each.general_desc.possible_length if each.general_desc else ())
        if length > 4
    )


def _metadata(code: int) -> Iterator[PhoneMetadata]:
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        found = (
            PhoneMetadata.metadata_for_nongeo_region(code, None)
            if region == "001"
            else PhoneMetadata.metadata_for_region(region, None)
        )
        if found is not None:
            yield found
