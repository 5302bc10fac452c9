"""Questions that may share answers, what their answers have in common, and the bound learned for them.

One partition holds what one kind of caller asked of one assistant in one situation (`fingerprint`): nothing is ever
looked up across two.  Blocking and CPU-bound; `cache` runs it off the event loop, one call at a time for a partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

import numpy as np

from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.index import VectorIndex
from penstock.cache.semantic.question import Question, Weights
from penstock.cache.semantic.rows import Rows, entry_of
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
_EMPTY_BYTES: Final = 3_000
"""What a partition takes with nothing in it: its objects, and its place among the others."""
_SCALE: Final = Struct("<f")
_FAR: Final = 0.5
"""Questions that are less similar than this have no part in anything."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a partition says of a question.

    `entry` is the id of the question whose answer would be given: None where nothing comes near or nothing agrees.
    `is_hit` says that the bound holds.  `score` is what the bound is about.  `others` are entries of further groups,
    with whose answers a new one is worth comparing.  `at` is the moment of a match, by which the bound knows it.
    """

    is_hit: bool
    reason: str
    entry: str | None = None
    score: float = 0.0
    similarity: float | None = None
    others: tuple[str, ...] = ()
    at: float = 0.0


class Packed(NamedTuple):
    """A question as it is kept: its group and those that it has joined to it, and its vector and row as `body`."""

    groups: tuple[int, ...]
    body: bytes


class _Near(NamedTuple):
    row: int
    similarity: float


class Partition:
    """See the module.  At most `most` questions; the one that was used longest ago goes first.

    `is_whole` says that nothing more of it is kept elsewhere.
    """

    __slots__ = ("_coming", "_index", "_most", "_rows", "_start", "_weights", "bound", "is_whole")

    def __init__(
        self, weights: Weights, bound: Bound, *, width: int, start: Start = "proven", most: int = 100_000
    ) -> None:
        self._weights = weights
        self._start: Start = start
        self._most = most
        self._index = VectorIndex(width)
        self._rows = Rows()
        self.bound = bound
        self.is_whole = True
        self._coming: set[int] = set()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        return _EMPTY_BYTES + self._index.size_bytes + self._rows.size_bytes + self.bound.size_bytes

    def find(self, question: Question) -> Match:
        """The entry whose answer may be given, with why or why not."""
        near = self._index.nearest(question.vector, _VOTERS)
        found = [
            _Near(row, similarity)
            for row, similarity in zip(near.rows.tolist(), near.similarities.tolist(), strict=True)
            if similarity >= _FAR
        ]
        if not found:
            nearest = float(near.similarities[0]) if len(near.rows) else None
            return Match(is_hit=False, reason="nothing_near", similarity=nearest)
        rows = self._rows
        groups = rows.groups([each.row for each in found])
        won = vote(groups, [each.similarity for each in found])
        others = self._others(groups, found)
        if not self.bound.is_learned and self._start == "shipped":
            return self._find_shipped(question, found, won, others)
        vouchers = [each for each, group in zip(found, groups, strict=True) if group == won.group][:_VOUCHERS]
        verdict: Verdict | None = None
        for each in vouchers:
            verdict = decide(question, self._question(each.row), self._weights, least=0.0)
            if verdict.is_same:
                at = self.bound.saw(won.score)
                reason = "same" if won.score >= self.bound.least else "bound"
                rows.touch(each.row)
                return Match(reason == "same", reason, rows.entry(each.row), won.score, won.similarity, others, at)
        reason = verdict.reason if verdict is not None else "nothing_near"
        return Match(is_hit=False, reason=reason, similarity=won.similarity, others=others)

    def add(self, entry: str, question: Question, *, like: Sequence[str] = ()) -> tuple[int, ...]:
        """Keep the question under its entry's id.  `like` are entries whose answers say the same as its own.

        Returns its group, and those that turned out to be the same.
        """
        self.drop(entry)
        while len(self) >= self._most:
            self.drop_oldest()
        rows = self._rows
        alike = rows.groups([row for row in map(rows.find, like) if row is not None])
        group = rows.join(alike)
        rows.put(self._index.add(question.vector), entry, question, group)
        if not self.is_whole:
            self._coming.add(hash(entry))
        return (group, *sorted(set(alike) - {group}))

    def packed(self, entry: str, groups: tuple[int, ...]) -> Packed | None:
        """What `extend` takes, in this process or another; None where it is not there."""
        at = self._rows.find(entry)
        if at is None:
            return None
        vector, scale = self._index.packed(at)
        return Packed(groups, b"".join((_SCALE.pack(scale), vector, self._rows.packed(at))))

    def begin(self, count: int) -> None:
        """What is kept elsewhere comes now, by `extend`, until `complete`: about `count` questions."""
        self._index.reserve(min(count, self.room))
        self._coming = self._rows.hashes()

    def extend(self, many: Sequence[Packed]) -> None:
        """Keep what was packed, as used before all that is there, the first one last; nothing that is there already.

        What there is no room for is left out.
        """
        self._join(many)
        fresh = [each for each in many if hash(self._entry(each)) not in self._coming]
        if fresh := fresh[: self.room]:
            self._put(fresh)

    def complete(self) -> None:
        """Nothing more of it is kept elsewhere."""
        self._coming = set()
        self.is_whole = True

    def hear(self, many: Sequence[Packed]) -> None:
        """Keep what was packed as if it was added now; what is there already may turn out to be of one more group."""
        self._join(many)
        rows = self._rows
        fresh = [each for each in many if rows.find(self._entry(each)) is None]
        while len(self) and self.room < len(fresh):
            self.drop_oldest()
        if fresh := fresh[-self._most :]:
            for row in self._put(fresh):
                rows.touch(row)
            if not self.is_whole:
                self._coming.update(hash(self._entry(each)) for each in fresh)

    def _put(self, fresh: Sequence[Packed]) -> range:
        width, begin = self._index.width, _SCALE.size + self._index.width
        bodies = [each.body for each in fresh]
        vectors = np.frombuffer(b"".join(body[_SCALE.size : begin] for body in bodies), np.int8).reshape(-1, width)
        scales = np.frombuffer(b"".join(body[: _SCALE.size] for body in bodies), np.float32)
        rows = self._index.extend(vectors, scales)
        self._rows.extend(rows, [body[begin:] for body in bodies], [self._rows.join(each.groups) for each in fresh])
        return rows

    def _join(self, many: Sequence[Packed]) -> None:
        """All of them, before any gets its group: one that comes later may join those of earlier ones."""
        for each in many:
            self._rows.join(each.groups)

    def _entry(self, packed: Packed) -> str:
        return entry_of(packed.body[_SCALE.size + self._index.width :])

    @property
    def room(self) -> int:
        """How many more there may be."""
        return self._most - len(self)

    def drop(self, entry: str) -> bool:
        """Whether it was there."""
        at = self._rows.find(entry)
        if at is None:
            return False
        self._clear(at)
        return True

    def drop_oldest(self) -> None:
        """Drop what was used longest ago."""
        at = self._rows.oldest()
        if at is not None:
            self._clear(at)

    def _clear(self, at: int) -> None:
        self._rows.clear(at)
        self._index.remove(at)

    def _find_shipped(self, question: Question, found: list[_Near], won: Vote, others: tuple[str, ...]) -> Match:
        """The best of the nearest that agrees, however the votes are: each answer may be another one."""
        reason = "similarity"
        best: tuple[float, _Near] | None = None
        for each in found[:_VOUCHERS]:
            if each.similarity < found[0].similarity - _SHIPPED_BEHIND:
                break
            verdict = decide(question, self._question(each.row), self._weights)
            closeness = each.similarity + _ALIGNED_COUNTS * verdict.aligned
            if verdict.is_same and (best is None or closeness > best[0]):
                best = (closeness, each)
            elif each is found[0]:
                reason = verdict.reason
        if best is None:
            return Match(is_hit=False, reason=reason, similarity=found[0].similarity, others=others)
        _, given = best
        at = self.bound.saw(won.score)
        self._rows.touch(given.row)
        return Match(True, "same", self._rows.entry(given.row), won.score, given.similarity, others, at)

    def _others(self, groups: list[int], found: list[_Near]) -> tuple[str, ...]:
        seen: dict[int, int] = {}
        for group, each in zip(groups, found, strict=True):
            seen.setdefault(group, each.row)
        return tuple(self._rows.entry(row) for row in list(seen.values())[:_GROUPS_COMPARED])

    def _question(self, row: int) -> Question:
        return self._rows.question(row, self._index.vector(row), self._weights.width)
