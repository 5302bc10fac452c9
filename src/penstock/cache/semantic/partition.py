"""Questions that may share answers, what their answers have in common, and the bound learned for them.

One partition holds what one kind of caller asked of one assistant in one situation (`fingerprint`): nothing is ever
looked up across two.  Blocking and CPU-bound; `cache` runs it off the event loop, one call at a time for a partition.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.index import VectorIndex
from penstock.cache.semantic.question import Question, Weights, pack, unpack
from penstock.cache.semantic.reading import Reading, read
from penstock.cache.semantic.verify import Verdict, decide
from penstock.cache.semantic.vote import Vote, vote
from penstock.config.cache.semantic import Start

_VOTERS: Final = 20
_VOUCHERS: Final = 10
"""How many of the winning group's nearest questions are compared in detail; one that agrees is enough."""
_GROUPS_COMPARED: Final = 4
_ALIGNED_COUNTS: Final = 0.7
_SHIPPED_BEHIND: Final = 0.05
"""Where the nearest question does not agree, one that is further behind it is about something else."""
_FAR: Final = 0.5
"""Questions that are less similar than this have no part in anything."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a partition says of a question.

    `entry` is the id of the question whose answer would be given: None where nothing comes near or nothing agrees.
    `is_hit` says that the bound holds.  `score` is what the bound is about.  `others` are entries of further groups,
    with whose answers a new one is worth comparing.
    """

    is_hit: bool
    reason: str
    entry: str | None = None
    score: float = 0.0
    similarity: float | None = None
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class _Row:
    id: str
    text: str
    words: bytes
    group: int

    def reading(self) -> Reading:
        """Made anew: kept, it would take ten times the place of the text."""
        found = read(self.text)
        if found is None:
            raise ValueError("a question without words is never kept")
        return found


class Partition:
    """See the module.  At most `most` questions; the one that was used longest ago goes first."""

    __slots__ = ("_answered", "_groups", "_index", "_most", "_next_group", "_rows", "_start", "_weights", "bound")

    def __init__(
        self, weights: Weights, bound: Bound, *, width: int, start: Start = "proven", most: int = 100_000
    ) -> None:
        self._weights = weights
        self._start: Start = start
        self._most = most
        self._index = VectorIndex(width)
        self._rows: dict[int, _Row] = {}
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._groups: dict[int, int] = {}
        self._next_group = 0
        self.bound = bound

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, question: Question) -> Match:
        """The entry whose answer may be given, with why or why not."""
        near = self._index.nearest(question.vector, _VOTERS)
        found = [
            (self._rows[int(row)], float(similarity), int(row))
            for row, similarity in zip(near.rows, near.similarities, strict=True)
            if similarity >= _FAR and int(row) in self._rows
        ]
        if not found:
            nearest = float(near.similarities[0]) if len(near.rows) else None
            return Match(is_hit=False, reason="nothing_near", similarity=nearest)
        groups = [self._group(row.group) for row, _, _ in found]
        won = vote(groups, [similarity for _, similarity, _ in found])
        others = self._others(groups, found)
        if not self.bound.is_learned and self._start == "shipped":
            return self._find_shipped(question, found, won, others)
        vouchers = [each for each, group in zip(found, groups, strict=True) if group == won.group][:_VOUCHERS]
        verdict: Verdict | None = None
        for row, _, at in vouchers:
            verdict = decide(question, self._question(row, at), self._weights, least=0.0)
            if verdict.is_same:
                reason = "same" if won.score >= self.bound.least else "bound"
                self._answered.move_to_end(row.id)
                return Match(reason == "same", reason, row.id, won.score, won.similarity, others)
        reason = verdict.reason if verdict is not None else "nothing_near"
        return Match(is_hit=False, reason=reason, similarity=won.similarity, others=others)

    def add(self, entry: str, question: Question, *, like: Sequence[str] = ()) -> None:
        """Keep the question under its entry's id.  `like` are entries whose answers say the same as its own."""
        self.drop(entry)
        while len(self._rows) >= self._most:
            self.drop(next(iter(self._answered)))
        group: int | None = None
        for each in like:
            row = self._answered.get(each)
            if row is None:
                continue
            theirs = self._group(self._rows[row].group)
            if group is None:
                group = theirs
            elif group != theirs:
                self._groups[theirs] = group
        if group is None:
            group = self._next_group
            self._next_group += 1
        at = self._index.add(question.vector)
        self._rows[at] = _Row(entry, question.text, pack(question.words), group)
        self._answered[entry] = at

    def drop(self, entry: str) -> bool:
        """Whether it was there."""
        at = self._answered.pop(entry, None)
        if at is None:
            return False
        del self._rows[at]
        self._index.remove(at)
        return True

    def drop_where(self, is_gone: Callable[[str], bool]) -> int:
        """Drop what is gone elsewhere; how many."""
        gone = [entry for entry in self._answered if is_gone(entry)]
        return sum(self.drop(entry) for entry in gone)

    def _find_shipped(
        self, question: Question, found: list[tuple[_Row, float, int]], won: Vote, others: tuple[str, ...]
    ) -> Match:
        """The best of the nearest that agrees, however the votes are: each answer may be another one."""
        reason = "similarity"
        best: tuple[float, _Row, float] | None = None
        for row, similarity, at in found[:_VOUCHERS]:
            if similarity < found[0][1] - _SHIPPED_BEHIND:
                break
            verdict = decide(question, self._question(row, at), self._weights)
            closeness = similarity + _ALIGNED_COUNTS * verdict.aligned
            if verdict.is_same and (best is None or closeness > best[0]):
                best = (closeness, row, similarity)
            elif row is found[0][0]:
                reason = verdict.reason
        if best is None:
            return Match(is_hit=False, reason=reason, similarity=found[0][1], others=others)
        _, row, similarity = best
        self._answered.move_to_end(row.id)
        return Match(True, "same", row.id, won.score, similarity, others)

    def _others(self, groups: list[int], found: list[tuple[_Row, float, int]]) -> tuple[str, ...]:
        seen: dict[int, str] = {}
        for group, (row, _, _) in zip(groups, found, strict=True):
            seen.setdefault(group, row.id)
        return tuple(seen.values())[:_GROUPS_COMPARED]

    def _group(self, group: int) -> int:
        """What it was joined to, in the end."""
        while group in self._groups:
            group = self._groups[group]
        return group

    def _question(self, row: _Row, at: int) -> Question:
        words = unpack(row.words, self._weights.width)
        return Question(row.text, row.reading(), self._index.vector(at), words)
