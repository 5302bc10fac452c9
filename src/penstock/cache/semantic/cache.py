"""All partitions of one process, and what is learned in them.

Blocking and CPU-bound, at most a few milliseconds a call; the stage calls it on a thread of its own, one call after
the other, so that nothing here is ever met half changed.
"""

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from penstock.cache.semantic.bound import Bound, Estimate
from penstock.cache.semantic.checks import chance_of_check
from penstock.cache.semantic.partition import Match, Partition
from penstock.cache.semantic.question import Question, Weights
from penstock.config.cache.semantic import SemanticSettings

_TEXTS_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """`is_checked` says that the hit must be made again all the same."""

    match: Match
    is_checked: bool = False

    @property
    def entry(self) -> str | None:
        """Of the answer to give, or None."""
        return self.match.entry if self.match.is_hit and not self.is_checked else None


@dataclass(slots=True)
class Counts:
    """Since the start."""

    hits: int = 0
    misses: dict[str, int] = field(default_factory=dict[str, int])
    checked: int = 0
    checked_wrong: int = 0
    labels: int = 0


class SemanticCache:
    """See the module.  `chance` gives numbers from 0 to 1.

    All partitions together take about `most_bytes`: the one that was asked longest ago goes first, with all that was
    learned there.
    """

    def __init__(
        self, weights: Weights, *, width: int, most_bytes: int = 1 << 27, chance: Callable[[], float] | None = None
    ) -> None:
        self.weights = weights
        self.counts = Counts()
        self._width = width
        self._chance = chance if chance is not None else random.SystemRandom().random
        self._most_bytes = most_bytes
        self._partitions: OrderedDict[bytes, Partition] = OrderedDict()
        self._sizes: dict[bytes, tuple[int, int]] = {}
        self._times: OrderedDict[int, int] = OrderedDict()
        self._questions = 0
        self.size_bytes = 0

    def __len__(self) -> int:
        """Questions in all partitions; this and `size_bytes` may be asked from another thread."""
        return self._questions

    @property
    def partitions(self) -> tuple[bytes, ...]:
        """Those that there are, the one that was asked longest ago first."""
        return tuple(self._partitions)

    def find(self, partition: bytes, question: Question, settings: SemanticSettings) -> Found:
        """What may be given for the question; whether to check it is drawn here."""
        within = self._partitions.get(partition)
        if within is None:
            return self._missed(Match(is_hit=False, reason="nothing_near"))
        self._partitions.move_to_end(partition)
        match = within.find(question)
        if not match.is_hit:
            return self._missed(match)
        times = self._count(partition, question.text)
        probability = chance_of_check(
            settings.check_share,
            times,
            risk=within.bound.risk(match.score),
            greatest_risk=within.bound.greatest_risk,
        )
        if self._chance() < probability:
            self.counts.checked += 1
            return Found(match, is_checked=True)
        self.counts.hits += 1
        return Found(match)

    def learn(self, partition: bytes, found: Found, *, is_right: bool) -> None:
        """Take in that the answer which would have been given says the same as the one that was made, or not."""
        within = self._partitions.get(partition)
        if within is None or found.match.entry is None:
            return
        within.bound.learn(found.match.score, is_right=is_right)
        self._weigh(partition, within)
        self.counts.labels += 1
        if found.is_checked and not is_right:
            self.counts.checked_wrong += 1

    def add(
        self,
        partition: bytes,
        entry: str,
        question: Question,
        settings: SemanticSettings,
        *,
        like: tuple[str, ...] = (),
    ) -> None:
        """Keep a question with the id of its answer's entry; `like` are entries whose answers say the same."""
        within = self._partitions.get(partition)
        if within is None:
            while len(self._partitions) >= settings.max_partitions:
                self._forget_oldest()
            bound = Bound(settings.ceiling)
            within = Partition(self.weights, bound, width=self._width, start=settings.start, most=settings.max_entries)
            self._partitions[partition] = within
        self._partitions.move_to_end(partition)
        within.add(entry, question, like=like)
        self._weigh(partition, within)
        while self.size_bytes > self._most_bytes and len(self._partitions) > 1:
            self._forget_oldest()
        while self.size_bytes > self._most_bytes and len(within) > 1:
            within.drop_oldest()
            self._weigh(partition, within)

    def drop(self, partition: bytes, entry: str) -> None:
        """What was stored is not to be given any more."""
        within = self._partitions.get(partition)
        if within is not None:
            within.drop(entry)
            self._weigh(partition, within)

    def wrong_rate(self, partition: bytes) -> Estimate | None:
        """The live estimate for the hits of a partition; None before there is one."""
        within = self._partitions.get(partition)
        return within.bound.wrong_rate if within is not None else None

    def _weigh(self, partition: bytes, within: Partition) -> None:
        size, questions = within.size_bytes, len(within)
        size_before, before = self._sizes.get(partition, (0, 0))
        self.size_bytes += size - size_before
        self._questions += questions - before
        self._sizes[partition] = size, questions

    def _forget_oldest(self) -> None:
        partition, _ = self._partitions.popitem(last=False)
        size, questions = self._sizes.pop(partition)
        self.size_bytes -= size
        self._questions -= questions

    def _missed(self, match: Match) -> Found:
        self.counts.misses[match.reason] = self.counts.misses.get(match.reason, 0) + 1
        return Found(match)

    def _count(self, partition: bytes, text: str) -> int:
        """How often this text was a hit, this time included."""
        key = hash((partition, text))  # that two have the same makes a check a little more probable, and no more
        times = self._times.pop(key, 0) + 1
        self._times[key] = times
        while len(self._times) > _TEXTS_COUNTED:
            self._times.popitem(last=False)
        return times
