"""What became of the traces that were to be sent."""

import threading
from dataclasses import dataclass, field
from typing import Literal

DropReason = Literal["no_room", "refused", "unreadable", "stopped"]


@dataclass(slots=True)
class Counts:
    """Since the process started, in exchanges but for `lost_spans`.  Added to by several threads."""

    exported: int = 0
    lost_spans: int = 0
    dropped: dict[DropReason, int] = field(
        default_factory=lambda: {"no_room": 0, "refused": 0, "unreadable": 0, "stopped": 0}
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def drop(self, reason: DropReason, count: int) -> None:
        with self.lock:
            self.dropped[reason] += count
