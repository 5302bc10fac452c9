"""What stands in another word's place in a claim that nearly copies a sentence: the two laid side by side with all
their words, those too that only tie others together.

A right answer puts in a word's place what means the same, an invention what does not.  Which it is shows best where
both are read between the words beside them: alone, a word has all its meanings; in the whole sentence, whatever takes
a word's place has a vector near it.
"""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from penstock.guard.grounded.differ import Stated
from penstock.guard.grounded.evidence import Array, Evidence, Short, Told
from penstock.guard.grounded.lexicon import NUMBER_WORDS, PRONOUNS, TYING, UNITS
from penstock.guard.grounded.words import Word

EXCHANGES: Final = (
    "named", "exchanged", "unpartnered", "nowhere", "moved", "crossed", "left_out", "names_put_in", "names_taken_out",
    "units", "tied_otherwise", "tied_more", "tied_less", "unlike", "unlike_all", "unlike_moved", "unlike_tied",
    "unlike_in_place",
)  # fmt: skip
"""`named`: whom a pronoun means is named, which is no exchange.  `crossed`: words that stand in each other's place.

`unlike`: how unlike the words that are exchanged are, at most; `unlike_all` in all; `unlike_moved` where a word that
the sentence has stands in another's place, `unlike_tied` where `may` or `to` does; `unlike_in_place` as the sentences
have them.
"""

_LEAST_PREFIX: Final = 5
_LONGEST: Final = 4
_MOST_NAMING: Final = 2
_ONE: Final = 0.75
"""The share of a claim's words that stand in order in one sentence from which on it is held against that alone."""
_MOST_READ: Final = 3
"""How many exchanges of a claim are read, with one word on either side."""


class Swap(NamedTuple):
    """Where a claim and its sentences differ, by the numbers of their words.  `mine` stand where `others` do.

    Of the words that others do not tie: `new` are those of the claim that its sentences do not have, `moved` those that
    they have elsewhere, `gone` those of the sentences that the claim does not have.
    """

    mine: range
    others: range
    new: tuple[int, ...]
    moved: tuple[int, ...]
    gone: tuple[int, ...]


class Laid(NamedTuple):
    """A claim beside its sentences; `our_keys` and `their_keys` are what words are compared by, `same` how many are."""

    ours: Sequence[Word]
    theirs: Sequence[Word]
    our_keys: Sequence[str]
    their_keys: Sequence[str]
    swaps: tuple[Swap, ...]
    same: int


def _is_naming(laid: Laid, swap: Swap) -> bool:
    """Whether a word or two stand for nothing but a pronoun."""
    return (
        bool(swap.new or swap.moved)
        and len(swap.mine) <= _MOST_NAMING
        and len(swap.others) > 0
        and all(_is_pronoun(laid.theirs[at]) for at in swap.others)
    )


def _is_pronoun(word: Word) -> bool:
    return word.lower in PRONOUNS and (not word.is_name or word.text == "I")


def exchanges(claim: Stated, evidence: Evidence, told: Sequence[Told], soft: Array, short: Short) -> list[float]:
    """In the order of `EXCHANGES`.  `soft` is how near each word of the claim is to each of the evidence."""
    told, laid = _nearest(claim, told)
    if not laid.swaps:
        return [0.0] * len(EXCHANGES)
    found = _counts(laid, set(evidence.stems))
    found |= _tied(laid)
    found |= _unlike(laid, short)
    found["unlike_in_place"] = _unlike_in_place(
        laid, [row for each in told for row in range(each.first, each.last)], soft
    )
    return [found[name] for name in EXCHANGES]


def _nearest(claim: Stated, told: Sequence[Told]) -> tuple[Sequence[Told], Laid]:
    """The claim beside the one of the sentences that it nearly is, if there is one, and else beside all.

    A word of the sentence behind would else hide what was put in its place.
    """
    if len(told) > 1:
        each_laid = [_lay(claim.words, each.words) for each in told]
        most = max(range(len(told)), key=lambda at: each_laid[at].same)
        if each_laid[most].same >= _ONE * len(claim.words):
            return told[most : most + 1], each_laid[most]
    return told, _lay(claim.words, [word for each in told for word in each.words])


def _lay(ours: Sequence[Word], theirs: Sequence[Word]) -> Laid:
    their_keys = [_key(word) for word in theirs]
    there = dict.fromkeys(their_keys)
    our_keys = [_alike(_key(word), there) for word in ours]
    here = set(our_keys)
    swaps: list[Swap] = []
    same = len(ours) if our_keys == their_keys else 0
    if our_keys != their_keys:
        for op, begin, end, start, stop in SequenceMatcher(None, our_keys, their_keys, autojunk=False).get_opcodes():
            if op == "equal":
                same += end - begin
            else:
                mine = [at for at in range(begin, end) if not ours[at].is_function]
                swaps.append(
                    Swap(
                        range(begin, end),
                        range(start, stop),
                        tuple(at for at in mine if our_keys[at] not in there),
                        tuple(at for at in mine if our_keys[at] in there),
                        tuple(
                            at for at in range(start, stop) if not theirs[at].is_function and their_keys[at] not in here
                        ),
                    )
                )
    return Laid(ours, theirs, our_keys, their_keys, tuple(swaps), same)


