"""The second check: whether two questions that lie close together also mean the same.

`decide` is the cache's whole judgement of one pair.  A hard disagreement (`agreement`) ends it.  Otherwise the words
that only one of the two has are laid beside those of the other: where a word has no counterpart in its context, it was
put in the place of something else.  How much that counts is trained (`training/semantic_cache.py`).  Last, where
the two are one sentence with another word in the same place (`slots`), the two words must mean nearly the same.
"""

from dataclasses import dataclass
from typing import Final, Literal
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from penstock.cache.semantic.agreement import Disagreement, disagreement, is_reworded
from penstock.cache.semantic.question import Question, Weights, meaningful
from penstock.cache.semantic.slots import Slot, slots
from penstock.encoder.model import Matrix, Vector

Reason = Disagreement | Literal["similarity", "unread", "same"]

_LEAST_SUBSTITUTE: Final = 0.55
_LEAST_NOMINAL: Final = 0.6
"""Of another thing in the same place: synonyms seldom lie further apart, one thing and another seldom nearer."""
_SHORT_WORDS: Final = 6
_LONG_WORDS: Final = 8
FEATURES: Final = ("one", "similarity", "worst", "substitute", "replaced", "replaced_once", "share_alone")

_REPLACED_ONCE: Final = FEATURES.index("replaced_once")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is `same`, or what speaks against it.

    `words` is the trained score of the words, where it was asked, and `aligned` how well each has its counterpart.
    """

    is_same: bool
    reason: Reason
    similarity: float
    words: float | None = None
    aligned: float = 0.0


def decide(question: Question, candidate: Question, weights: Weights, *, least: float | None = None) -> Verdict:
    """Whether the answer to `candidate` answers `question`.  `least` is in the place of the shipped bound."""
    similarity = float(question.vector @ candidate.vector)
    bound = weights.least_similarity if least is None else least
    if similarity < bound:
        return Verdict(is_same=False, reason="similarity", similarity=similarity)
    if not _unread_agree(question, candidate):
        return Verdict(is_same=False, reason="unread", similarity=similarity)
    why = disagreement(question.reading, candidate.reading, similarity)
    if why is not None:
        return Verdict(is_same=False, reason=why, similarity=similarity)
    features = pair_features(question, candidate, similarity)
    words = float(features @ weights.pair)
    is_replaced = bool(features[_REPLACED_ONCE] > 1.0 - _LEAST_SUBSTITUTE) and _is_short(question, candidate)
    if (words < weights.least_pair or is_replaced) and not is_reworded(question.reading, candidate.reading, similarity):
        return Verdict(is_same=False, reason="words", similarity=similarity, words=words)
    cosines = question.words @ candidate.words.T
    if _is_refilled(question, candidate, cosines):
        return Verdict(is_same=False, reason="words", similarity=similarity, words=words)
    aligned = float(cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2
    return Verdict(is_same=True, reason="same", similarity=similarity, words=words, aligned=aligned)


def _unread_agree(question: Question, candidate: Question) -> bool:
    """Whether what the encoder cannot read is the same; beside a long text a picture that only one has adorns it."""
    if question.unread == candidate.unread:
        return True
    if question.unread and candidate.unread:
        return False
    is_long = min(len(question.reading.words), len(candidate.reading.words)) >= _LONG_WORDS
    return is_long and all(category(each[0]) == "So" for each in question.unread | candidate.unread)


def _is_short(question: Question, candidate: Question) -> bool:
    """In a short question each word counts: what stands in the place of one must be near it."""
    return min(len(question.words), len(candidate.words)) <= _SHORT_WORDS


def _is_refilled(question: Question, candidate: Question, cosines: Matrix) -> bool:
    """Whether the two are one sentence that asks of one thing and of another: `the height of the river`, `… bridge`.

    Who puts a sentence in other words changes a verb as well, so of two places both must be those of nouns.
    """
    ours, theirs = question.reading, candidate.reading
    if ours.stems == theirs.stems:
        return False
    found = slots(ours.words, theirs.words)
    if not found:
        return False
    rows, columns = _rows(question), _rows(candidate)
    nearness = [_nearness(slot, rows, columns, cosines) for slot in found]
    if all(slot.is_nominal for slot in found):
        return min(nearness) < _LEAST_NOMINAL
    return len(found) == 1 and min(nearness) < _LEAST_SUBSTITUTE and _is_short(question, candidate)


def _nearness(slot: Slot, rows: dict[int, int], columns: dict[int, int], cosines: Matrix) -> float:
    row, column = rows.get(slot.left), columns.get(slot.right)
    return 1.0 if row is None or column is None else float(cosines[row, column])


def _rows(question: Question) -> dict[int, int]:
    """Which row of `words` belongs to which word of the text."""
    told = (at for at, word in enumerate(question.reading.words) if word.kind != "function")
    return {at: row for row, at in zip(range(len(question.words)), told, strict=False)}


def pair_features(question: Question, candidate: Question, similarity: float) -> Vector:
    """`FEATURES`, in that order."""
    ours, theirs = _alone(question, candidate), _alone(candidate, question)
    cosines: Matrix = question.words @ candidate.words.T
    worst = substitute = 1.0
    if ours:
        worst = float(cosines[ours].max(axis=1).min())
    if theirs:
        worst = min(worst, float(cosines[:, theirs].max(axis=0).min()))
    is_replaced = bool(ours) and bool(theirs)
    if is_replaced:
        between = cosines[np.ix_(ours, theirs)]
        substitute = float(min(between.max(axis=1).min(), between.max(axis=0).min()))
    is_one = len(ours) == 1 and len(theirs) == 1
    length = len(question.reading.words) + len(candidate.reading.words)
    found: NDArray[np.float32] = np.array(
        (
            1.0,
            similarity,
            worst,
            substitute,
            is_replaced * (1.0 - substitute),
            is_one * (1.0 - substitute),
            (len(ours) + len(theirs)) / length,
        ),
        np.float32,
    )
    return found


def _alone(of: Question, other: Question) -> list[int]:
    """Which rows of `of.words` are words that the other has in no form."""
    stems = other.reading.stems
    return [
        row
        for row, word in enumerate(meaningful(of.reading)[: len(of.words)])
        if word.kind in {"content", "name"} and word.stem not in stems
    ]
