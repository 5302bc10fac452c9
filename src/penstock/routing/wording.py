"""What the wording of a question says of how hard it is: lengths, negation, formal signs, the shape of its options.

One number for each of `NAMES`, NaN where a question has no such thing (options, above all): the head then takes the
average of what it was trained on, which says nothing.  Called by `complexity` and by the script that trains it.
"""

import math
import re
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"^[ \t]{0,8}(?:\(?[A-Ha-h]\)|[A-H]\.|[-*•])[ \t]+", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_ENUMERATED = re.compile(r"\b(?:[A-Z][a-z]{2,20} (?:\d|[IVX]{1,4})\b|[IVX]{1,4}\.)")
_ANSWER_MARK = re.compile(r"\s*(?:answer|response)\s*:\s*$", re.IGNORECASE)

_NEGATIONS = frozenset(
    ("not", "no", "never", "except", "without", "cannot", "none", "false", "neither", "nor", "least", "incorrect")
)
_LOGIC = frozenset(
    ("if", "then", "all", "some", "any", "every", "only", "unless", "therefore", "implies", "must", "always", "both",
     "either", "or", "because", "although", "however", "suppose", "assume", "given", "let", "whether")
)  # fmt: skip
_FIRST_PERSON = frozenset(("i", "me", "my", "we", "our", "i'm", "i've"))
_DEGREE = frozenset(("most", "best", "likely", "probably", "primarily", "main", "mainly", "following", "generally"))
_MODAL = frozenset(("would", "could", "should", "might", "may", "will", "can"))
_ASKING = ("what", "which", "who", "when", "where", "why", "how")
_FORMAL = frozenset("$\\^={}<>+*/_|~∀∃⊃\u2228•≡()[]")

NAMES: Final = (
    "chars", "words", "stem", "word_length", "long_words", "digits", "numbers", "capitals", "names", "punctuation",
    "formal", "non_ascii", "lines", "sentences", "sentence_length", "commas", "quotes", "negations", "negated",
    "logic", "first_person", "degree", "modal", "variety", "variety_root", "asked", "blank", "left_open", "enumerated",
    "bar", *(f"asks_{word}" for word in _ASKING),
    "options_mean", "options_longest", "options_spread", "options_overlap", "options_numeric", "options_short",
    "options_to_stem", "options_refer", "options_from_stem",
)  # fmt: skip

Features = NDArray[np.float64]


def wording_of(text: str) -> Features:
    """One row, as long as `NAMES`.  Linear in the text, which the caller keeps short."""
    text = _ANSWER_MARK.sub("", text)
    stem, options = _split(text)
    words = [word.lower() for word in _WORD.findall(text)]
    asked = [word.lower() for word in _WORD.findall(stem)]
    return np.array([*_shape(text, stem, words), *_words(stem, words, asked), *_options(stem, asked, options)])


def _split(text: str) -> tuple[str, Sequence[str]]:
    """The question itself, and the answers that it offers; one option alone is none."""
    found = list(_OPTION.finditer(text))
    if len(found) < 2 or found[0].start() == 0:
        return text, ()
    ends = [each.start() for each in found[1:]] + [len(text)]
    return text[: found[0].start()], [text[each.end() : end].strip() for each, end in zip(found, ends, strict=True)]


def _shape(text: str, stem: str, words: Sequence[str]) -> list[float]:
    chars, number = max(len(text), 1), max(len(words), 1)
    sentences = max(len(_SENTENCE_END.findall(stem)), 1)
    formal = sum(map(_FORMAL.__contains__, text))
    return [
        math.log1p(len(text)),
        math.log1p(len(words)),
        math.log1p(len(stem)),
        sum(map(len, words)) / number,
        sum(len(word) > 8 for word in words) / number,
        sum(map(str.isdigit, text)) / chars,
        math.log1p(len(_NUMBER.findall(text))),
        sum(map(str.isupper, text)) / chars,
        sum(word[0].isupper() for word in _WORD.findall(stem)[1:]) / number,
        (len(text) - sum(map(str.isalnum, text)) - sum(map(str.isspace, text))) / chars,
        formal / chars,
        0.0 if text.isascii() else (len(text) - len(text.encode("ascii", "ignore"))) / chars,
        math.log1p(stem.count("\n")),
        math.log1p(sentences),
        math.log1p(len(stem) / sentences),
        text.count(",") / number,
        math.log1p(text.count('"') + text.count("“")),
    ]


def _words(stem: str, words: Sequence[str], asked: Sequence[str]) -> list[float]:
    number = max(len(words), 1)
    distinct = len(set(words))

    def share(of: frozenset[str]) -> float:
        return sum(word in of for word in words) / number

    return [
        share(_NEGATIONS),
        float(any(word in _NEGATIONS for word in asked)),
        share(_LOGIC),
        share(_FIRST_PERSON),
        sum(word in _DEGREE for word in asked) / max(len(asked), 1),
        share(_MODAL),
        distinct / number,
        distinct / math.sqrt(number),
        float("?" in stem),
        float("__" in stem),
        float(stem.rstrip()[-1:] not in {"?", ".", "!"}),
        math.log1p(len(_ENUMERATED.findall(stem))),
        float("|" in stem),
        *(float(word in asked) for word in _ASKING),
    ]


def _options(stem: str, asked: Sequence[str], options: Sequence[str]) -> list[float]:
    if not options:
        return [math.nan] * 9
    number = len(options)
    lengths = [len(option) for option in options]
    words = [frozenset(_WORD.findall(option.lower())) or frozenset((option,)) for option in options[:10]]
    pairs = list(combinations(words, 2))
    known = frozenset(asked)
    mean = sum(lengths) / number
    spread = math.sqrt(sum((length - mean) ** 2 for length in lengths) / number)
    return [
        math.log1p(mean),
        math.log1p(max(lengths)),
        spread / (mean + 1.0),
        sum(len(a & b) / len(a | b) for a, b in pairs) / len(pairs),
        sum(any(map(str.isdigit, option)) for option in options) / number,
        sum(option.count(" ") < 2 for option in options) / number,
        math.log1p(mean) - math.log1p(len(stem)),
        float(any("above" in option.lower() or "none of" in option.lower() for option in options)),
        sum(len(each & known) / len(each) for each in words) / len(words),
    ]
