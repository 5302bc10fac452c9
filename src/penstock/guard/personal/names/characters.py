"""What a character is, as far as names care: tables over code points, read by `surface`.

Everything is looked up for a whole text at once, so that a long text costs what its length says and no more.
"""

import unicodedata
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPACE: Final = 0
LINE: Final = 1
LOWER: Final = 2
UPPER: Final = 3
LETTER: Final = 4
DIGIT: Final = 5
_MARKS: Final = (
    ".",
    ",",
    ":",
    ";",
    "-\u2010\u2011\u2012\u2013\u2014",
    "'\u2018\u2019\u02bc`\u00b4",
    '"\u201c\u201d\u201e\u00ab\u00bb',
    "([{<",
    ")]}>",
    "/\\|",
    "@",
    "#",
    "&+",
    "_",
    "!?",
    "=*%$",
)
"""Marks that read alike for what stands beside them."""
PERIOD: Final = 6
APOSTROPHE: Final = 11
OTHER: Final = 6 + len(_MARKS)
CLASSES: Final = OTHER + 1

_LIMIT: Final = 0x3000
"""What has upper and lower case, nearly, and what has marks of its own, lies below."""


def _class_of(code: int) -> int:
    char = chr(code)
    for number, marks in enumerate(_MARKS):
        if char in marks:
            return 6 + number
    category = unicodedata.category(char)
    if char in "\n\r\v\f\x85\u2028\u2029":
        return LINE
    if char == "\t" or category == "Zs":
        return SPACE
    match category[0], category:
        case _, "Ll":
            return LOWER
        case _, "Lu" | "Lt":
            return UPPER
        case "L" | "M", _:
            return LETTER
        case "N", _:
            return DIGIT
        case _:
            return OTHER


def _lower_of(code: int) -> int:
    lower = chr(code).lower()
    return ord(lower) if len(lower) == 1 else code


_CLASS: Final = np.array([*map(_class_of, range(_LIMIT)), LETTER, OTHER], np.uint8)
_LOWER_CASE: Final = np.array([*map(_lower_of, range(_LIMIT))], np.uint32)
_CLASS.flags.writeable = _LOWER_CASE.flags.writeable = False
_LETTERS_BEYOND: Final = ((0x3041, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0xDFFFF))
"""Beyond the table: scripts without case are letters; surrogates, private use, forms and pictures are not."""
BLANKS: Final = "".join(chr(code) for code in range(_LIMIT) if _CLASS[code] <= LINE)
LINES: Final = frozenset(chr(code) for code in range(_LIMIT) if _CLASS[code] == LINE)
WORD_CHARACTERS: Final = (
    *((code, code) for code in range(_LIMIT) if LOWER <= _CLASS[code] <= DIGIT),
    *_LETTERS_BEYOND,
)
"""First and last of the ranges that words are made of."""


def codes_of(text: str) -> NDArray[np.uint32]:
    """The text's code points; unpaired surrogates are what they are."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def classes_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    far = codes >= _LIMIT
    if not far.any():
        return _CLASS[codes]
    letters = np.any([(codes >= first) & (codes <= last) for first, last in _LETTERS_BEYOND], axis=0)
    return _CLASS[np.where(far, np.where(letters, _LIMIT, _LIMIT + 1), codes)]


def lower_of(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.where(codes < _LIMIT, _LOWER_CASE[np.minimum(codes, _LIMIT - 1)], codes)
