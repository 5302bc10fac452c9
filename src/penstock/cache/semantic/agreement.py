"""Whether two questions agree in what their vectors do not show.  `verify` asks this of every candidate.

Two sentences that differ in one number, name, direction or `not` lie closer together than two that say the same in
other words; so a difference of that kind is looked for by itself, and one is enough.
"""

from collections import Counter
from typing import Final, Literal

from penstock.cache.semantic.reading import Reading, Word
from penstock.cache.semantic.same_words import OPPOSITE_STEMS, core, is_near, parted, turning
from penstock.cache.semantic.words import (
    DIRECTIONS,
    FUNCTION,
    NEGATING_PREFIXES,
    OPPOSITES,
    POLITE,
    QUANTIFIERS,
    STRICT_QUANTIFIERS,
    SYMMETRIC,
)

Disagreement = Literal[
    "number",
    "unit",
    "date",
    "name",
    "negation",
    "opposite",
    "mode",
    "direction",
    "roles",
    "condition",
    "question",
    "words",
]

_SOFT_QUESTIONS: Final = frozenset({"", "what", "which"})
"""They ask for nothing of a kind by themselves: any question can be put with them."""
_APART: Final = frozenset(
    frozenset(pair.split("/"))
    for pair in ("will/was", "will/has", "will/you did", "you/you did", "must/may", "must/you")
)
"""Which modes one cannot be in the place of the other."""
_FEW_WORDS_APART: Final = 2
_FEW_STEMS_APART: Final = 6
_LONGEST_INITIALS: Final = 5
_LEAST_INFLECTED: Final = 6
_LONGEST_ENDING: Final = 2
_LEAST_STEM: Final = 3
_LEAST_HALVES: Final = 5
_SHORT_WORDS: Final = 4
_CLOSE: Final = 0.8
_LONG_WORDS: Final = 10
_REWORDED_WORDS: Final = 4
_REWORDED_EACH: Final = 2
"""A text with a phrase more is not put in other words."""


def disagreement(left: Reading, right: Reading, similarity: float = 0.0) -> Disagreement | None:
    """What they disagree in, or None.

    In two long texts that are put in quite other words, and close all the same, a number, name or `not` that only one
    of them has is a way to say it (`not mandatory`, `optional`): a twin has the same words but for one.
    """
    is_loose = is_reworded(left, right, similarity)
    if not _numbers_agree(left, right, is_loose=is_loose):
        return "number"
    if (left.units - right.units and right.units - left.units) or not (is_loose or _counted_agree(left, right)):
        return "unit"
    if left.dates != right.dates:
        return "date"
    ours, theirs = _names_apart(left, right), _names_apart(right, left)
    if (ours and theirs) or ((ours or theirs) and not is_loose):
        return "name"
    if not is_loose and not _negations_agree(left, right):
        return "negation"
    if not is_loose and (_is_opposed(left, right) or _counts_apart(left, right)):
        return "opposite"
    if not _questions_agree(left.asks, right.asks):
        return "question"
    if not is_loose and not _modes_agree(left, right):
        return "mode"
    if not is_loose and _is_inverted(left, right):
        return "condition"
    if (why := parted(left, right)) is not None:
        return why
    return _order(left, right)


def is_reworded(left: Reading, right: Reading, similarity: float) -> bool:
    """Whether two long texts that lie close are put in quite other words."""
    if similarity < _CLOSE or min(len(left.words), len(right.words)) < _LONG_WORDS:
        return False
    ours, theirs = _alone(left, right), _alone(right, left)
    is_other = len(ours) + len(theirs) >= _REWORDED_WORDS and min(len(ours), len(theirs)) >= _REWORDED_EACH
    return is_other and not is_near(left, right)


