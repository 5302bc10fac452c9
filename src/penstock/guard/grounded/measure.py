"""Holds one claim against the sentences of its passages: what of it is said there, and what is said otherwise."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.guard.grounded.differ import (
    Stated,
    align,
    apart_words,
    compare_values,
    differing,
    find_contrary,
    strengths,
    stronger_words,
)
from penstock.guard.grounded.evidence import Array, Evidence, Short, Told
from penstock.guard.grounded.exchanged import EXCHANGES, exchanges
from penstock.guard.grounded.lexicon import LIGHT, NUMBER_WORDS, OPINION, PERSONAL
from penstock.guard.grounded.words import Word

FEATURES: Final = (
    "likeness", "soft_one", "soft_two", "soft_all", "exact_one", "exact_two", "exact_passage", "exact_all", "least",
    "second_least", "far", "uncovered", "names_absent", "names_elsewhere", "values_absent", "values_elsewhere",
    "values_other", "denied_here", "denied_there", "opposite", "pairs", "in_order", "run", "swapped", "replaced_far",
    "replaced", "stronger", "weaker", "overstated", "personal", "opinion", "length", "told_length", "back",
    "margin", "few_words",
    "soft_uncovered", "name_replaced", "head", "pair_gain", "apart", "apart_all", "apart_mean", "partnered",
    "refuted",
)  # fmt: skip
"""What is told of any claim; behind these stand `EXCHANGES`, naught for one that does not nearly copy a sentence."""
COPY: Final = 0.5
"""The share of a claim's words in order in its sentences from which on it nearly copies them."""

_FAR: Final = 0.45
_NEAR: Final = 0.6
_HEAD: Final = 0.9
_WEIGHT_OF_NAMES: Final = 1.5
_WEIGHT_OF_LIGHT: Final = 0.3
_LEAST_PREFIX: Final = 5
_FEW: Final = 4
_FEW_COPIED: Final = 3
_NEARLY_THE_SAME: Final = 0.6


class Found(NamedTuple):
    """`features` in the order of `FEATURES`, then `EXCHANGES`; `told` are the sentences that come nearest, one or two
    in a row.

    `refuted` are the checks that the claim fails whatever else is alike, `contrary` names what the sentences say
    otherwise, `absent` what none of the passages says: words of the claim.
    """

    features: NDArray[np.float64]
    told: tuple[Told, ...]
    refuted: tuple[str, ...]
    contrary: tuple[str, ...]
    absent: tuple[str, ...]


