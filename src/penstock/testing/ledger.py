"""A ledger in memory: `core.ports.Ledger` for tests that count settlements."""

from penstock.core.record import Settled


class MemoryLedger:
    """Keeps every record in the order of settlement, a second one of the same exchange included.

    `fail_with` makes every later `append` raise that error instead, as a full disk would.
    """

    def __init__(self) -> None:
        self.records: list[Settled] = []
        self.fail_with: Exception | None = None

    def append(self, record: Settled) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.records.append(record)

    def only(self) -> Settled:
        """The one record there is.  Raises `LookupError` where there is none, or more than one."""
        if len(self.records) != 1:
            raise LookupError(f"{len(self.records)} exchanges were settled, not one")
        return self.records[0]