def unmatched(left: Reading, right: Reading) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The words of each that carry meaning and that the other has in no form."""
    return _alone(left, right), _alone(right, left)


def _alone(of: Reading, other: Reading) -> tuple[Word, ...]:
    return tuple(word for word in of.words if word.kind in {"content", "name"} and not _has(other, word.stem))


def _has(reading: Reading, stem: str) -> bool:
    return stem in reading.stems


def _numbers_agree(left: Reading, right: Reading, *, is_loose: bool) -> bool:
    ours, theirs = Counter(value for value, _ in left.quantities), Counter(value for value, _ in right.quantities)
    if ours != theirs:
        # `a month` and `one month` are the same.
        only_ours, only_theirs = ours - theirs, theirs - ours
        if (only_ours and only_theirs) or (set(only_ours | only_theirs) != {1.0} and not is_loose):
            return False
    mine, yours = dict(left.quantities), dict(right.quantities)
    for value, counted in mine.items():
        other = yours.get(value)
        if other is None or other == counted or not counted or not other:
            continue
        # `2 adults and 3 children` against `3 adults and 2 children`
        if any(what == counted and number != value for number, what in right.quantities):
            return False
    return True


def _counted_agree(left: Reading, right: Reading) -> bool:
    """Whether a unit is there on both sides beside the same number: `3 nautical miles` against `3 miles`."""
    mine, yours = dict(left.quantities), dict(right.quantities)
    units = left.units | right.units
    for value, counted in mine.items():
        other = yours.get(value, "")
        is_unit = counted in units or other in units
        if is_unit and counted != other and counted and other and not (_has(left, other) and _has(right, counted)):
            return False
    return True


def _negations_agree(left: Reading, right: Reading) -> bool:
    if left.negations != right.negations:
        return False
    return left.focus == right.focus


def _modes_agree(left: Reading, right: Reading) -> bool:
    """Whether none says what must be of what only may be, or what was of what will be."""
    mine, yours = Counter(left.modes), Counter(right.modes)
    ours, theirs = (mine - yours).keys(), (yours - mine).keys()
    apart = {frozenset((one, other)) for one in ours for other in theirs}
    return apart.isdisjoint(_APART)


def _is_inverted(left: Reading, right: Reading) -> bool:
    """Whether what depends in one is what the other makes depend on it: `if A, then B` against `if B, then A`."""
    if not left.dependent or not right.dependent:
        return False
    return _turns(left, right) and _turns(right, left)


def _turns(of: Reading, other: Reading) -> bool:
    own, common = of.dependent - other.dependent, of.dependent & other.dependent
    if not own or 2 * len(own) < len(common):
        return False
    return sum(_has(other, stem) for stem in own) * 3 >= 2 * len(own)


def _names_apart(of: Reading, other: Reading) -> bool:
    return any(not _has(other, name) and not _is_spelt_otherwise(name, other) for name in of.names)


def _is_spelt_otherwise(name: str, other: Reading) -> bool:
    """`JS` is JavaScript, `ML` is machine learning, `Huggingface` is Hugging Face, `Pythonic` is of Python."""
    stems = [word.stem for word in other.words]
    if name.isalpha() and any(_is_inflected(name, each) for each in stems):
        return True
    for at, stem in enumerate(stems):
        if name == stem + (stems[at + 1] if at + 1 < len(stems) else "") or stem.replace("-", "") == name:
            return True
    initials = "".join(stem[0] for stem in stems)
    return 2 <= len(name) <= _LONGEST_INITIALS and name in initials


def _is_inflected(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= _LEAST_INFLECTED and len(long) - len(short) <= _LONGEST_ENDING and long.startswith(short)


def _is_opposed(left: Reading, right: Reading) -> bool:
    ours, theirs = left.stems - right.stems, right.stems - left.stems
    if not ours or not theirs:
        return False
    if any(_is_turned(one, other) for one in ours for other in theirs):
        return True
    is_close = len(ours) + len(theirs) <= _FEW_STEMS_APART
    return any(
        (one, other) in OPPOSITE_STEMS and (is_close or not (one in FUNCTION or other in FUNCTION))
        for one in ours
        for other in theirs
    )


def _is_turned(one: str, other: str) -> bool:
    """`pin` and `unpin`."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _LEAST_STEM and any(long == prefix + short for prefix in NEGATING_PREFIXES)


def _counts_apart(left: Reading, right: Reading) -> bool:
    """`most of` against `few of`; `only` against nothing."""
    ours, theirs = ({QUANTIFIERS[stem] for stem in each.stems if stem in QUANTIFIERS} for each in (left, right))
    if ours == theirs:
        return False
    return bool(ours - theirs and theirs - ours) or not STRICT_QUANTIFIERS.isdisjoint(ours ^ theirs)


def _questions_agree(ours: str, theirs: str) -> bool:
    return ours == theirs or ours in _SOFT_QUESTIONS or theirs in _SOFT_QUESTIONS


def _order(left: Reading, right: Reading) -> Disagreement | None:
    """Whether what both name stands in the same relation: `A pays B` against `B pays A`."""
    ours, theirs = _bound(left), _bound(right)
    for word, preposition in ours.items():
        other = theirs.get(word)
        if other is None or other == preposition:
            continue
        if (preposition, other) in OPPOSITES and any(
            theirs.get(each) == preposition for each, its in ours.items() if its == other
        ):
            return "direction"
    return "roles" if _is_exchanged(left, right) else None


def _bound(reading: Reading) -> dict[str, str]:
    """Content words with the preposition right before them, perhaps with an article between."""
    found: dict[str, str] = {}
    last = ""
    for word in reading.words:
        if word.kind == "function" and word.stem in DIRECTIONS:
            last = word.stem
        elif word.kind in {"content", "name", "unit", "date", "number"} and last:
            found.setdefault(word.stem, last)
            last = ""
    return found


def _is_exchanged(left: Reading, right: Reading) -> bool:
    """Whether two words changed places around something that does not allow it, in otherwise the same words."""
    ours = [word.stem for word in left.words]
    theirs = [word.stem for word in right.words]
    if ours == theirs or ("by" in ours) != ("by" in theirs):
        return False
    said = [
        Counter(word.stem for word in core(one, other) if word.stem not in POLITE)
        for one, other in ((left, right), (right, left))
    ]
    apart = sum(((said[0] - said[1]) + (said[1] - said[0])).values())
    is_short = min(sum(word.kind != "function" for word in each.words) for each in (left, right)) <= _SHORT_WORDS
    if apart > _FEW_WORDS_APART and not (
        is_short and len(_alone(left, right)) + len(_alone(right, left)) <= _FEW_WORDS_APART
    ):
        return False
    content = [word.stem for word in left.words if word.kind != "function"]
    place = {stem: at for at, stem in enumerate(theirs)}
    first = {stem: at for at, stem in enumerate(ours)}
    shared = [stem for stem in content if stem in place and content.count(stem) == 1]
    if turning(left, right) == "turned" or _is_rotated(shared, sorted(shared, key=lambda stem: place[stem])):
        return False
    for at, a in enumerate(shared):
        for b in shared[at + 1 :]:
            if place[a] > place[b]:
                between = set(ours[first[a] + 1 : first[b]]) & set(theirs[place[b] + 1 : place[a]])
                if any(word not in SYMMETRIC and (word in content or word in DIRECTIONS) for word in between):
                    return True
    return False


def _is_rotated(ours: list[str], theirs: list[str]) -> bool:
    """Whether one half of the sentence stands before the other in place of behind it: `When A, B` and `B when A`."""
    if len(ours) != len(theirs) or len(ours) < _LEAST_HALVES:
        return False
    return any(ours[at:] + ours[:at] == theirs for at in range(1, len(ours)))
