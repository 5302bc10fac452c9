"""Feedback of a data plane: taken from callers, brought to the database, and heeded by every process.

A remark (a rating, a correction, a text) is masked, and on the disk before its caller hears that it is kept; the
control plane brings it into the database.

What a verdict changes: an answer that somebody called bad is not given again from a cache, and the dial of a model with
tiers moves by what was said of its weaker ones.  Both only once the ledger knows the exchange, so that nobody judges
what was never theirs.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from penstock.app.guards.wording import Wording
from penstock.cache import store as cache_store
from penstock.cache.entry import Drop
from penstock.cache.shelf import Shelf
from penstock.config.datadir import DataDir
from penstock.core.clock import Clock
from penstock.core.errors import UnsupportedField
from penstock.core.exchange import Principal
from penstock.core.feedback import Feedback, Remark
from penstock.review.outbox import Outbox
from penstock.review.remarks import FOLDER as REMARKS
from penstock.storage.follow import Follower, Following, Listening
from penstock.watch.feedback import store
from penstock.watch.feedback.outbox import FeedbackOutbox, decode_feedback
from penstock.watch.feedback.store import Placed
from penstock.watch.journal import JournalFile
from penstock.watch.outgoing import is_anything_waiting, ship
from penstock.watch.segment import segments

if TYPE_CHECKING:
    from penstock.routing.stage import TierChoice

_REFRESH_S = 15.0
_AT_ONCE = 500
_REMARK_REFUSED = "What you say of the answer cannot be recorded at the moment; try again later."
_UNMASKED = (
    "Nothing here masks personal data, and people write some: texts are taken where a model has `guards.personal_data`,"
    " or with `review.unmasked_remarks: true`."
)


class RemarkDesk:
    """Takes what people say in more than a verdict.  `wording` is None where nothing is masked."""

    def __init__(self, outbox: Outbox, wording: Wording | None, *, takes_unmasked: bool) -> None:
        self._outbox = outbox
        self._wording = wording
        self.takes_unmasked = takes_unmasked

    async def take(self, remark: Remark, who: Principal) -> None:
        """It is on the disk, masked, when this returns.

        Raises `UnsupportedField` for a text that nothing could mask, what `Wording.masked` raises, and
        `LedgerUnavailable`.
        """
        field = "correction" if remark.correction is not None else "comment" if remark.comment is not None else None
        if self._wording is not None:
            remark = await self._wording.masked(remark, who)
        elif field is not None and not self.takes_unmasked:
            raise UnsupportedField(_UNMASKED, field=field)
        await self._outbox.write(remark)

    @property
    def taken(self) -> int:
        return self._outbox.written

    def close(self) -> None:
        self._outbox.close()


def open_desk(data_dir: DataDir, clock: Clock, wording: Wording | None, *, takes_unmasked: bool) -> RemarkDesk:
    """Nothing is written before the first remark."""
    folder = data_dir.root / REMARKS
    outbox = Outbox(
        folder, lambda place: JournalFile(place, clock=clock, fsync="never"), _waiting_in, refused=_REMARK_REFUSED
    )
    return RemarkDesk(outbox, wording, takes_unmasked=takes_unmasked)


class PlaneFeedback:
    """`start` once, on the event loop that serves; `stop` once, after the last request.

    `choice` is None where no model has tiers.  `source` is the connection that it shares with what else is followed.
    """

    def __init__(
        self,
        outbox: FeedbackOutbox,
        clock: Clock,
        *,
        remarks: RemarkDesk,
        shelf: Shelf,
        choice: "TierChoice | None",
        source: Listening,
    ) -> None:
        self.remarks = remarks
        self._outbox = outbox
        self._clock = clock
        self._shelf = shelf
        self._choice = choice
        self._follower = Follower(Following("feedback", (store.CHANNEL,), _REFRESH_S, self._read, self._tend), source)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen: int | None = None

    async def take(self, who: Principal, feedback: Feedback | None, remark: Remark | None) -> None:
        """A `server.service.TakeFeedback`.  What is said again after a refusal takes its own place."""
        if remark is not None:
            await self.remarks.take(remark, who)
        if feedback is not None:
            self._outbox.write(feedback)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._follower.start()

    def stop(self) -> None:
        """What still waits is brought away by another process, or the next one."""
        self._follower.stop()
        self._outbox.close()
        self.remarks.close()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        return (
            ("penstock_feedback_taken", "Verdicts on answers that this process has taken.", self._outbox.written),
            ("penstock_remarks_taken", "Ratings, corrections and texts that it has taken.", self.remarks.taken),
        )

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


def _waiting_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in segments(folder))
