"""The words of a text, as they are looked for: letters and digits, in one case and one form.

Scripts without blanks between words go by their characters and pairs of them.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Final
from unicodedata import is_normalized, normalize

from penstock.core.errors import MalformedRequest

_WORD: Final = re.compile(r"[^\W_]+")
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
_MOST_CHARS: Final = 64
_MOST_TERMS: Final = 16
_AROUND_CHARS: Final = 80
_QUERY: Final = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand one behind the other; nearly always one.  `is_within`: it may be a part of a word."""

    words: tuple[str, ...]
    is_within: bool

    def stands_in(self, read: str) -> bool:
        """Whether it stands in a text as `read` gives it."""
        said = " ".join(self.words)
        return said in read if self.is_within else f" {said} " in read


def plain(text: str) -> str:
    """In one form: what looks alike is alike."""
    return text if is_normalized("NFKC", text) else normalize("NFKC", text)


def read(text: str) -> str:
    """The words of a plain text, each between blanks."""
    return " " + " ".join(_WORD.findall(text.casefold())) + " "


def index_words(texts: Iterable[str], most: int) -> AbstractSet[str]:
    """What texts are found by: those that come first, until there are so many."""
    found: dict[str, None] = {}
    for text in texts:
        # Once for each different word: most of them come again and again.
        for word in dict.fromkeys(_WORD.findall(plain(text).casefold())):
            if word.isascii():
                found[word[:_MOST_CHARS]] = None
            else:
                found.update(dict.fromkeys(islice(_keys(word), most - len(found))))
            if len(found) >= most:
                return found.keys()
    return found.keys()


def terms_of(text: str) -> tuple[Term, ...]:
    """What is looked for: words, and in quotation marks words that stand one behind the other.

    Raises `MalformedRequest` where there are none, or too many.
    """
    found: list[Term] = []
    for quoted, bare in _QUERY.findall(plain(text)):
        words = tuple(_WORD.findall((quoted or bare).casefold()))
        if words:
            found.append(Term(words, is_within=any(_UNSPACED.search(word) for word in words)))
    if not found:
        raise MalformedRequest("There is no word in `text` to look for.", field="text")
    if len(found) > _MOST_TERMS:
        raise MalformedRequest(f"`text` may have {_MOST_TERMS} words and phrases.", field="text")
    return tuple(found)


def wanted(terms: Iterable[Term]) -> tuple[str, ...]:
    """The words that whatever has all of the terms is found by, the longest, which are the rarest, first."""
    keys = {key for term in terms for word in term.words for key in _keys(word)}
    return tuple(sorted(keys, key=lambda key: (-len(key), key)))


def snippet(text: str, terms: Iterable[Term]) -> str:
    """What stands around the first of the terms that is there, on one line."""
    lowered = text.casefold()
    places = [at for term in terms if (at := lowered.find(term.words[0])) >= 0]
    at = min(places, default=0)
    begin, end = max(at - _AROUND_CHARS, 0), at + 2 * _AROUND_CHARS
    shown = " ".join(text[begin:end].split())
    return ("…" if begin else "") + shown + ("…" if end < len(text) else "")


def _keys(word: str) -> Iterator[str]:
    if word.isascii() or _UNSPACED.search(word) is None:
        yield word[:_MOST_CHARS]
        return
    yield from word
    yield from (word[at : at + 2] for at in range(len(word) - 1))