def measure(claim: Stated, evidence: Evidence, short: Short) -> Found:
    """Of a claim with a content word, held against evidence with one."""
    soft, exact, head = _matches(claim, evidence)
    weights = np.array([_weight(word) for word in claim.content])
    weights /= weights.sum()
    by_sentence = np.maximum.reduceat(soft, evidence.starts, axis=1)
    exact_by_sentence = np.maximum.reduceat(exact, evidence.starts, axis=1)
    mean = claim.vectors.sum(axis=0)
    likeness = evidence.means @ (mean / max(float(np.linalg.norm(mean)), 1e-9))
    of = np.array([each.passage for each in evidence.told])
    best, pair = _nearest(weights, by_sentence, exact_by_sentence, likeness, of)
    told = tuple(evidence.told[at] for at in pair)
    in_head = head[:, of[best]]
    one = np.maximum(by_sentence[:, best], _HEAD * in_head)
    two = np.maximum(by_sentence[:, pair].max(axis=1), _HEAD * in_head)
    exact_two = np.maximum(exact_by_sentence[:, pair].max(axis=1), in_head)
    exact_passage = np.maximum(exact_by_sentence[:, of == of[best]].max(axis=1), in_head)
    exact_all = np.maximum(exact_by_sentence.max(axis=1), head.max(axis=1))
    lone = [at for at in range(len(claim.content)) if not exact_two[at]]
    aligned = align(claim, evidence, told, soft)
    apart = apart_words(claim, told, aligned.replacing, lone, soft, short)
    said = compare_values(claim, told, evidence)
    contrary = find_contrary(claim, told, lone, aligned.matched)
    ordered = np.sort(two)
    names = np.array([word.is_name for word in claim.content])
    means = float(by_sentence.max(axis=1) @ weights)
    strength = strengths(claim, told)
    overstating = stronger_words(claim, told) if strength[2] else ()
    told_words = sum(each.last - each.first for each in told)
    first_rows = np.concatenate([np.arange(each.first, each.last) for each in told])
    is_near = aligned.in_order >= _NEARLY_THE_SAME and len(claim.content) >= _FEW_COPIED
    differs = differing(said, contrary, aligned, strength, apart[0]) if is_near else ()
    unsaid = ("unsaid",) if said.absent and not said.other else ()
    refuted = (*unsaid, *(("value",) if said.other and (said.absent or is_near) else ()), *differs)
    features = np.array(
        [
            likeness[best],
            one @ weights,
            two @ weights,
            means,
            np.maximum(exact_by_sentence[:, best], in_head) @ weights,
            exact_two @ weights,
            exact_passage @ weights,
            exact_all @ weights,
            ordered[0],
            ordered[min(1, len(ordered) - 1)],
            float(weights[two < _FAR].sum()),
            np.log1p(len(lone)),
            float((names & (exact_all == 0)).sum()),
            float((names & (exact_all > 0) & (exact_two == 0)).sum()),
            said.absent,
            said.elsewhere,
            said.other,
            float(len(contrary.denied_here)),
            float(len(contrary.denied_there)),
            float(len(contrary.opposite)),
            aligned.pairs,
            aligned.in_order,
            aligned.run,
            aligned.swapped,
            aligned.replaced_far,
            aligned.replaced,
            *strength,
            float(any(word.lower in PERSONAL for word in claim.words)),
            float(sum(word.lower in OPINION for word in claim.words)),
            np.log(len(claim.content)),
            np.log(told_words),
            float(soft[:, first_rows].max(axis=0).mean()),
            means - two @ weights,
            float(len(claim.content) < _FEW),
            float(weights[(two < _NEAR) & (exact_two == 0)].sum()),
            aligned.name_replaced,
            float(in_head @ weights),
            (two - one) @ weights,
            *apart,
            float(len(refuted)),
            *(exchanges(claim, evidence, told, soft, short) if aligned.in_order >= COPY else [0.0] * len(EXCHANGES)),
        ]
    )
    absent = tuple(
        claim.content[at].text
        for at in range(len(claim.content))
        if not exact_all[at] and (claim.content[at].is_name or by_sentence[at].max() < _FAR)
    )
    return Found(features, told, refuted, (*contrary.words, *said.words, *overstating), (*absent, *said.absent_words))


def _weight(word: Word) -> float:
    return _WEIGHT_OF_NAMES if word.is_name or word.is_number else _WEIGHT_OF_LIGHT if word.lower in LIGHT else 1.0


def _matches(claim: Stated, evidence: Evidence) -> tuple[Array, Array, Array]:
    """How near each word of the claim is to each of the evidence; whether it is the same; whether a heading has it."""
    places: dict[str, list[int]] = {}
    for at, stem in enumerate(evidence.stems):
        places.setdefault(stem, []).append(at)
    soft = np.clip(claim.vectors @ evidence.vectors.T, 0.0, 1.0)
    exact = np.zeros_like(soft)
    head = np.zeros((len(claim.content), len(evidence.heads)), np.float32)
    for at, word in enumerate(claim.content):
        same = places.get(word.stem) or _spelt_otherwise(word, places)
        if same:
            exact[at, same] = 1.0
        for number, stems in enumerate(evidence.heads):
            head[at, number] = word.stem in stems
    return np.maximum(soft, exact), exact, head


def _spelt_otherwise(word: Word, places: dict[str, list[int]]) -> list[int]:
    """Where a word stands that begins as this one does for long: an inflection, or part of a compound."""
    if word.is_number or len(word.stem) < _LEAST_PREFIX:
        number = NUMBER_WORDS.get(word.lower)
        return places.get(f"{number}", []) if number is not None else []
    return [
        at
        for stem, spots in places.items()
        if len(stem) >= _LEAST_PREFIX and (stem.startswith(word.stem) or word.stem.startswith(stem))
        for at in spots
    ]


def _nearest(
    weights: NDArray[np.float64], soft: Array, exact: Array, likeness: Array, of: NDArray[np.int64]
) -> tuple[int, list[int]]:
    """The sentence that says most of the claim, and with it the one before or behind it if that adds to it."""
    total = weights @ (0.5 * soft + 0.5 * exact) + 0.2 * likeness
    best = int(np.argmax(total))
    own = float(weights @ (soft[:, best] + exact[:, best]))
    pair, most = [best], own + 0.05
    for other in (best - 1, best + 1):
        if 0 <= other < len(of) and of[other] == of[best]:
            both = np.maximum(soft[:, best], soft[:, other]) + np.maximum(exact[:, best], exact[:, other])
            if float(weights @ both) > most:
                pair, most = sorted((best, other)), float(weights @ both)
    return best, pair
