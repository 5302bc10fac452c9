"""Which answer the nearest questions speak for, and how clearly.

Questions whose answers agree are of one group.  The nearest ones vote for theirs, the nearer the more.  The score is
the logarithm of the odds: the winner's votes against those of all others, among whom one stands for an answer that
nobody was given yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

_FALLOFF: Final = 0.05
"""The difference in similarity at which a vote counts e times less."""
_UNHEARD: Final = 0.003
"""What an answer that nobody was given yet counts: as one question with a similarity of 0.71."""


@dataclass(frozen=True, slots=True)
class Vote:
    """`group` won.  `score` is about -6 to 6: the logarithm of the odds.  `similarity` is that of its nearest."""

    group: int
    score: float
    similarity: float


def vote(groups: Sequence[int], similarities: Sequence[float]) -> Vote:
    """Of the nearest questions, at least one, the most similar first."""
    votes: dict[int, float] = {}
    closest: dict[int, float] = {}
    for group, similarity in zip(groups, similarities, strict=True):
        votes[group] = votes.get(group, 0.0) + exp((similarity - 1.0) / _FALLOFF)
        closest.setdefault(group, similarity)
    winner = max(votes, key=lambda group: votes[group])
    others = sum(each for group, each in votes.items() if group != winner)
    return Vote(winner, log(votes[winner] / (others + _UNHEARD)), closest[winner])
