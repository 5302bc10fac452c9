"""An answer in one piece, of any dialect: kept until its body has ended, then read at once.

Each dialect's `decoder` makes one, with its own function from a body to events.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Event

MOST_BYTES: Final = 64 * 1024 * 1024

ReadWhole: TypeAlias = Callable[[bytes], Sequence[Event]]
"""Raises what a `Decoder` raises."""


class WholeDecoder:
    """`providers.dialect.Decoder`: all events come from `finish`; a body of over `most_bytes` is a protocol error."""

    __slots__ = ("_is_complete", "_most_bytes", "_pieces", "_read", "_size")

    def __init__(self, read: ReadWhole, *, most_bytes: int = MOST_BYTES) -> None:
        self._read = read
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        self._size += len(data)
        if self._size > self._most_bytes:
            raise UpstreamProtocolError(
                "The provider sent an answer that cannot be read.", detail=f"a body of over {self._most_bytes} bytes"
            )
        self._pieces.append(data)
        return ()

    def finish(self) -> Sequence[Event]:
        body = b"".join(self._pieces)
        self._pieces.clear()
        events = self._read(body)
        self._is_complete = True
        return events