def _key(word: Word) -> str:
    return word.lower if word.is_function else str(NUMBER_WORDS.get(word.lower, word.stem))


def _alike(key: str, there: Mapping[str, None]) -> str:
    """What begins as one of theirs does for long is taken for the first such."""
    if key in there or len(key) < _LEAST_PREFIX:
        return key
    return next(
        (each for each in there if len(each) >= _LEAST_PREFIX and (each.startswith(key) or key.startswith(each))), key
    )


def _counts(laid: Laid, anywhere: set[str]) -> dict[str, float]:
    found: dict[str, float] = dict.fromkeys(EXCHANGES, 0.0)
    for swap in laid.swaps:
        if _is_naming(laid, swap):
            found["named"] += 1
            continue
        new = [laid.ours[at] for at in swap.new]
        gone = [laid.theirs[at] for at in swap.gone]
        found["exchanged"] += min(len(new), len(gone))
        found["unpartnered"] += max(len(new) - len(gone), 0)
        found["nowhere"] += sum(word.stem not in anywhere for word in new)
        found["moved"] += len(swap.moved)
        found["left_out"] += max(len(gone) - len(new), 0) if swap.mine else 0
        is_named = any(word.is_name for word in new)
        found["names_put_in"] += is_named
        found["names_taken_out"] += bool(new) and not is_named and any(word.is_name for word in gone)
        ours, theirs = ({UNITS.get(word.lower) for word in each} - {None} for each in (new, gone))
        found["units"] += bool(ours and theirs and ours.isdisjoint(theirs))
    found["crossed"] = float(_crossed(laid))
    return found


def _crossed(laid: Laid) -> int:
    """How many exchanges there are that another one turns back."""
    ours = [{laid.our_keys[at] for at in swap.moved} for swap in laid.swaps]
    theirs = [{laid.their_keys[at] for at in swap.others} for swap in laid.swaps]
    count = 0
    for at, mine in enumerate(ours):
        for other, other_mine in enumerate(ours):
            count += at != other and not mine.isdisjoint(theirs[other]) and not other_mine.isdisjoint(theirs[at])
    return count


def _ties(words: Sequence[Word], places: range) -> set[str]:
    return {words[at].lower for at in places} & TYING


def _tied(laid: Laid) -> dict[str, float]:
    otherwise = more = less = 0
    for swap in laid.swaps:
        ours, theirs = _ties(laid.ours, swap.mine), _ties(laid.theirs, swap.others)
        is_more, is_less = bool(ours - theirs), bool(theirs - ours)
        otherwise += is_more and is_less
        more += is_more and not is_less
        less += is_less and not is_more and bool(swap.mine)
    return {"tied_otherwise": float(otherwise), "tied_more": float(more), "tied_less": float(less)}


def _unlike(laid: Laid, short: Short) -> dict[str, float]:
    """The first few exchanges of a word or some, each read between the words beside it."""
    found = {"unlike": 0.0, "unlike_all": 0.0, "unlike_moved": 0.0, "unlike_tied": 0.0}
    read = 0
    for swap in laid.swaps:
        if read == _MOST_READ or not (0 < len(swap.mine) <= _LONGEST and 0 < len(swap.others) <= _LONGEST):
            continue
        if _is_naming(laid, swap):
            continue
        if swap.new:
            name = "unlike"
        elif swap.gone:
            name = "unlike_moved"
        elif _ties(laid.ours, swap.mine) != _ties(laid.theirs, swap.others):
            name = "unlike_tied"
        else:
            continue
        read += 1
        apart = 1.0 - float(_between(laid.ours, swap.mine, short) @ _between(laid.theirs, swap.others, short))
        found[name] = max(found[name], apart)
        found["unlike_all"] += apart
    return found


def _between(words: Sequence[Word], places: range, short: Short) -> Array:
    before = words[places.start - 1].lower if places.start else ""
    after = words[places.stop].lower if places.stop < len(words) else ""
    return short.between(before, " ".join(words[at].lower for at in places), after)


def _unlike_in_place(laid: Laid, rows: Sequence[int], soft: Array) -> float:
    """How unlike a new word is to the nearest that is gone, at most."""
    ours, theirs = _content_places(laid.ours), _content_places(laid.theirs)
    most = 0.0
    for swap in laid.swaps:
        if swap.gone:
            gone = [rows[theirs[at]] for at in swap.gone]
            most = max([most, *(1.0 - float(soft[ours[at], gone].max()) for at in swap.new)])
    return most


def _content_places(words: Sequence[Word]) -> list[int]:
    """For each word how many before it carry meaning of their own."""
    found: list[int] = []
    place = 0
    for word in words:
        found.append(place)
        place += not word.is_function
    return found
