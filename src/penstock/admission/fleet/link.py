"""Carries reports to the fleet's board and views back, in its own thread: nothing on the request path waits for it.

A report goes out every `BEAT_S`, and sooner where there is news, ours or another's; but not more often than a small
bucket allows, so that flapping targets make no storm: what changed twice meanwhile is told once.  A board that is lost
changes nothing: each process goes on with its own breakers and its last part of the limits, and the link tries again.
"""

import asyncio
import threading
from contextlib import suppress
from typing import Final

import structlog

from penstock.admission.fleet.board import Board, BoardLost, BoardNotReady
from penstock.admission.fleet.sharing import Sharing
from penstock.core.clock import Clock

BEAT_S: Final = 1.5
SILENT_S: Final = 5.0
"""A process that has not been heard of for so long is gone."""
BURST: Final = 5.0
A_SECOND: Final = 0.8
"""How many reports may go out beside the beat: so many at once, and so many a second."""
LOOK_S: Final = 0.1
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 2.0
_GRACE_S = 3.0
_STOP_S = 4.0

_log = structlog.get_logger(__name__)


class Rhythm:
    """When a process speaks."""

    def __init__(self, now_s: float) -> None:
        self._spoke_s = self._filled_s = now_s
        self._left = BURST

    def is_due(self, now_s: float, *, has_news: bool) -> bool:
        """Whether to speak now; then it counts as spoken."""
        if now_s - self._spoke_s < BEAT_S:
            if not has_news:
                return False
            self._left = min(BURST, self._left + (now_s - self._filled_s) * A_SECOND)
            self._filled_s = now_s
            if self._left < 1.0:
                return False
            self._left -= 1.0
        self._spoke_s = now_s
        return True


class FleetLink:
    """`start` once, on the event loop of the gates, `stop` once, from any thread; `stop` waits until we have left."""

    def __init__(self, sharing: Sharing, board: Board, clock: Clock) -> None:
        self._sharing = sharing
        self._board = board
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="penstock-fleet", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost_since_s: float | None = None
        self._reason = ""
        self._is_waited_for = True
        self.exchanges = 0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lost_since_s = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=_STOP_S)

    def problems(self) -> tuple[str, ...]:
        """For `/health`: that the store is lost.  One that was never there, and whose address is not known, is not."""
        since_s = self._lost_since_s
        if since_s is None or self._is_waited_for or self._clock.monotonic() - since_s < _GRACE_S:
            return ()
        return (f"the fleet's store is lost, and what is known of targets is this process's own: {self._reason}",)

    def _run(self) -> None:
        rhythm = Rhythm(self._clock.monotonic())
        retry_s = _FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                self._exchange()
                retry_s = _FIRST_RETRY_S
                self._wait(rhythm)
            except BoardLost as lost:
                self._note_lost(lost)
                self._stopping.wait(retry_s)
                retry_s = min(2.0 * retry_s, _LONGEST_RETRY_S)
        with suppress(BoardLost):
            if self._lost_since_s is None:
                self._board.exchange(self._sharing.report(is_leaving=True).report)
        self._board.close()

    def _exchange(self) -> None:
        told = self._sharing.report()
        try:
            view = self._board.exchange(told.report)
        except BoardLost:
            self._sharing.put_back(told)
            raise
        self.exchanges += 1
        self._note_found()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed: this process is at its end
                self._loop.call_soon_threadsafe(self._sharing.take, view)

    def _wait(self, rhythm: Rhythm) -> None:
        is_told = False
        while not self._stopping.is_set():
            if rhythm.is_due(self._clock.monotonic(), has_news=is_told or self._sharing.has_news):
                return
            is_told = self._board.wait(LOOK_S) or is_told

    def _note_lost(self, lost: BoardLost) -> None:
        if self._lost_since_s is None:
            self._lost_since_s = self._clock.monotonic()
            self._is_waited_for = False
            _log.warning("fleet_store_lost", reason=str(lost))
        elif not isinstance(lost, BoardNotReady):
            self._is_waited_for = False
        self._reason = str(lost)

    def _note_found(self) -> None:
        if self._lost_since_s is not None:
            _log.info("fleet_store_found", after_s=round(self._clock.monotonic() - self._lost_since_s, 3))
        self._lost_since_s = None
        self._is_waited_for = True
