"""What everybody needs who ships a folder of segments: their turn with it, its next lines, a place for bad ones.

`ship` does so with the journal, `outgoing` with the outboxes of alerts and feedback.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from penstock.watch.segment import (
    OFFSET_SUFFIX,
    SUFFIX,
    Chunk,
    Line,
    is_unwritten,
    offset_path,
    read_chunk,
    read_offset,
    write_offset,
)


@dataclass(frozen=True, slots=True)
class Part:
    """What was read of a segment, from `offset` on.  `is_done`: nothing follows, and nobody writes there any more."""

    path: Path
    offset: int
    chunk: Chunk
    is_done: bool

    @property
    def is_news(self) -> bool:
        return self.is_done or self.chunk.next_offset > self.offset


@contextmanager
def turn(folder: Path, name: str = "ship.lock") -> Generator[bool]:
    """Whether it is this process's turn with the folder; it stays so within the block."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        yield False
        return
    try:
        yield True
    finally:
        os.close(lock)


def next_part(path: Path) -> Part:
    """What was not shipped yet, up to a chunk."""
    # Asked before the reading: a writer that goes away in between may have written a last line.
    is_final = is_unwritten(path)
    offset = read_offset(path)
    chunk = read_chunk(path, offset, is_final=is_final)
    if chunk.rejected and not is_final:
        # A writer on a full disk takes half a line back; we may have read while it did.
        chunk = read_chunk(path, offset, is_final=False)
    return Part(path, offset, chunk, is_final and chunk.next_offset >= path.stat().st_size)


def finish(part: Part) -> None:
    """Once all of it is safe elsewhere: note how far that is, or remove the segment where nothing follows."""
    if part.is_done:
        part.path.unlink()
        offset_path(part.path).unlink(missing_ok=True)
    elif part.is_news:
        write_offset(part.path, part.chunk.next_offset)


def put_aside(segment: Path, line: Line) -> Path | None:
    """Keep the line for a person to look at, on disk before the offset passes it, and say where.

    None where it lies there already: its name makes a repetition the same file.
    """
    folder = segment.parent / "rejected"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = folder / f"{segment.stem}.{line.offset}"
    if kept.exists():
        return None
    draft = folder.with_name("rejected.draft")
    with draft.open("wb") as file:
        file.write(line.payload)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(kept)
    return kept


def forget_lost_offsets(folder: Path) -> None:
    """Remove the offsets of segments that are gone."""
    for path in folder.glob("*" + OFFSET_SUFFIX):
        if not path.with_suffix(SUFFIX).exists():
            path.unlink(missing_ok=True)
