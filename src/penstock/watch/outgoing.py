"""Takes what waits out of the outboxes of a folder and hands it on, each piece at least once: alerts, feedback.

A piece is forgotten here only after whoever takes it has it safe; a crash in between hands it on again, and its key
tells that it is the same.  Any number of processes may ship one folder: a lock makes them take turns.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec
import structlog

from penstock.watch.folder import finish, forget_lost_offsets, next_part, put_aside, turn
from penstock.watch.segment import Line, is_unwritten, read_offset, segments

Piece = TypeVar("Piece", bound=msgspec.Struct)

Take: TypeAlias = Callable[[Sequence[Piece]], None]
"""Makes the pieces safe before it returns; raises where it cannot, and then they are offered again."""

Decode: TypeAlias = Callable[[bytes], Piece]
"""A piece out of its JSON.  Raises `msgspec.DecodeError` or `ValueError`."""

_log = structlog.get_logger(__name__)


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
        forget_lost_offsets(folder)
    return shipped


def _ship_segment(path: Path, take: Take[Piece], decode: Decode[Piece]) -> int:
    shipped = 0
    while True:
        part = next_part(path)
        pieces = [piece for line in part.chunk.lines if (piece := _decoded(path, line, decode)) is not None]
        if pieces:
            take(pieces)
        for line in part.chunk.rejected:
            _reject(path, line, "the checksum does not match")
        shipped += len(pieces)
        finish(part)
        if part.is_done or not part.is_news:
            return shipped


def _decoded(path: Path, line: Line, decode: Decode[Piece]) -> Piece | None:
    try:
        return decode(line.payload)
    except (msgspec.DecodeError, ValueError) as error:
        _reject(path, line, str(error))
        return None


def _reject(path: Path, line: Line, why: str) -> None:
    kept = put_aside(path, line)
    if kept is not None:
        _log.error("outgoing_line_rejected", kept=str(kept), why=why)
