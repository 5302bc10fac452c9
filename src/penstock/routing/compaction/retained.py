"""What was left out of prompts, for a while: by exchange and part, so that a person can see what a model did not.

In the memory of the data plane, bounded by size and by each entry's lifetime.  `take` gives what is new to whoever
brings it to the database (`store`), where the control plane reads it.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from penstock.core.clock import Clock
from penstock.core.json import dumps

if TYPE_CHECKING:  # what it stands on is numpy, which who reads what was kept has no use for
    from penstock.routing.compaction.compactor import LeftOut

_MOST_WAITING = 1_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """All that one exchange's prompt lost.  `expires_at` is Unix time; `parts` is the JSON of a list of `LeftOut`."""

    exchange: str
    tenant: str
    expires_at: float
    parts: bytes


class Shown(msgspec.Struct, frozen=True):
    """A `LeftOut` as it is shown again: `part` as JSON, with its kind under `type`."""

    id: str
    role: str
    part: dict[str, object]


class Retained:
    """`most_bytes` bounds what is kept here, the oldest going first.  One for each event loop."""

    def __init__(self, clock: Clock, *, most_bytes: int = 64 << 20) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0
        self._waiting: deque[Entry] = deque(maxlen=_MOST_WAITING)

    def keep(self, exchange: str, tenant: str, parts: "Sequence[LeftOut]", *, for_s: float) -> None:
        """Keep the parts; an exchange has one entry."""
        entry = Entry(exchange=exchange, tenant=tenant, expires_at=self._clock.now() + for_s, parts=dumps(parts))
        if len(entry.parts) > self._most_bytes:
            return
        self._drop(exchange)
        self._entries[exchange] = entry
        self._bytes += len(entry.parts)
        self._waiting.append(entry)
        while self._bytes > self._most_bytes or self._is_over(next(iter(self._entries.values()))):
            self._drop(next(iter(self._entries)))
            if not self._entries:
                return

    def find(self, exchange: str, *, tenant: str | None) -> tuple[Shown, ...]:
        """What the exchange's prompt lost, if it is `tenant`'s (None: whoever's); empty where nothing is kept."""
        entry = self._entries.get(exchange)
        if entry is None or self._is_over(entry) or tenant not in (None, entry.tenant):
            return ()
        return decode_parts(entry.parts)

    def take(self) -> list[Entry]:
        """What was kept since the last time.  From any thread."""
        taken: list[Entry] = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def give_back(self, entries: Sequence[Entry]) -> None:
        """What was taken and could not be brought anywhere is taken again next time."""
        self._waiting.extendleft(reversed(entries))

    def _is_over(self, entry: Entry) -> bool:
        return entry.expires_at <= self._clock.now()

    def _drop(self, exchange: str) -> None:
        entry = self._entries.pop(exchange, None)
        if entry is not None:
            self._bytes -= len(entry.parts)


def decode_parts(written: bytes) -> tuple[Shown, ...]:
    return msgspec.json.decode(written, type=tuple[Shown, ...])
