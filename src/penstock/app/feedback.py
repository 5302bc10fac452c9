"""Feedback of a data plane: taken from callers, brought to the database, and heeded by every process.

What it changes: an answer that somebody called bad is not given again from a cache, and the dial of a model with tiers
moves by what was said of its weaker ones.  Both only once the ledger knows the exchange, so that nobody judges what
was never theirs.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from penstock.cache import store as cache_store
from penstock.cache.entry import Drop
from penstock.cache.shelf import Shelf
from penstock.core.clock import Clock
from penstock.core.feedback import Feedback
from penstock.storage.follow import Follower, Following, Listening
from penstock.watch.feedback import store
from penstock.watch.feedback.outbox import FeedbackOutbox, decode_feedback
from penstock.watch.feedback.store import Placed
from penstock.watch.outgoing import is_anything_waiting, ship

if TYPE_CHECKING:
    from penstock.routing.stage import TierChoice

_REFRESH_S = 15.0
_AT_ONCE = 500


class PlaneFeedback:
    """`start` once, on the event loop that serves; `stop` once, after the last request.

    `choice` is None where no model has tiers.  `source` is the connection that it shares with what else is followed.
    """

    def __init__(
        self, outbox: FeedbackOutbox, clock: Clock, *, shelf: Shelf, choice: "TierChoice | None", source: Listening
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._shelf = shelf
        self._choice = choice
        self._follower = Follower(Following("feedback", (store.CHANNEL,), _REFRESH_S, self._read, self._tend), source)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen: int | None = None

    def take(self, feedback: Feedback) -> None:
        """Keep it on this machine's disk.  Raises `LedgerUnavailable`."""
        self._outbox.write(feedback)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._follower.start()

    def stop(self) -> None:
        """What still waits is brought away by another process, or the next one."""
        self._follower.stop()
        self._outbox.close()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        return (("penstock_feedback_taken", "Verdicts on answers that this process has taken.", self._outbox.written),)

    def heed(self, placed: Sequence[Placed]) -> None:
        """On the event loop: let it have its consequences in this process.

        Bad answers go from memory here, where no store may tell of drops, and from the store in `_tend`.
        """
        drops = [Drop(answer=each.answer) for each in placed if each.verdict == "bad" and each.answer is not None]
        if drops:
            self._shelf.apply(drops)
        if self._choice is None:
            return
        for each in placed:
            if each.tier is not None:
                self._choice.outcome(each.model, each.tier, failed=each.verdict == "bad")

    def _read(self, connection: psycopg.Connection) -> None:
        """In the follower's thread.  What was said before this process began is not its to learn."""
        if self._seen is None:
            self._seen = store.last_place(connection)
        while news := store.read_news(connection, after=self._seen, most=_AT_ONCE):
            self._seen = news[-1].place
            self._tell(partial(self.heed, news))

    def _tend(self, connection: psycopg.Connection) -> None:
        if is_anything_waiting(self._outbox.folder):
            ship(self._outbox.folder, partial(store.insert, connection), decode_feedback)
        with connection.transaction():
            placed = store.place(connection, now=self._clock.now(), most=_AT_ONCE)
            bad = {each.answer for each in placed if each.verdict == "bad" and each.answer is not None}
            cache_store.drop_answers(connection, sorted(bad))

    def _tell(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed: this process is at its end
                self._loop.call_soon_threadsafe(function)
