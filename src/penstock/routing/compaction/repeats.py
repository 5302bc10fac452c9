"""Finds what is said again later, nearly word for word: the earlier copy can go.

By the five-word shingles of each piece (Broder, "On the resemblance and containment of documents", 1997), from the
newest piece to the oldest.  A piece with a number is a repetition only where every shingle of it comes again.
"""

import re
from collections.abc import Sequence
from typing import Final

_SHINGLE: Final = 5
_LEAST_WORDS: Final = 12
_SHARE: Final = 0.9
_DIGIT: Final = re.compile(r"\d")


def repeated(texts: Sequence[str], later: Sequence[str]) -> set[int]:
    """Which of `texts` (in order) come again in a later one of them, or in `later`, which stays whatever happens."""
    seen: set[int] = set()
    for text in later:
        seen.update(_shingles(text))
    found: set[int] = set()
    for at in range(len(texts) - 1, -1, -1):
        text = texts[at]
        shingles = _shingles(text)
        if len(shingles) > _LEAST_WORDS - _SHINGLE:
            known = sum(map(seen.__contains__, shingles))
            wanted = len(shingles) if _DIGIT.search(text) else _SHARE * len(shingles)
            if known >= wanted:
                found.add(at)
                continue
        seen.update(shingles)
    return found


def _shingles(text: str) -> list[int]:
    words = text.lower().split()
    return list(map(hash, zip(*(words[at:] for at in range(_SHINGLE)), strict=False)))
