"""Scores become one.

A chunk's own two scores count alike, and half as much those of what it stands in: its document's mean vector, and the
words of the chunks around it.  Chosen on the training claims of SciFact and one half of the handbook's pages, from sums
of few round numbers; see docs/knowledge/retrieval.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

_OF_DOCUMENT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that may be read, with its scores and those of its surroundings; `score` once they are fused.

    `lexical` and `around` are shares of what BM25 could give at most.
    """

    chunk: int
    cosine: float
    lexical: float
    about: float
    around: float
    modified_at: float | None
    score: float = 0.0


def fused(candidates: Sequence[Candidate], *, now: float, half_life_s: float | None) -> list[Candidate]:
    """The best first; in an order of their own where they are equal, so that a search can be repeated."""
    scored = [replace(each, score=relevance(each) * _freshness(each, now, half_life_s)) for each in candidates]
    return sorted(scored, key=lambda each: (-each.score, each.chunk))


def relevance(each: Candidate) -> float:
    """The one score, whatever its age."""
    own, surroundings = max(0.0, each.cosine) + each.lexical, max(0.0, each.about) + each.around
    return (own + _OF_DOCUMENT * surroundings) / (2 + 2 * _OF_DOCUMENT)


def _freshness(each: Candidate, now: float, half_life_s: float | None) -> float:
    """One where age does not count or is not known."""
    if half_life_s is None or each.modified_at is None:
        return 1.0
    return 0.5 ** (max(0.0, now - each.modified_at) / half_life_s)


def nearest(best: Sequence[Candidate]) -> float:
    """The best cosine: how near the query anything is.  No probability of an answer: that is `answerable.chance`."""
    return max((each.cosine for each in best), default=0.0)
