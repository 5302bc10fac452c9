"""Where turns wait on this machine until they are in the database: files that outlive the process.

Before an answer's last byte is let go its turn is in the file; no network is waited for.  The control plane brings away
what the process did not (`watch.outgoing.ship`).  Whoever makes the outbox hands it the journal's way of writing
(`watch.journal.JournalFile`) and of reading how much waits (`watch.segment.segments`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from penstock.core.errors import LedgerUnavailable
from penstock.memory.turn import Turn

FOLDER: Final = "memory"
"""Below the data directory."""

_MOST_WAITING_BYTES: Final = 256 << 20
_REFUSED: Final = "What is said cannot be kept at the moment; try again later."


class TurnFile(Protocol):
    """`append` is in the file when it returns, and raises `LedgerUnavailable` where the disk does not take it."""

    def append(self, record: msgspec.Struct, /) -> None: ...
    def close(self) -> None: ...


class TurnOutbox:
    """One for each process, made after any fork; used on its event loop.

    `open_file` makes the file in `folder` with the first turn; `waiting_bytes` says how much lies in the folder.
    """

    def __init__(
        self,
        folder: Path,
        open_file: Callable[[Path], TurnFile],
        waiting_bytes: Callable[[Path], int],
        *,
        most_waiting_bytes: int = _MOST_WAITING_BYTES,
    ) -> None:
        self.folder = folder
        self._open_file = open_file
        self._waiting_bytes = waiting_bytes
        self._most_waiting_bytes = most_waiting_bytes
        self._file: TurnFile | None = None

    def check_room(self) -> None:
        """Raises `LedgerUnavailable` where too much waits: asked before a model is, since its answer costs."""
        if self._waiting_bytes(self.folder) > self._most_waiting_bytes:
            raise LedgerUnavailable(_REFUSED, retry_after_s=30.0, detail="too many turns wait for the database")

    def append(self, turn: Turn) -> None:
        """Raises `LedgerUnavailable`; then nothing of it stays."""
        try:
            if self._file is None:
                self._file = self._open_file(self.folder)
        except OSError as error:
            raise LedgerUnavailable(_REFUSED, detail=str(error)) from error
        self._file.append(turn)

    def close(self) -> None:
        """May be called twice."""
        if self._file is not None:
            self._file.close()
