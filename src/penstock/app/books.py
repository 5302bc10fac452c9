"""Where a settled exchange is written down: the journal first, which must take it, then the counters."""

from penstock.core.ports import Ledger
from penstock.core.record import Settled
from penstock.watch.metrics import Metrics


class Books:
    """`core.ports.Ledger` for the engine.  What the journal refuses is not counted either."""

    __slots__ = ("_journal", "_metrics")

    def __init__(self, journal: Ledger, metrics: Metrics) -> None:
        self._journal = journal
        self._metrics = metrics

    def append(self, record: Settled) -> None:
        self._journal.append(record)
        self._metrics.observe(record)
