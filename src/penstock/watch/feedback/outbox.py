"""Where feedback, or what else applications say, waits on this machine until it is in the database.

It is a file that outlives the process.

`write` is called on the event loop of the data plane and waits for no network.  The files are those of the ledger's
journal; they are made with the first feedback, since most processes never get any.
"""

from pathlib import Path

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import LedgerUnavailable
from penstock.core.feedback import Feedback
from penstock.core.happenings import Happening
from penstock.watch.journal import JournalFile
from penstock.watch.segment import segments

FOLDER = "feedback"
"""Below the data directory."""

_SEGMENT_BYTES = 1 << 20
_MOST_WAITING_BYTES = 64 << 20
_LOOK_EVERY = 100

_decoder = msgspec.json.Decoder(Feedback)


class FeedbackOutbox:
    """One for each process, made after any fork; used by one thread."""

    def __init__(self, folder: Path, clock: Clock, *, most_waiting_bytes: int = _MOST_WAITING_BYTES) -> None:
        self.folder = folder
        self._clock = clock
        self._most_waiting_bytes = most_waiting_bytes
        self._file: JournalFile | None = None
        self._is_full = False
        self.written = 0

    def write(self, feedback: Feedback | Happening) -> None:
        """Take it over.  Raises `LedgerUnavailable` where the disk does not take it, or too much waits already."""
        if self.written % _LOOK_EVERY == 0 or self._is_full:
            waiting = sum(path.stat().st_size for path in segments(self.folder))
            self._is_full = waiting > self._most_waiting_bytes
        if self._is_full:
            raise LedgerUnavailable("Too much waits for the database; try again later.", retry_after_s=30.0)
        if self._file is None:
            try:
                self._file = JournalFile(self.folder, clock=self._clock, segment_bytes=_SEGMENT_BYTES)
            except OSError as error:
                raise LedgerUnavailable("This cannot be recorded at the moment.", detail=str(error)) from error
        self._file.append(feedback)
        self.written += 1

    def close(self) -> None:
        """Bring everything to the disk.  May be called twice."""
        if self._file is not None:
            self._file.close()


def decode_feedback(payload: bytes) -> Feedback:
    """Feedback out of its JSON.  Raises `msgspec.DecodeError`."""
    return _decoder.decode(payload)
