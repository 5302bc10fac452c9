"""All partitions of one process, and what is learned in them.

Blocking and CPU-bound, at most a few milliseconds a call; the stage calls it on a thread of its own, one call after
the other, so that nothing here is ever met half changed.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from penstock.cache.semantic.bound import Bound, Estimate
from penstock.cache.semantic.checks import chance_of_check
from penstock.cache.semantic.labels import Floats, Ticks
from penstock.cache.semantic.partition import Match, Packed, Partition
from penstock.cache.semantic.question import Question, Weights
from penstock.config.cache.semantic import SemanticSettings

_TEXTS_COUNTED: Final = 10_000
_ROOM_BYTES: Final = 64 * 1024
"""With less than this left nothing more is taken in from elsewhere."""
_LEAST_BYTES: Final = 600
"""Of a question of few words."""


@dataclass(frozen=True, slots=True)
class Found:
    """`is_checked` says that the hit must be made again all the same."""

    match: Match
    is_checked: bool = False

    @property
    def entry(self) -> str | None:
        """Of the answer to give, or None."""
        return self.match.entry if self.match.is_hit and not self.is_checked else None


class Elsewhere(Protocol):
    """What is kept of partitions beside this memory; asked on the cache's thread, and waits for nothing.

    `ask` brings the partition here, if there is more of it: it is `coming`, or `away` where it cannot be waited for.
    """

    def has(self, partition: bytes) -> bool: ...
    def ask(self, partition: bytes) -> Literal["nothing", "coming", "away"]: ...


class SemanticCache:
    """See the module.  `chance` gives numbers from 0 to 1, and `ticks` are the moments of this process.

    All partitions together take about `most_bytes`: the one that was asked longest ago goes first, with all that was
    learned there; what is kept `elsewhere` comes back when it is asked again.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        width: int,
        most_bytes: int = 1 << 27,
        chance: Callable[[], float] | None = None,
        ticks: Ticks | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.weights = weights
        self._width = width
        self._ticks = ticks if ticks is not None else Ticks()
        self._elsewhere = elsewhere
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
        if within is None or not within.is_whole:
            more = "nothing" if self._elsewhere is None else self._elsewhere.ask(partition)
            if more == "coming":
                if within is None:
                    self._open(partition, settings)
                self._partitions.move_to_end(partition)
                return Found(Match(is_hit=False, reason="partition_loading"))
            if within is not None and more == "nothing":
                within.complete()
        if within is None:
            return Found(Match(is_hit=False, reason="nothing_near"))
        self._partitions.move_to_end(partition)
        match = within.find(question)
        if not match.is_hit:
            return Found(match)
        times = self._count(partition, question.text)
        probability = chance_of_check(
            settings.check_share,
            times,
            risk=within.bound.risk(match.score),
            greatest_risk=within.bound.greatest_risk,
        )
        if self._chance() < probability:
            return Found(match, is_checked=True)
        return Found(match)

    def learn(self, partition: bytes, found: Found, *, is_right: bool) -> None:
        """Take in that the answer which would have been given says the same as the one that was made, or not."""
        within = self._partitions.get(partition)
        if within is None or found.match.entry is None:
            return
        within.bound.learn(found.match.score, is_right=is_right, at=found.match.at)
        self._weigh(partition, within)

    def add(
        self,
        partition: bytes,
        entry: str,
        question: Question,
        settings: SemanticSettings,
        *,
        like: tuple[str, ...] = (),
    ) -> Packed | None:
        """Keep a question with the id of its answer's entry; `like` are entries whose answers say the same.

        Returns what is to be kept elsewhere too, if anything is.
        """
        within = self._partitions.get(partition)
        if within is None:
            within = self._open(partition, settings)
        self._partitions.move_to_end(partition)
        groups = within.add(entry, question, like=like)
        self._keep_to_bound(partition, within)
        return None if self._elsewhere is None else within.packed(entry, groups)

    def begin(self, partition: bytes, count: int) -> Partition | None:
        """What `extend` wants, for a partition that is asked for and not whole yet.  About `count` questions come."""
        within = self._partitions.get(partition)
        if within is None or within.is_whole:
            return None
        within.begin(min(count, max(0, self._most_bytes - self.size_bytes) // _LEAST_BYTES))
        return within

    def extend(self, partition: bytes, within: Partition, many: Sequence[Packed]) -> bool:
        """Take in what is kept elsewhere, the latest first; whether there is room for more.

        `within` is what `begin` gave: if the partition has been forgotten since, nothing is taken in.
        """
        if self._partitions.get(partition) is not within:
            return False
        within.extend(many)
        self._keep_to_bound(partition, within)
        return within.room > 0 and self.size_bytes + _ROOM_BYTES <= self._most_bytes

    def complete(self, partition: bytes, within: Partition, labels: Floats, seen: Floats) -> None:
        """All of it is here now, with what was learned: as `Bound.merge` takes it."""
        if self._partitions.get(partition) is within:
            within.bound.merge(labels, seen)
            within.complete()
            self._weigh(partition, within)

    def hear(self, partition: bytes, many: Sequence[Packed]) -> None:
        """Take in what another process has added to a partition that is here."""
        within = self._partitions.get(partition)
        if within is not None:
            within.hear(many)
            self._keep_to_bound(partition, within)

    def hear_learned(self, partition: bytes, labels: Floats, seen: Floats) -> None:
        """Take in what another process has learned of a partition that is here."""
        within = self._partitions.get(partition)
        if within is not None:
            within.bound.merge(labels, seen)
            self._weigh(partition, within)

    def holds(self, partition: bytes) -> bool:
        """Whether anything of it is here; from any thread."""
        return partition in self._partitions

    def forget(self) -> None:
        """All of it, here: what is still kept elsewhere comes back."""
        while self._partitions:
            self._forget_oldest()

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

    def _open(self, partition: bytes, settings: SemanticSettings) -> Partition:
        while len(self._partitions) >= settings.max_partitions:
            self._forget_oldest()
        bound = Bound(settings.ceiling, ticks=self._ticks)
        within = Partition(self.weights, bound, width=self._width, start=settings.start, most=settings.max_entries)
        within.is_whole = self._elsewhere is None or not self._elsewhere.has(partition)
        self._partitions[partition] = within
        self._weigh(partition, within)
        return within

    def _keep_to_bound(self, partition: bytes, within: Partition) -> None:
        """Others go before it."""
        self._weigh(partition, within)
        while self.size_bytes > self._most_bytes and len(self._partitions) > 1:
            if next(iter(self._partitions)) == partition:
                self._partitions.move_to_end(partition)
            self._forget_oldest()
        while self.size_bytes > self._most_bytes and len(within) > 1:
            within.drop_oldest()
            self._weigh(partition, within)

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

    def _count(self, partition: bytes, text: str) -> int:
        """How often this text was a hit, this time included."""
        key = hash((partition, text))  # that two have the same makes a check a little more probable, and no more
        times = self._times.pop(key, 0) + 1
        self._times[key] = times
        while len(self._times) > _TEXTS_COUNTED:
            self._times.popitem(last=False)
        return times
