"""A store that can be away."""

from collections.abc import Sequence

from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.slices import Ask, Replies, StoreLost


class UnsteadyStore(MemoryStore):
    """`is_away`: cannot be reached.  `loses_replies`: does what it is asked and cannot say so."""

    is_away = False
    loses_replies = False

    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        if self.is_away:
            raise StoreLost("away")
        replies = super().exchange(lease, batch, asks)
        if self.loses_replies:
            raise StoreLost("no reply")
        return replies
