r"""Server-sent events, both ways: bytes in any cut into frames, and a frame into bytes.

Both sides of the house speak them: provider decoders read them, wire encoders write them.  The reader follows the
WHATWG rules (https://html.spec.whatwg.org/multipage/server-sent-events.html): `\n`, `\r\n` or `\r` end a line, one
leading byte order mark is skipped, lines that begin with a colon are comments, several `data` lines are joined.  It
differs in one point: an event that the end of the body cut short of its blank line is still given out by `finish`, as
many servers forget that line; whether the answer is whole is for the dialect to judge.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.errors import UpstreamProtocolError

MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class SseFrame(msgspec.Struct, frozen=True, gc=False):
    """One event: its type, None where none was sent, and its data, lines joined by a line feed."""

    event: str | None
    data: bytes


class SseDecoder:
    """Cuts bytes into frames.  Time is linear in the input, memory bounded by `max_frame_bytes`.

    `feed` returns the frames that are complete by now; `finish` is called once, at the end of the body.  Both raise
    `UpstreamProtocolError` on a frame that is too long.
    """

    __slots__ = ("_after_cr", "_event", "_has_event", "_head", "_limit", "_lines", "_size", "_tail", "_tail_size")

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._limit = max_frame_bytes
        self._head: bytes | None = b""
        self._tail: list[bytes] = []  # pieces of a line whose end has not come
        self._lines: list[bytes] = []  # data lines of an event whose blank line has not come
        self._event: str | None = None
        self._size = 0
        self._tail_size = 0
        self._after_cr = False

    def feed(self, data: bytes) -> Sequence[SseFrame]:
        if self._head is not None:
            data = self._skip_bom(self._head + data)
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 0x0D
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not data:
            return ()
        end = data.rfind(b"\n\n")
        if self._size or self._tail_size or end < 0 or len(data) > self._limit:
            return self._feed_lines(data)
        frames: list[SseFrame] = []
        for block in data[:end].split(b"\n\n"):
            if block[:6] == b"data: " and b"\n" not in block:
                frames.append(SseFrame(None, block[6:]))
            else:
                frames += self._feed_lines(block + b"\n\n")
        if end + 2 < len(data):
            frames += self._feed_lines(data[end + 2 :])
        return frames

    def finish(self) -> Sequence[SseFrame]:
        head, self._head = self._head, None
        frames: list[SseFrame] = []
        if head:
            frames += self._feed_lines(head)
        if self._size or self._tail_size:
            frames += self._feed_lines(b"\n\n")
        return frames

    def _skip_bom(self, data: bytes) -> bytes:
        if len(data) < 3 and _BOM.startswith(data):
            self._head = data
            return b""
        self._head = None
        return data.removeprefix(_BOM)

    def _feed_lines(self, data: bytes) -> list[SseFrame]:
        """Take `data` line by line; what has no line end yet waits in `_tail`, unsearched."""
        *lines, rest = data.split(b"\n")
        frames: list[SseFrame] = []
        if lines and self._tail:
            lines[0] = b"".join((*self._tail, lines[0]))
            self._tail.clear()
            self._tail_size = 0
        for line in lines:
            if line:
                self._take(line)
                continue
            if self._lines:
                frames.append(SseFrame(self._event, b"\n".join(self._lines)))
                self._lines.clear()
            self._event = None
            self._size = 0
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
            self._grow(0)
        return frames

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._lines.append(value)
            self._grow(len(value) + 1)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
            self._grow(len(value) + 1)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size + self._tail_size > self._limit:
            raise UpstreamProtocolError(
                "The provider sent an answer that cannot be read.", detail=f"an event of over {self._limit} bytes"
            )


def frame(data: bytes, event: str | None = None) -> bytes:
    """One frame.  `data` holds no line end (JSON never does)."""
    if event is None:
        return b"data: %b\n\n" % data
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
