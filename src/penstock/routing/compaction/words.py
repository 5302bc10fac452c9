"""Words as relevance wants them: lower case, without their endings, without those that say nothing.

English endings are cut by a short list (a light stemmer after Harman's "S" and Porter's step 1); words of other scripts
are taken as they are, and scripts without spaces as pairs of characters.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ies", "edly", "ed", "es", "s", "ly", "ment", "er", "or", "ion")
_LEAST_STEM: Final = 3
_EMPTY: Final = frozenset(
    """
    a about also am an and any are as at be been but by can could did do does for from had has have he her his how
    i if in into is it its just me my no not of ok okay on or our she should so some than that the their them then
    there these they this to uh um us was we were what when where which who whom why will with would yeah you your
    say said says tell summarize summarise discuss discussed discussion think thought
    """.split()  # noqa: SIM905 - a list of ninety literals would be a page
)


def words_of(text: str) -> list[str]:
    """The words of a text, in order, as they are compared."""
    return [found for word in spelled(text) for found in compared(word)]


def spelled(text: str) -> list[str]:
    """The words of a text, in order, as they are spelled, in lower case."""
    return _WORD.findall(text.lower())


def telling(text: str) -> str:
    """The words of a text that say something, as they are written; the text itself where none does.

    What asks ("what did they say about") is in no answer, and draws a question's vector to whatever else asks.
    """
    return " ".join(word for word in _WORD.findall(text) if word.lower() not in _EMPTY) or text


def terms_of(texts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The words that say something, each with the weight of the first text that has it."""
    terms: dict[str, float] = {}
    for text, weight in texts:
        for word in words_of(text):
            if word:
                terms.setdefault(word, weight)
    return terms


@lru_cache(maxsize=50_000)
def compared(word: str) -> Sequence[str]:
    """What a spelled word is compared as: none that says nothing, and of a script without spaces each pair."""
    if word in _EMPTY:
        return ()
    if _WIDE.search(word):
        return tuple(word[at : at + 2] for at in range(max(1, len(word) - 1)))
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return (word[: -len(ending)],)
    return (word,)
