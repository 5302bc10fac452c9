"""What a claim says otherwise than the sentences that come nearest to it: laid beside them word by word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from penstock.guard.grounded.evidence import Array, Evidence, Short, Tokens, Told, denials, word_vectors
from penstock.guard.grounded.lexicon import LIGHT, NUMBER_WORDS, OPPOSITES, STRONG, WEAK
from penstock.guard.grounded.values import Value, agrees, values
from penstock.guard.grounded.words import Word, read, stem_of

_ADJACENT: Final = 4
_COPIED: Final = 0.8
_OTHER_NAME: Final = 0.4
_MOST_REPLACED: Final = 3
_LEAST_TURNED: Final = 4
_MOST_ALONE: Final = 5
"""How many words of a claim are read alone, with as many of the sentences."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A claim, read.  `vectors` has a row for each of `content`."""

    words: tuple[Word, ...]
    content: tuple[Word, ...]
    vectors: Array
    values: tuple[Value, ...]


def state(text: str, begin: int, encoded: Tokens) -> Stated:
    """`begin` is where the claim stands in the text that was encoded."""
    words = tuple(word._replace(begin=word.begin + begin, end=word.end + begin) for word in read(text))
    content = tuple(word for word in words if not word.is_function)
    return Stated(words, content, word_vectors(content, encoded), tuple(values(text)))


class Aligned(NamedTuple):
    pairs: float
    in_order: float
    run: float
    swapped: float
    replaced_far: float
    replaced: float
    name_replaced: float
    replacing: tuple[tuple[int, int, int, int], ...]
    matched: Mapping[int, int]


def align(claim: Stated, evidence: Evidence, told: Sequence[Told], soft: Array) -> Aligned:
    """The claim laid beside the sentences word by word: what follows the same order, and what stands for what."""
    ours = [word.stem for word in claim.content]
    rows = [row for each in told for row in range(each.first, each.last)]
    theirs = [evidence.stems[row] for row in rows]
    content = [word for each in told for word in each.words if not word.is_function]
    kept = run = names = either = 0
    replacing: list[tuple[int, int, int, int]] = []
    matched: dict[int, int] = {}
    furthest = 1.0
    for op, begin, end, start, stop in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if op == "equal":
            kept += end - begin
            matched.update(zip(range(begin, end), range(start, stop), strict=True))
            run = max(run, end - begin)
        elif op == "replace" and max(end - begin, stop - start) <= _MOST_REPLACED:
            replacing.append((begin, end, start, stop))
            near = soft[begin:end][:, rows[start:stop]].max()
            furthest = min(furthest, float(near))
            ours_named = any(claim.content[at].is_name for at in range(begin, end))
            theirs_named = any(word.is_name for word in content[start:stop])
            names += ours_named and theirs_named
            either += ours_named or theirs_named
    places: dict[str, list[int]] = {}
    for at, stem in enumerate(theirs):
        places.setdefault(stem, []).append(at)
    beside = swapped = both = 0
    for one, other in pairwise(ours):
        if one in places and other in places and one != other:
            both += 1
            gaps = [b - a for a in places[one] for b in places[other]]
            beside += any(0 < gap <= _ADJACENT for gap in gaps)
            swapped += all(gap < 0 for gap in gaps)
    count = max(len(ours) - 1, 1)
    return Aligned(
        beside / count,
        kept / len(ours),
        run / len(ours),
        swapped / max(both, 1),
        1.0 - furthest,
        float(len(replacing)),
        float(names if kept < _COPIED * len(ours) else either),
        tuple(replacing),
        matched,
    )


def apart_words(  # noqa: PLR0917 - what was found of the claim, in the order in which it is
    claim: Stated,
    told: Sequence[Told],
    replacing: Sequence[tuple[int, int, int, int]],
    lone: Sequence[int],
    soft: Array,
    short: Short,
) -> tuple[float, float, float, float]:
    """How unlike the words that stand in each other's place are when they stand alone: the most, in all, and on average
    over the claim; and whether all that the sentences do not say stands for something there.

    In a sentence any word that takes another's place has a vector near it; alone, only one that means the same has.
    """
    content = [word for each in told for word in each.words if not word.is_function]
    rows = [row for each in told for row in range(each.first, each.last)]
    found: list[float] = []
    seen: set[int] = set()
    for begin, end, start, stop in replacing:
        mine = [word for word in claim.content[begin:end] if not _is_idle(word)]
        if not mine:
            seen.update(range(begin, end))
            continue
        ours = " ".join(word.lower for word in mine)
        theirs = " ".join(word.lower for word in content[start:stop])
        if seen.isdisjoint(range(begin, end)) and len(found) < _MOST_ALONE:
            found.append(1.0 - float(short.alone(ours) @ short.alone(theirs)))
            seen.update(range(begin, end))
    partnered = len(seen)
    for at in lone:
        if at in seen or len(found) >= _MOST_ALONE or _is_idle(claim.content[at]):
            continue
        partner = content[int(np.argmax(soft[at, rows]))]
        found.append(1.0 - float(short.alone(claim.content[at].lower) @ short.alone(partner.lower)))
    if not found:
        return 0.0, 0.0, 0.0, 0.0
    return max(found), float(sum(found)), float(sum(found)) / len(claim.content), partnered / max(len(lone), 1)


