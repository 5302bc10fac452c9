# ruff: noqa: SIM905 - tables of words read best as lines of words
"""What a text says beside its topic: quantities, dates, names, negations, what is asked, and in which order.

A pure function of the text, made once for a question and kept with it.  English decides most of it; in other languages
numbers, names and identifiers still count, and the words in their order.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from penstock.cache.semantic import clauses
from penstock.cache.semantic.word import Word
from penstock.cache.semantic.words import (
    AMBIGUOUS_DATES,
    ANAPHORS,
    AUXILIARIES,
    CONTINUATIONS,
    DATES,
    EXCEPTING,
    FUNCTION,
    JOINING,
    MULTIPLIERS,
    NEGATIONS,
    NOUN_PHRASE_STARTS,
    NUMBERS,
    QUANTIFIERS,
    QUESTIONS,
    UNITS,
)

_WORD: Final = re.compile(
    r"\d+(?:-\d+){2}|\d+(?:[.,:/]\d+)*|v\d+(?:\.\d+)+|[^\W\d_]\w*(?:['\u2019]\w+)*|_\w+|[$€£¥₹%<>=≥≤]|°[cCfF]|[.!?:;\n]"
)
_STOPS: Final = frozenset(".!?:;\n")
_MONEY: Final = frozenset("$€£¥₹")
_LONGEST_CHARS: Final = 4_000
"""A question longer than this is not compared: it is a document."""
_MOST_WORDS_OF_A_FOLLOW_UP: Final = 3
_LEAST_STEM: Final = 3
_SUBJECT_AND_VERB: Final = 2
_LINKS: Final = frozenset({"are", "were"})
_UNKNOWING: Final = frozenset({"know", "understand", "sure"})
_UNKNOWN: Final = frozenset({"not", "don't", "dont", "didn't", "can't", "couldn't"})
_SELF: Final = frozenset({"i", "we", "i'm", "im", "we're"})
_LETTERS_THAT_ARE_WORDS: Final = frozenset("aio")
_SMALL_IN_TITLES: Final = frozenset("a an the of in on to and or for at by with from as is vs s t".split())


@dataclass(frozen=True, slots=True)
class Reading:
    """See the module.  Sets hold stems, `quantities` the values of numbers in their order with what each counts.

    `focus` says what its negations stand right before, `modes` whether it obliges or permits and is past or to
    come, and `dependent` what stands in a clause with `if`, `because` and the like.
    """

    words: tuple[Word, ...]
    stems: frozenset[str]
    quantities: tuple[tuple[float, str], ...]
    units: frozenset[str]
    dates: frozenset[str]
    names: frozenset[str]
    negations: int
    focus: frozenset[str]
    modes: tuple[str, ...]
    dependent: frozenset[str]
    asks: str
    stands_alone: bool


def read(text: str) -> Reading | None:
    """None for a text without words, or one that is no question but a document."""
    if len(text) > _LONGEST_CHARS:
        return None
    tokens = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    words = _words(tokens)
    if not words:
        return None
    plain = [word.stem for word in words]
    lower = [token.lower().replace("\u2019", "'") for token, _, _ in tokens]
    return Reading(
        words=tuple(words),
        stems=frozenset(plain),
        quantities=_quantities(words),
        units=frozenset(word.stem for word in words if word.kind == "unit") | _rates(words),
        dates=frozenset(word.stem for word in words if word.kind == "date"),
        names=frozenset(word.stem for word in words if word.kind == "name"),
        negations=_negations(tokens, text),
        focus=clauses.focus(lower),
        modes=clauses.modes(lower),
        dependent=clauses.dependent(words, text),
        asks=_asks(tokens),
        stands_alone=_stands_alone([token for token in lower if token not in _STOPS]),
    )


def _words(tokens: list[tuple[str, int, int]]) -> list[Word]:
    tells_names = _tells_names(tokens)
    words: list[Word] = []
    starts = True
    for at, (token, begin, end) in enumerate(tokens):
        if token in _STOPS:
            starts = not token.startswith(":")
            continue
        lower = token.lower().replace("\u2019", "'")
        before = tokens[at - 1][0] if at else ""
        if lower == "all" and _is_idle(tokens, at):
            continue  # `they are all blocked` says no more than `they are blocked`
        follows_number = bool(before) and (before[0].isdigit() or before.lower() in NUMBERS)
        is_capital = token[0].isupper() and (tells_names and not starts)
        kind, stem = _kind(token, lower, is_capital=is_capital, follows_number=follows_number)
        words.append(Word(stem, kind, begin, end))
        starts = False
    return words


def _is_idle(tokens: list[tuple[str, int, int]], at: int) -> bool:
    """Whether this `all` only stands behind its subject."""
    before = [token.lower() for token, _, _ in tokens[max(0, at - 2) : at]]
    following = tokens[at + 1][0].lower() if at + 1 < len(tokens) else ""
    return (
        len(before) == _SUBJECT_AND_VERB
        and before[1] in _LINKS
        and before[0] not in _STOPS | QUESTIONS
        and following not in NOUN_PHRASE_STARTS | {"of"}
    )


def _kind(token: str, lower: str, *, is_capital: bool, follows_number: bool) -> tuple[str, str]:
    if token[0].isdigit():
        return "number", _number(lower)
    if lower[0] == "v" and lower[1:2].isdigit():
        return "number", _number(lower[1:])
    bare = lower.removesuffix("'s")
    if lower in _MONEY:
        return "unit", UNITS[lower]
    if follows_number and lower in MULTIPLIERS:
        return "number", f"x{MULTIPLIERS[lower]:g}"
    if bare in DATES and (bare not in AMBIGUOUS_DATES or is_capital or (follows_number and bare == "am")):
        return "date", DATES[bare]
    if lower in UNITS and not (is_capital and token[1:].islower()):
        return "unit", UNITS[lower]
    if lower in NUMBERS:
        return "number", f"{NUMBERS[lower]:g}"
    bare = lower.removesuffix("'s")
    if lower in NEGATIONS or lower.endswith("n't"):
        return "negation", lower
    is_code = any(not letter.isalpha() for letter in bare.replace("'", "")) or not (
        token.islower() or token[1:].islower() or len(token) == 1
    )
    if is_code:
        return "name", stem_of(bare) if bare.isalpha() else bare
    if lower in QUANTIFIERS:
        return "function", lower
    if is_capital and len(bare) == 1 and bare not in _LETTERS_THAT_ARE_WORDS:
        return "name", bare  # `Model S`
    if lower in FUNCTION or bare in FUNCTION or "'" in bare or len(bare) == 1:
        return "function", lower
    return ("name" if is_capital else "content"), lower if lower in JOINING else stem_of(bare)


def _tells_names(tokens: list[tuple[str, int, int]]) -> bool:
    """Whether capital letters mean anything here: not where every word has one."""
    letters = [token for token, _, _ in tokens if token[0].isalpha()]
    return any(token.islower() and token not in _SMALL_IN_TITLES for token in letters)


def _number(written: str) -> str:
    """One spelling for a number: `1,000.50` is `1000.5`.  Times, versions and the like stay as they are."""
    plain = written.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", written) else written
    try:
        return f"{float(plain):.12g}"
    except ValueError:
        return written


def _quantities(words: list[Word]) -> tuple[tuple[float, str], ...]:
    """Values with what is counted: the next word that is content, a unit or a date."""
    found: list[tuple[float, str]] = []
    for at, word in enumerate(words):
        if word.kind != "number":
            continue
        if word.stem.startswith("x"):
            if found:
                found[-1] = (found[-1][0] * float(word.stem[1:]), found[-1][1])
            continue
        try:
            value = float(word.stem)
        except ValueError:
            # A time or a version: only the same is the same.
            value = float(int.from_bytes(blake2b(word.stem.encode(), digest_size=6).digest()))
        counted = next((each.stem for each in words[at + 1 : at + 4] if each.kind in {"content", "unit", "date"}), "")
        found.append((value, counted))
    return tuple(found)


def _rates(words: list[Word]) -> frozenset[str]:
    """`per person` is another unit than `per room`."""
    return frozenset(
        f"per {word.stem}" for before, word in pairwise(words) if before.stem == "per" and word.kind == "content"
    )


def _negations(tokens: list[tuple[str, int, int]], text: str) -> int:
    """How often something is denied.  A `no` or `not` that answers (`No, …`) denies nothing by itself."""
    total = 0
    for at, (token, _, end) in enumerate(tokens):
        lower = token.lower().replace("\u2019", "'")
        beside = f"{lower} {tokens[at + 1][0].lower()}" if at + 1 < len(tokens) else lower
        if lower not in NEGATIONS and not lower.endswith("n't") and beside not in EXCEPTING:
            continue
        starts = at == 0 or tokens[at - 1][0] in _STOPS
        following = tokens[at + 1][1] if at + 1 < len(tokens) else end
        if lower == "no" and (following > end + 1 if starts else text[end : end + 1] == "-"):
            continue
        own = {each.lower().replace("\u2019", "'") for each, _, _ in tokens[max(0, at - 3) : at]}
        if at + 1 < len(tokens) and tokens[at + 1][0].lower() in _UNKNOWING and lower in _UNKNOWN and own & _SELF:
            continue  # `I don't know how to pay` asks how to pay
        total += 1
    return total


def _asks(tokens: list[tuple[str, int, int]]) -> str:
    """What is asked for: the first word of a question, with `much`, `many`, `long` and the like behind `how`.

    A `when` that begins the sentence and is no question's (`When you were small, where did you live?`) asks nothing.
    """
    lower = [token.lower().split("'")[0] for token, _, _ in tokens]
    found = [at for at, token in enumerate(lower) if token in QUESTIONS]
    if len(found) > 1 and found[0] == 0 and lower[0] == "when" and lower[1] not in AUXILIARIES:
        following = lower[found[1] + 1] if found[1] + 1 < len(lower) else ""
        if lower[found[1]] in {"what", "how", "why"} or following in AUXILIARIES:
            del found[0]
    if not found:
        return ""
    at, asked = found[0], lower[found[0]]
    if asked == "who" and _is_object(lower[at + 1 : at + 3]):
        return "whom"
    following = lower[at + 1] if at + 1 < len(lower) else ""
    degrees = {"much", "many", "long", "often", "far", "old", "big", "large", "tall", "fast"}
    return f"how {following}" if asked == "how" and following in degrees else asked


def _is_object(following: list[str]) -> bool:
    """Whether it is asked to whom something is done: `who did the nurse call` against `who called the nurse`."""
    return len(following) == 2 and following[0] in AUXILIARIES and following[1] in NOUN_PHRASE_STARTS


def _stands_alone(lower: list[str]) -> bool:
    """Whether the text means something without what was said before it."""
    if len(lower) <= _MOST_WORDS_OF_A_FOLLOW_UP or lower[0] in CONTINUATIONS:
        return False
    return ANAPHORS.isdisjoint(lower)


def stem_of(word: str) -> str:
    """The word without its ending, roughly: the same for `transfer`, `transfers`, `transferred`, `transferring`."""
    if len(word) <= _LEAST_STEM or not word.isascii():
        return word
    for ending in (
        "ations",
        "ation",
        "ities",
        "ings",
        "ing",
        "ies",
        "ied",
        "ers",
        "ed",
        "ity",
        "es",
        "ly",
        "er",
        "s",
        "y",
        "e",
    ):
        if not word.endswith(ending) or len(word) - len(ending) < _LEAST_STEM or word.endswith("ss"):
            continue
        word = word[: -len(ending)]
        break
    if len(word) > _LEAST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > _LEAST_STEM else word
