"""What parts two texts that are put in the same words, or all but one: there the small words decide.

Two paraphrases have other words of content, and which small words go with those says little.  Where the words of
content are the same, each small word that is not is the difference between the two.  A part of `agreement`, which calls
it last.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import Final, Literal

from penstock.cache.semantic.reading import Reading, Word, stem_of
from penstock.cache.semantic.words import (
    AT_LEAST,
    AT_MOST,
    AUXILIARIES,
    LINKS,
    NOUN_PHRASE_STARTS,
    OPPOSED,
    OPPOSITES,
    OWNERS,
    POLITE,
    QUANTIFIERS,
    SUBORDINATING,
    WHICH,
)

Difference = Literal["opposite", "negation", "condition", "number", "mode"]


def _stemmed(pairs: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset(pair for left, right in pairs for pair in product((left, stem_of(left)), (right, stem_of(right))))


OPPOSITE_STEMS: Final = _stemmed(OPPOSITES)
_OPPOSED_STEMS: Final = _stemmed(OPPOSED)
_MOST_APART: Final = 4
_MOST_REPLACED: Final = 1
_FEW_SAID: Final = 2
_MOST_SAID: Final = 5
_LONGEST_SUBJECT: Final = 3
_CONTENT: Final = frozenset({"content", "name"})
_TELLING: Final = frozenset({"negation", "number"})
_OTHER: Final = frozenset({"other", stem_of("other"), "2"})
_EQUATED: Final = 2


def parted(left: Reading, right: Reading) -> Difference | None:
    """What the small words of two texts differ in; None where their other words differ too much to tell."""
    if not is_near(left, right):
        return None
    ours, theirs = _stems(core(left, right)), _stems(core(right, left))
    more, less = ours - theirs, theirs - ours
    pairs = _OPPOSED_STEMS if _is_same_order(left, right) else OPPOSITE_STEMS
    if any((one, other) in pairs for one in more for other in less) or _is_other_degree(more, less):
        return "opposite"
    if _counts(more, less) or _alternates(left) != _alternates(right) or _bounds_apart(left, right):
        return "number"
    if _class_apart(more, less, OWNERS) or _class_apart(more, less, WHICH):
        return "opposite"
    if _class_apart(more, less, LINKS) or turning(left, right) == "inverted":
        return "condition"
    return None if _denied_agree(left, right) else "negation"


def turning(left: Reading, right: Reading) -> Literal["turned", "inverted"] | None:
    """Of two texts with the same words, whose two halves changed places: whether the conjunction went with its own.

    `When A, B` and `B when A` say the same, `if A, then B` and `if B, then A` do not.
    """
    ours, theirs = _told(core(left, right)), _told(core(right, left))
    if sorted(ours) != sorted(theirs) or ours == theirs:
        return None
    begin = next(at for at, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
    end = len(ours)
    while ours[end - 1] == theirs[end - 1]:
        end -= 1
    mine, yours = ours[begin:end], theirs[begin:end]
    if not any(mine[at:] + mine[:at] == yours for at in range(1, len(mine))):
        return None
    led, leading = _led(left), _led(right)
    for conjunction, word in led.items():
        other = leading.get(conjunction)
        if other is None or word not in mine or other not in mine:
            continue
        if word == other:
            return "turned"
        if {word, other} == {mine[0], yours[0]}:
            return "inverted"
    return None


def core(of: Reading, other: Reading) -> tuple[Word, ...]:
    """The text without a phrase before or behind it of which the other has nothing: `sorry to bother you`."""
    words = of.words
    shared = [at for at, word in enumerate(words) if word.kind != "function" and word.stem in other.stems]
    if not shared:
        return words
    begin = 0
    for at in range(1, shared[0] + 1):
        if words[at].begin - words[at - 1].end > 1:
            begin = at
    kinds = {word.kind for word in words[shared[-1] + 1 :]}
    is_phrase = not kinds.isdisjoint(_CONTENT) and kinds.isdisjoint(_TELLING)
    return words[begin : shared[-1] + 1 if is_phrase else len(words)]


def _stems(words: Sequence[Word]) -> Counter[str]:
    return Counter(word.stem for word in words)


def _told(words: Sequence[Word]) -> list[str]:
    return [word.stem for word in words if word.kind != "function"]


def is_near(left: Reading, right: Reading) -> bool:
    """Whether they are put in the same words but for one, or a phrase that only one of them has."""
    words, others = core(left, right), core(right, left)
    ours, theirs = _content_alone(words, others), _content_alone(others, words)
    if ours + theirs > _MOST_APART or min(ours, theirs) > _MOST_REPLACED:
        return False
    more, less = _stems(words) - _stems(others), _stems(others) - _stems(words)
    said = [sum(count for stem, count in each.items() if stem not in POLITE) for each in (more, less)]
    return min(said) <= _FEW_SAID and sum(said) <= _MOST_SAID


def _content_alone(words: Sequence[Word], others: Sequence[Word]) -> int:
    """How many words of content are there more often than in the others."""
    left = [word.stem for word in others if word.kind in _CONTENT]
    alone = 0
    for word in words:
        if word.kind in _CONTENT:
            if word.stem in left:
                left.remove(word.stem)
            else:
                alone += 1
    return alone


def _is_same_order(left: Reading, right: Reading) -> bool:
    ours, theirs = _told(left.words), _told(right.words)
    return [stem for stem in ours if stem in right.stems] == [stem for stem in theirs if stem in left.stems]


def _is_other_degree(more: Counter[str], less: Counter[str]) -> bool:
    """`as heavy as` against `heavier than`."""
    return any(one["than"] and other["as"] >= _EQUATED for one, other in ((more, less), (less, more)))


def _counts(more: Counter[str], less: Counter[str]) -> bool:
    """`each` against `one`, and one `all` of two against `some`."""
    ours, theirs = ({QUANTIFIERS[stem] for stem in each if stem in QUANTIFIERS} for each in (more, less))
    if ours - theirs and theirs - ours:
        return True
    return bool((ours and less["1"]) or (theirs and more["1"]))


def _alternates(reading: Reading) -> bool:
    """`every other hour`."""
    stems = [word.stem for word in reading.words]
    return any(before == "every" and stem in _OTHER for before, stem in pairwise(stems))


def _bounds_apart(left: Reading, right: Reading) -> bool:
    """`up to 5` against `from 5`, `two weeks ago` against `in two weeks`."""
    ours, theirs = _bounds(left), _bounds(right)
    gone, past = ({number for number, bound in each.items() if bound == "ago"} for each in (ours, theirs))
    return gone != past or any(bound != theirs.get(number, bound) for number, bound in ours.items())


def _bounds(reading: Reading) -> dict[str, str]:
    found: dict[str, str] = {}
    words = reading.words
    for at, word in enumerate(words):
        if word.kind != "number":
            continue
        before = words[at - 1].stem if at else ""
        wide = f"{words[at - 2].stem} {before}" if at > 1 else before
        if at + 2 < len(words) and words[at + 2].stem == "ago":
            found[word.stem] = "ago"
            continue
        is_range = at + 1 < len(words) and words[at + 1].stem in {"to", "and"}
        if wide in AT_MOST or before in AT_MOST:
            found[word.stem] = "most"
        elif (wide in AT_LEAST or before in AT_LEAST) and not is_range:
            found[word.stem] = "least"
    return found


def _class_apart(more: Counter[str], less: Counter[str], classes: Mapping[str, str]) -> bool:
    ours, theirs = ({classes[stem] for stem in each if stem in classes} for each in (more, less))
    return bool(ours - theirs and theirs - ours)


def _led(reading: Reading) -> dict[str, str]:
    """The first word of content behind each conjunction."""
    found: dict[str, str] = {}
    last = ""
    for word in reading.words:
        if word.stem in SUBORDINATING:
            last = word.stem
        elif last and word.kind != "function":
            found.setdefault(last, word.stem)
            last = ""
    return found


def _denied_agree(left: Reading, right: Reading) -> bool:
    """Whether no word of both is denied in one alone: `not say that they count`, `say that they do not count`."""
    ours, theirs = _denied(left), _denied(right)
    if not ours or not theirs:
        return True
    if any(each & their for each in ours for their in theirs):
        return True
    is_ours, is_theirs = all(each <= right.stems for each in ours), all(each <= left.stems for each in theirs)
    return not ((is_ours and (is_theirs or left.stems <= right.stems)) or (is_theirs and right.stems <= left.stems))


def _denied(reading: Reading) -> list[set[str]]:
    """What each negation stands before: the next word; behind `isn't my card` all that may be the subject too."""
    found: list[set[str]] = []
    words = reading.words
    for at, word in enumerate(words):
        if word.kind != "negation" or word.stem == "no":
            continue
        following = words[at + 1 :]
        inside = [each.stem for each in following if each.kind in _CONTENT]
        if inside:
            found.append(set(inside[: _LONGEST_SUBJECT if _is_inverted(word, following) else 1]))
    return found


def _is_inverted(word: Word, following: tuple[Word, ...]) -> bool:
    is_joined = word.stem.endswith("n't") or word.stem.removesuffix("t") in AUXILIARIES
    return is_joined and bool(following) and following[0].stem in NOUN_PHRASE_STARTS