def _is_idle(word: Word) -> bool:
    return word.lower in LIGHT or word.is_number or word.lower in NUMBER_WORDS


class SaidValues(NamedTuple):
    absent: float
    elsewhere: float
    other: float
    words: tuple[str, ...]
    absent_words: tuple[str, ...]


def compare_values(claim: Stated, told: Sequence[Told], evidence: Evidence) -> SaidValues:
    here = [value for each in told for value in each.values]
    everywhere = [value for each in evidence.told for value in each.values]
    absent: list[Value] = []
    elsewhere: list[Value] = []
    for value in claim.values:
        if any(agrees(value, each) for each in here):
            continue
        (elsewhere if any(agrees(value, each) for each in everywhere) else absent).append(value)
    unsaid = [value for value in here if not any(agrees(value, each) for each in claim.values)]
    other = [value for value in (*absent, *elsewhere) if any(_rivals(value, each) for each in unsaid)]
    return SaidValues(
        float(len(absent)),
        float(len(elsewhere)),
        float(len(other)),
        tuple(f"{value.amount:g} {value.unit}".strip() for value in other),
        tuple(f"{value.amount:g} {value.unit}".strip() for value in absent),
    )


def _rivals(value: Value, other: Value) -> bool:
    is_alike = value.unit == other.unit or not value.unit or not other.unit or value.amount == other.amount
    return value.kind == other.kind and is_alike


_OPPOSED: Final[dict[str, frozenset[str]]] = {
    stem_of(one): frozenset(stem_of(right) for left, right in OPPOSITES if stem_of(left) == stem_of(one))
    for one, _ in OPPOSITES
}


class Contrary(NamedTuple):
    denied_here: tuple[str, ...]
    denied_there: tuple[str, ...]
    opposite: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.denied_here, *self.denied_there, *self.opposite)


def find_contrary(claim: Stated, told: Sequence[Told], lone: Sequence[int], matched: Mapping[int, int]) -> Contrary:
    """What the claim denies and the sentences do not, what they deny and it does not, and opposites."""
    lowers = {word.lower for each in told for word in each.words}
    stems = {word.stem for each in told for word in each.words}
    mine = {word.stem for word in claim.words}
    ours = denials(claim.words)
    heads: list[tuple[int, ...]] = []
    reached: set[int] = set()
    offset = 0
    for each in told:
        heads += [tuple(offset + place for place in head) for head in each.denial.heads]
        reached.update(offset + place for place in each.denial.reached)
        offset += each.last - each.first
    back = {theirs: mine_at for mine_at, theirs in matched.items()}
    here = [
        claim.content[place].lower
        for head in ours.heads
        for place in [next((each for each in head if each in matched), None)]
        if place is not None and matched[place] not in reached
    ]
    there = [
        claim.content[back[place]].lower
        for head in heads
        for place in [next((each for each in head if each in back), None)]
        if place is not None and back[place] not in ours.reached
    ]
    opposite = [
        word.lower
        for word in claim.words
        if word.stem not in stems and any(each in stems and each not in mine for each in _OPPOSED.get(word.stem, ()))
    ]
    prefixed = [
        claim.content[at].lower for at in lone if any(_is_turned(claim.content[at].lower, each) for each in lowers)
    ]
    return Contrary(tuple(here), tuple(there), (*opposite, *prefixed))


def _is_turned(one: str, other: str) -> bool:
    """Whether one is the other with `un`, `in`, `non` and the like before it."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _LEAST_TURNED and long != short and long.endswith(short) and long[: -len(short)] in _TURNING


_TURNING: Final = frozenset({"un", "in", "im", "ir", "il", "non", "dis", "de", "mis", "anti"})


def strengths(claim: Stated, told: Sequence[Told]) -> tuple[float, float, float]:
    """How many words of the claim say `must` or `may` that the sentences do not; whether one is for the other."""
    ours = {word.lower for word in claim.words}
    theirs = {word.lower for each in told for word in each.words}
    stronger = len((ours & STRONG) - theirs)
    return float(stronger), float(len((ours & WEAK) - theirs)), float(min(stronger, len((theirs & WEAK) - ours)))


def stronger_words(claim: Stated, told: Sequence[Told]) -> tuple[str, ...]:
    """What the claim says more strictly than the sentences do."""
    theirs = {word.lower for each in told for word in each.words}
    return tuple(word.text for word in claim.words if word.lower in STRONG and word.lower not in theirs)


def differing(
    said: SaidValues, contrary: Contrary, aligned: Aligned, strength: tuple[float, float, float], apart: float
) -> tuple[str, ...]:
    """What of a claim that nearly copies a sentence differs from it in a way that makes it another statement."""
    found = {
        "misplaced": bool(said.elsewhere),
        "name": bool(aligned.name_replaced) and apart > _OTHER_NAME,
        "negation": bool(contrary.denied_here or contrary.denied_there),
        "opposite": bool(contrary.opposite),
        "strength": bool(strength[2]),
    }
    return tuple(name for name, is_so in found.items() if is_so)
