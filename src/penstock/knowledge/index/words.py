"""The words of a text as BM25 counts them: folded, stemmed lightly, identifiers both whole and in parts.

One function for texts and for queries, and for English and German at once: which of the two a short query is in cannot
be told, and an ending that is taken off the wrong word is taken off on both sides.  A change here makes what is kept
unfindable: raise `WORDS_VERSION`, which is part of every posting's key.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

WORDS_VERSION: Final = 1

_TOKEN: Final = re.compile(r"\w+(?:[.,'\u2019\-/:@+]\w+)*", re.UNICODE)
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,:/\-]\d+)*")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_LONGEST: Final = 64
_STOP_WORDS: Final = """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers herself him
    himself his how i if in into is it its itself just me more most my myself no nor not now of off on once only or
    other our ours ourselves out over own same she should so some such than that the their theirs them themselves then
    there these they this those through to too under until up very was we were what when where which while who whom why
    will with would you your yours yourself yourselves
    aber alle als also am an auch auf aus bei bin bis bist da damit dann das dass dem den der des dessen die dies diese
    diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es euer eure fur hat hatte
    hier ich ihr ihre ihrem ihren ihrer im in ist ja jede jedem jeden jeder jedes kann kein keine keinem keinen keiner
    man mein meine mich mir mit muss nach nicht noch nun nur ob oder ohne sehr sein seine sich sie sind so soll sondern
    um und uns unser unsere unter vom von vor war waren warum was weil wenn wer wie wieso wir wird wo zu zum zur
"""
_STOP: Final = frozenset(_STOP_WORDS.split())
_KEEPS_S: Final = ("ss", "us", "is")
_ENDINGS: Final = (
    ("ational", "ate"),
    ("ization", "ize"),
    ("isation", "ize"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("iveness", "ive"),
    ("ungen", "ung"),
    ("heiten", "heit"),
    ("keiten", "keit"),
    ("ation", "ate"),
    ("ingly", ""),
    ("edly", ""),
    ("ment", ""),
    ("ness", ""),
    ("able", ""),
    ("ible", ""),
    ("ing", ""),
    ("ion", ""),
    ("ity", ""),
    ("ive", ""),
    ("ies", "y"),
    ("ied", "y"),
    ("ern", ""),
    ("ed", ""),
    ("ly", ""),
    ("er", ""),
    ("en", ""),
    ("em", ""),
    ("al", ""),
    ("ic", ""),
    ("e", ""),
)
_LEAST_STEM: Final = 4


def words_of(text: str) -> list[str]:
    """In order, with repetitions; empty for a text of nothing but function words and marks."""
    return [word for token in _TOKEN.findall(unicodedata.normalize("NFC", text)) for word in _words(token)]


def _words(token: str) -> Iterator[str]:
    if _NUMBER.fullmatch(token):
        yield token.replace(",", "") if _THOUSANDS.fullmatch(token) else token
        return
    whole = _folded(token)
    if whole.isalpha() and (token[1:].islower() or len(token) == 1 or token.isupper()):
        if whole not in _STOP:
            yield stem(whole)[:_LONGEST]
        return
    parts = [_folded(part) for part in _PART.findall(token)]
    if len(parts) > 1 and len(whole) <= _LONGEST:
        yield whole
    for part in parts:
        if part not in _STOP and (len(part) > 1 or not part.isalpha()):
            yield stem(part)[:_LONGEST] if part.isalpha() else part[:_LONGEST]


def _folded(token: str) -> str:
    if token.isascii():
        return token.lower()
    decomposed = unicodedata.normalize("NFKD", token.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def stem(word: str) -> str:
    """A folded word without its ending, where what is left is long enough to be one."""
    if len(word) <= _LEAST_STEM - 1 or not word.isascii():
        return word
    if word.endswith("s") and not word.endswith(_KEEPS_S):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM - 1:
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > _LEAST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word
