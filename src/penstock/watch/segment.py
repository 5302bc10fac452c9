r"""The local journal's files: how a line is written, how a directory of segments is read.

A segment belongs to one writing process, which holds its lock for as long as it may write; the kernel gives the lock
back when that process dies, however it dies.  A line is `LLLLLLLL CCCCCCCC {json}\n`: the JSON's length in bytes and
its CRC-32, in hexadecimal.  JSON holds no raw line feed, so a reader that met rubbish finds the next line again; and
length and checksum tell a line that a crash cut short from one that was changed afterwards.

`journal` writes these files; `ship` and the export read them.
"""

import fcntl
import os
from binascii import crc32
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".journal"
OFFSET_SUFFIX = ".offset"
HEAD_BYTES = 18
_CHUNK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Line:
    """One line at `offset` of its segment.  `payload` is the JSON; `raw` the whole line, where it is rejected."""

    offset: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What lies in a segment from some offset on: sound lines, spoilt ones, and where to read next.

    `torn_bytes` counts the bytes of a last line that its dead writer did not finish; they are passed over.
    """

    lines: tuple[Line, ...]
    rejected: tuple[Line, ...]
    next_offset: int
    torn_bytes: int = 0


def head_of(payload: bytes) -> bytes:
    return b"%08x %08x " % (len(payload), crc32(payload))


def is_unwritten(path: Path) -> bool:
    """Whether nobody can write to the segment any more: its writer is dead or has gone on to the next one."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(fd)


def segments(directory: Path) -> list[Path]:
    """The segments there are, oldest first: their names begin with the time at which their writer started."""
    return sorted(path for path in directory.glob("*" + SUFFIX))


def read_chunk(path: Path, offset: int, *, is_final: bool) -> Chunk:
    """Up to about four megabytes of lines from `offset` on.

    `is_final` says that no more will be written (ask `is_unwritten` before, not after): then a last line without an end
    is judged too.  Nothing new is a chunk that ends where it began.
    """
    size = _CHUNK_BYTES
    with path.open("rb", buffering=0) as file:
        while True:
            file.seek(offset)
            data = file.read(size)
            is_rest = len(data) < size
            end = data.rfind(b"\n") + 1
            if end or is_rest:
                break
            size *= 2
    lines: list[Line] = []
    rejected: list[Line] = []
    position = offset
    for raw in data[:end].split(b"\n")[:-1]:
        payload = raw[HEAD_BYTES:]
        if raw[:HEAD_BYTES] == head_of(payload):
            lines.append(Line(position, payload))
        else:
            rejected.append(Line(position, raw))
        position += len(raw) + 1
    tail = data[end:]
    if not (is_final and is_rest and tail):
        return Chunk(tuple(lines), tuple(rejected), position)
    torn_bytes = 0
    if tail[:HEAD_BYTES] == head_of(tail[HEAD_BYTES:]):
        lines.append(Line(position, tail[HEAD_BYTES:]))
    elif _is_torn(tail):
        torn_bytes = len(tail)
    else:
        rejected.append(Line(position, tail))
    return Chunk(tuple(lines), tuple(rejected), position + len(tail), torn_bytes)


def _is_torn(tail: bytes) -> bool:
    """Whether `tail` is the beginning of a line: a head cut short, or a whole head and less than it promises."""
    digits = tail[:8]
    if any(byte not in b"0123456789abcdef" for byte in digits):
        return False
    return len(tail) < HEAD_BYTES or len(tail) - HEAD_BYTES < int(digits, 16)


def offset_path(segment: Path) -> Path:
    return segment.with_suffix(OFFSET_SUFFIX)


def read_offset(segment: Path) -> int:
    """How many bytes of the segment have been shipped: 0 where nobody has said."""
    try:
        return int(offset_path(segment).read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def write_offset(segment: Path, offset: int) -> None:
    """Replace the offset in one step: a reader sees the old one or the new one."""
    path = offset_path(segment)
    draft = path.with_suffix(".draft")
    draft.write_text(str(offset), "ascii")
    draft.replace(path)
