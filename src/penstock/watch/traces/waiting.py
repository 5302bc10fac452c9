"""What waits for the collector: bounded in number and bytes, and first to go is what is least missed."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.watch.traces.sampling import Why

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A journal line's JSON that is to be sent, and why it is."""

    payload: bytes
    why: Why


class Waiting:
    """`put` never waits; `take` does, for the first to come.  Both from any thread.

    Where there is no room the oldest ordinary exchange goes, and where there is none the oldest of all.
    """

    def __init__(self, most: int, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._ordinary: deque[Kept] = deque()
        self._wanted: deque[Kept] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._ordinary) + len(self._wanted)

    def put(self, kept: Sequence[Kept]) -> int:
        """Take them in, and return how many had to go for it."""
        dropped = 0
        with self._changed:
            if self._is_closed:
                return len(kept)
            for each in kept:
                (self._ordinary if each.why == "sampled" else self._wanted).append(each)
                self._bytes += len(each.payload)
                while len(self) > self._most or self._bytes > self._most_bytes:
                    self._pop()
                    dropped += 1
            self._changed.notify()
        return dropped

    def take(self, most: int, most_bytes: int) -> list[Kept]:
        """The next ones, once there are any; none only when it was closed."""
        with self._changed:
            while not len(self) and not self._is_closed:
                self._changed.wait()
            taken: list[Kept] = []
            size = 0
            while len(self) and len(taken) < most and size < most_bytes:
                taken.append(self._pop(wanted_first=True))
                size += len(taken[-1].payload)
            return taken

    def close(self) -> None:
        """Nobody will put more; whoever takes is given what there is, and then nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _pop(self, *, wanted_first: bool = False) -> Kept:
        first, second = (self._wanted, self._ordinary) if wanted_first else (self._ordinary, self._wanted)
        gone = (first or second).popleft()
        self._bytes -= len(gone.payload)
        return gone
