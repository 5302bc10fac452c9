r"""Pieces of which the catalogue's expressions are made.

RE2's `\b` knows ASCII words only, so a word that begins with another letter is asked for without it.
"""

import string
from typing import Final

LETTER: Final = "A-Za-zÀ-ÖØ-öø-ɏͰ-Ͽἀ-῿Ѐ-ӿ"
"""Inside a character class: Latin, Greek and Cyrillic."""

CAPITAL: Final = "A-ZÀ-ÖØ-ÞĀ-ſȘȚΆ-ΫЀ-Я"
"""Inside a character class.  Extended Latin alternates small and capital letters: the small ones are let in."""

ANY_DIGIT_NEXT: Final = "[^0-9]{0,30}"
"""Between a word and the number that it announces: whatever is no digit, but not much of it."""

_ASCII_WORD: Final = string.ascii_letters + string.digits
_FILLER: Final = (
    "is|was|are|my|the|of|no|n|nr|num|number|numbers|nummer|code|id|address|wallet|reads|equals|it|its|s|to|card|issued|set|changed|"
    "ist|lautet|war|mein|meine|der|die|das|"
    "est|le|la|el|es|il|número|numero|num[eé]ro|de|del|di|du|do|è|é|jest|van|er|är|on"
)
SOON: Final = rf"(?:[^0-9A-Za-z]{{1,4}}(?i:{_FILLER})){{0,4}}[^0-9A-Za-z]{{1,4}}"
"""Between a word and what it announces where that begins with a letter or a digit: small words and punctuation."""


def words(alternatives: str) -> str:
    """One of the alternatives, parted by `|`, in any case, where a word begins; up to four letters stand alone.

    They hold no alternatives of their own.
    """
    plain = [
        rf"{each}\b" if len(each) <= 4 and each[-1] in _ASCII_WORD else each
        for each in alternatives.split("|")
        if each[0].isascii()
    ]
    other = [each for each in alternatives.split("|") if not each[0].isascii()]
    starts = [rf"\b(?:{'|'.join(plain)})"] if plain else []
    return f"(?i:{'|'.join([*starts, *other])})"


def number_after(alternatives: str, value: str) -> str:
    """`value`, which begins with a digit, shortly after one of the words."""
    return rf"{words(alternatives)}{ANY_DIGIT_NEXT}\b({value})\b"


def code_after(alternatives: str, value: str) -> str:
    """`value`, which begins with a letter or a digit, shortly after one of the words or what they begin."""
    return rf"{words(alternatives)}[A-Za-zäöüß-]{{0,12}}{SOON}({value})\b"
