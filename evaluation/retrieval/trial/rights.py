"""Who could read what, and when: what a trial's answers are held against."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from penstock.core.sources import Reader


@dataclass(slots=True)
class _Stretch:
    """From before a right was written until after the next one was."""

    readers: frozenset[Reader]
    begin_s: float
    end_s: float = float("inf")


class Rights:
    """Of each document all stretches, in order.  While a right is being changed both the old and the new one count."""

    def __init__(self, readers: dict[str, tuple[Reader, ...]]) -> None:
        self._lock = threading.Lock()
        self._of = {key: [_Stretch(frozenset(who), 0.0)] for key, who in readers.items()}

    def begin(self, key: str, who: Iterable[Reader]) -> None:
        """Before it is written."""
        with self._lock:
            self._of[key].append(_Stretch(frozenset(who), time.monotonic()))

    def end(self, key: str) -> None:
        """After it was written."""
        with self._lock:
            self._of[key][-2].end_s = time.monotonic()

    def could_read(self, key: str, mine: frozenset[Reader], since_s: float, until_s: float) -> bool:
        """Whether one who is all of `mine` could read it at any moment in between."""
        with self._lock:
            return any(
                each.begin_s <= until_s and each.end_s >= since_s and not mine.isdisjoint(each.readers)
                for each in reversed(self._of[key])
            )
