"""Which words stand in each other's place, where two texts are otherwise the same sentence: `the height of the …`.

In real traffic such a sentence is mostly a template that is asked with this and with that, seldom a paraphrase.  No
table can hold the words that it is asked with; so their places are found by what stands around them, and `verify` asks
how near their vectors are.  A phrase before or behind the sentence (`Hi team`, `Kind regards`) is none of it.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from penstock.cache.semantic.word import Word
from penstock.cache.semantic.words import DIRECTIONS, NOUN_PHRASE_STARTS, PRONOUNS

_MOST_SLOTS: Final = 2
_MOST_SMALL: Final = 2
_CONTENT: Final = frozenset({"content", "name", "unit", "date"})
_DETERMINERS: Final = NOUN_PHRASE_STARTS - PRONOUNS
_BEFORE_NOUNS: Final = _DETERMINERS | DIRECTIONS - {"to"} | {"of", "in", "on", "at", "about", "near"}


class Slot(NamedTuple):
    """Where a word of each stands for the other's, among all words of its text.

    `is_nominal` says that an article or a preposition leads it in, as one does a noun or what stands before one.
    """

    left: int
    right: int
    is_nominal: bool


def slots(left: Sequence[Word], right: Sequence[Word]) -> tuple[Slot, ...]:
    """Empty where they are no two fillings of one sentence: where more differs, or not most is the same."""
    ours, theirs = [word.stem for word in left], [word.stem for word in right]
    found: list[Slot] = []
    kept = small = 0
    mine, yours = len(ours), len(theirs)
    for op, begin, end, start, stop in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if op == "equal":
            kept += end - begin
            continue
        one, other = list(range(begin, end)), list(range(start, stop))
        is_led, is_followed = begin > 0 and start > 0, end < len(ours) and stop < len(theirs)
        if one and other:
            at = next(_facing(left, one, right, other, is_led=is_led, is_followed=is_followed), None)
            if at is not None:
                found.append(_slot(left, right, one.pop(at), other.pop(at)))
        said, told = _telling(left, one), _telling(right, other)
        is_inside = is_led and is_followed
        if (said or told) if is_inside else (said and told):
            return ()
        if is_inside:
            small += len(one) + len(other)
        else:
            mine -= _set_off(left, one, is_led=is_led)
            yours -= _set_off(right, other, is_led=is_led)
    is_template = small <= _MOST_SMALL and 2 * kept > max(mine, yours)
    pairs: dict[tuple[str, str], Slot] = {}
    for slot in found:
        pair = ours[slot.left], theirs[slot.right]
        if pair not in pairs or slot.is_nominal:
            pairs[pair] = slot  # `the river …, and which river`: one thing, named twice
    return tuple(pairs.values()) if is_template and len(pairs) <= _MOST_SLOTS else ()


def _set_off(words: Sequence[Word], places: Sequence[int], *, is_led: bool) -> int:
    """How many words a comma or the like parts from the sentence that they stand before or, if it leads, behind."""
    gaps = [at for at in places if at and words[at].begin - words[at - 1].end > 1]
    if is_led:
        return places[-1] + 1 - gaps[0] if gaps else 0
    behind = words[places[-1] + 1 : places[-1] + 2] if places else ()
    if behind and behind[0].begin - words[places[-1]].end > 1:
        return len(places)
    return gaps[-1] - places[0] if gaps else 0


def _facing(
    left: Sequence[Word],
    one: Sequence[int],
    right: Sequence[Word],
    other: Sequence[int],
    *,
    is_led: bool,
    is_followed: bool,
) -> Iterator[int]:
    """Where in both a word of content stands right behind, or else right before, what is the same."""
    for at, is_there in ((0, is_led), (-1, is_followed)):
        if is_there and left[one[at]].kind in _CONTENT and right[other[at]].kind in _CONTENT:
            yield at


def _slot(left: Sequence[Word], right: Sequence[Word], one: int, other: int) -> Slot:
    before = left[one - 1].stem if one and other and left[one - 1].stem == right[other - 1].stem else ""
    return Slot(one, other, before in _BEFORE_NOUNS and not (_leads(left, one) or _leads(right, other)))


def _leads(words: Sequence[Word], at: int) -> bool:
    """`by combining the parts` is no noun."""
    following = words[at + 1 : at + 2]
    return any(word.stem in NOUN_PHRASE_STARTS and word.begin - words[at].end == 1 for word in following)


def _telling(words: Sequence[Word], places: Sequence[int]) -> bool:
    return any(words[at].kind != "function" for at in places)
