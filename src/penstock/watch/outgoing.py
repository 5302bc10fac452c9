"""Takes what waits out of the outboxes of a folder and hands it on, each piece at least once: alerts, feedback.

A piece is forgotten here only after whoever takes it has it safe; a crash in between hands it on again, and its key
tells that it is the same.  Any number of processes may ship one folder: a lock makes them take turns.
"""

import fcntl
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec
import structlog

from penstock.watch.segment import (
    OFFSET_SUFFIX,
    SUFFIX,
    Line,
    is_unwritten,
    offset_path,
    read_chunk,
    read_offset,
    segments,
    write_offset,
)

Piece = TypeVar("Piece", bound=msgspec.Struct)

Take: TypeAlias = Callable[[Sequence[Piece]], None]
"""Makes the pieces safe before it returns; raises where it cannot, and then they are offered again."""

Decode: TypeAlias = Callable[[bytes], Piece]
"""A piece out of its JSON.  Raises `msgspec.DecodeError` or `ValueError`."""

_log = structlog.get_logger(__name__)


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


def is_anything_waiting(folder: Path) -> bool:
    """Whether there is something to ship, or a file to remove.  Reads no file but the small offsets."""
    for path in segments(folder):
        try:
            if path.stat().st_size > read_offset(path) or is_unwritten(path):
                return True
        except FileNotFoundError:
            continue  # shipped as we looked
    return False


def ship(folder: Path, take: Take[Piece], decode: Decode[Piece]) -> int:
    """Hand on all that waits in `folder` and return how many pieces that was; 0 where another process is at it.

    Raises what `take` raises, and `OSError`.
    """
    shipped = 0
    with turn(folder) as is_ours:
        if not is_ours:
            return 0
        for path in segments(folder):
            shipped += _ship_segment(path, take, decode)
        for path in folder.glob("*" + OFFSET_SUFFIX):
            if not path.with_suffix(SUFFIX).exists():
                path.unlink(missing_ok=True)
    return shipped


def _ship_segment(path: Path, take: Take[Piece], decode: Decode[Piece]) -> int:
    shipped = 0
    while True:
        # Asked before the reading: a writer that goes away in between may have written a last line.
        is_final = is_unwritten(path)
        offset = read_offset(path)
        chunk = read_chunk(path, offset, is_final=is_final)
        pieces = [piece for line in chunk.lines if (piece := _decoded(path, line, decode)) is not None]
        if pieces:
            take(pieces)
        for line in chunk.rejected:
            _reject(path, line, "the checksum does not match")
        shipped += len(pieces)
        if is_final and chunk.next_offset >= path.stat().st_size:
            path.unlink()
            offset_path(path).unlink(missing_ok=True)
            return shipped
        if chunk.next_offset == offset:
            return shipped
        write_offset(path, chunk.next_offset)


def _decoded(path: Path, line: Line, decode: Decode[Piece]) -> Piece | None:
    try:
        return decode(line.payload)
    except (msgspec.DecodeError, ValueError) as error:
        _reject(path, line, str(error))
        return None


def _reject(path: Path, line: Line, why: str) -> None:
    """Keep the line for a person to look at, on disk before the offset passes it."""
    folder = path.parent / "rejected"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = folder / f"{path.stem}.{line.offset}"
    draft = kept.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(line.payload)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(kept)
    _log.error("outgoing_line_rejected", kept=str(kept), why=why)
