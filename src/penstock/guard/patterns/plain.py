"""Characters that stand for plain ones in what people paste: blanks and hyphens that do not break, full-width letters,
digits of other scripts; and such as nobody sees.  Patterns are written for the plain ones.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from penstock.guard.verdict import Finding

_BLANKS: Final = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_HYPHENS: Final = "\u2010\u2011\u2212\ufe58\ufe63"
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_ZEROS: Final = "٠۰߀०০੦૦୦௦౦೦൦๐໐༠၀០᠐"
"""Of the scripts whose digits people write numbers with; nine more follow each (https://www.unicode.org/charts/)."""
_PLAIN: Final = (
    dict.fromkeys(map(ord, _BLANKS), " ")
    | dict.fromkeys(map(ord, _HYPHENS), "-")
    | {code: chr(code - 0xFEE0) for code in _FULL_WIDTH}
    | {ord(zero) + each: str(each) for zero in _ZEROS for each in range(10)}
)
_ANY: Final = re.compile(f"[{''.join(map(chr, _PLAIN))}]")
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+"
)


def plain(text: str) -> str:
    """The text with plain characters, one for one; the same object where it has no other."""
    return text if text.isascii() or _ANY.search(text) is None else text.translate(_PLAIN)


def find_plain(find: Callable[[str], Sequence[Finding]], text: str) -> Sequence[Finding]:
    """What `find` finds in the text as it reads; positions are those of the text, with what is unseen within them."""
    found = find(plain(text))
    if text.isascii() or _UNSEEN.search(text) is None:
        return found
    begins: list[int] = []
    shifts: list[int] = []
    gone = 0
    for match in _UNSEEN.finditer(text):
        begins.append(match.start() - gone)
        gone += match.end() - match.start()
        shifts.append(gone)
    seen = {(each.rule, each.begin, each.end) for each in found}
    more: list[Finding] = []
    for each in find(plain(_UNSEEN.sub("", text))):
        # What stands right before a value is left outside, and what stands right behind it too.
        begin = each.begin + _shift(begins, shifts, each.begin + 1)
        end = each.end + _shift(begins, shifts, each.end)
        if (each.rule, begin, end) not in seen:
            more.append(msgspec.structs.replace(each, begin=begin, end=end))
    return [*found, *more]


def _shift(begins: Sequence[int], shifts: Sequence[int], position: int) -> int:
    """By how much further than `position` in what is seen its place in the text is."""
    at = bisect_left(begins, position)
    return shifts[at - 1] if at else 0
