"""Which answer the nearest questions speak for, and how clearly.

Questions whose answers agree are of one group.  The nearest ones vote for theirs, the nearer the more; a match is clear
where its group has a question that is close, no other group has one that is nearly as close, and most votes are its.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

_FALLOFF: Final = 0.05
"""The difference in similarity at which a vote counts e times less."""
_FAR: Final = 0.3
"""A group further away than this says nothing against another."""
_SHARE_COUNTS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Vote:
    """`group` won.  `score` is about 0 to 2.3; a question that is there word for word has at least 1."""

    group: int
    score: float
    similarity: float
    margin: float
    share: float


def vote(groups: Sequence[int], similarities: Sequence[float]) -> Vote:
    """Of the nearest questions, at least one, the most similar first."""
    nearest = similarities[0]
    votes: dict[int, float] = {}
    closest: dict[int, float] = {}
    for group, similarity in zip(groups, similarities, strict=True):
        votes[group] = votes.get(group, 0.0) + exp((similarity - nearest) / _FALLOFF)
        closest.setdefault(group, similarity)
    winner = max(votes, key=lambda group: votes[group])
    similarity = closest[winner]
    other = max((each for group, each in closest.items() if group != winner), default=_FAR)
    margin = similarity - max(other, _FAR)
    share = votes[winner] / sum(votes.values())
    return Vote(winner, similarity + margin + _SHARE_COUNTS * share, similarity, margin, share)
