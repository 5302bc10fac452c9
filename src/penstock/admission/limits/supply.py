"""Keeps the counters supplied: asks the store off the request path, and lets requests wait where there is no other way.

The event loop decides what to ask and takes the replies in; a thread of its own carries them to the store.  One batch
is under way at a time, so whatever is needed meanwhile goes with the next: a burst costs two round trips.  `app` makes
one and calls `start` and `close`; `stage` calls `reserve`.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import msgspec
import structlog

from penstock.admission.limits.book import Book, Costs, Lacking, Notice, Refused, Reserved, Values
from penstock.admission.limits.counter import Counter, Waits
from penstock.admission.limits.slices import FINAL_BATCH, Ask, Replies, SliceStore, StoreLost
from penstock.admission.limits.spent_file import LEVEL_SUFFIX, SpentRows, adopt_orphans
from penstock.core.clock import Clock, Timer
from penstock.core.errors import Overloaded

TICK_S = 0.05
CONCURRENCY_LEASE_S = 15.0
"""How long a process that cannot reach the store goes on admitting to the places that it holds."""
_WAIT_S = 2.0
_LOSS_GRACE_S = 2.0
_HEARTBEAT_S = 1.0
_ADOPT_EVERY_S = 5.0
_SWEEP_EVERY_S = 10.0
_CLOSE_S = 5.0
_NOT_ASKED = "it was not asked yet"

_log = structlog.get_logger(__name__)

_NOTHING: tuple[tuple[Counter, Ask], ...] = ()


@dataclass(frozen=True, slots=True)
class _Errand:
    batch: int
    asked: Sequence[tuple[Counter, Ask]]
    is_last: bool = False


class _Waiter(msgspec.Struct, eq=False):
    values: Values
    costs: Costs
    until_s: float
    done: "asyncio.Future[Reserved | Refused]"


class LimitHealth(msgspec.Struct, frozen=True, kw_only=True):
    """For `/health`.  `lost_s` is how long the store has been away; `clock_steps` how often its clock was moved."""

    is_store_lost: bool
    lost_s: float
    reason: str
    counters: int
    active: int
    waiting: int
    clock_steps: int
    adopted: int


class LimitSupply:
    """See the module.  `folder` is where dead processes of this machine left what they had spent."""

    def __init__(
        self,
        book: Book,
        store: SliceStore,
        *,
        rows: SpentRows,
        lease: str,
        clock: Clock,
        on_notice: Callable[[Notice], None],
        folder: Path | None = None,
    ) -> None:
        self.book = book
        self._store = store
        self._rows = rows
        self._lease = lease
        self._clock = clock
        self._on_notice = on_notice
        self._folder = folder
        self._waiters: dict[_Waiter, None] = {}
        self._under_way: _Errand | None = None
        self._is_kicked = False
        self._sent_s = float("-inf")
        self._lost_since_s: float | None = None
        self._reason = _NOT_ASKED
        self._adopted = 0
        self._timer: Timer | None = None
        self._sweep_at_s = self._heartbeat_at_s = float("-inf")
        self._is_closed = False
        self._queue: SimpleQueue[_Errand | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- life

    def start(self) -> None:
        """Begin, on the event loop that will serve.  Asks the store for its time at once."""
        self._loop = asyncio.get_running_loop()
        self._lost_since_s = self._clock.monotonic()
        if not self._store.is_local:
            self._thread = threading.Thread(target=self._run, name="penstock-limits", daemon=True)
            self._thread.start()
        self._send()
        self._arm()

    def close(self) -> None:
        """Give everything unused back, where the store can be had; what cannot be given back is left to be adopted."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for waiter in tuple(self._waiters):
            self._refuse(waiter, _store_away())
        batch, asked = self.book.final_plan()
        errand = _Errand(batch, asked, is_last=True)
        if self._thread is None:
            self._carry(errand)
        else:
            self._queue.put(errand)
            self._queue.put(None)
            self._thread.join(_CLOSE_S)

    @property
    def lost_s(self) -> float:
        """How long the store has been away; 0 while it answers."""
        return 0.0 if self._lost_since_s is None else self._clock.monotonic() - self._lost_since_s

    @property
    def is_lost(self) -> bool:
        """Away for longer than a reconnection takes: rules that close on that are closed now."""
        return self._lost_since_s is not None and self.lost_s > _LOSS_GRACE_S

    @property
    def is_in_doubt(self) -> bool:
        """The last batch failed, or none was answered yet."""
        return self._lost_since_s is not None

    def health(self) -> LimitHealth:
        return LimitHealth(
            is_store_lost=self._lost_since_s is not None,
            lost_s=self.lost_s,
            reason=self._reason,
            counters=self.book.size,
            active=self.book.active,
            waiting=len(self._waiters),
            clock_steps=self.book.clock_steps,
            adopted=self._adopted,
        )

    # -- the request path

    async def reserve(self, values: Values, costs: Costs) -> Reserved | Refused:
        """As `Book.consider`, waiting for the store where what is leased does not suffice.

        Raises `Overloaded` where the store does not answer.  A cancelled wait leaves nothing reserved.
        """
        found = self._consider(values, costs)
        if isinstance(found, Lacking) and self._store.is_local:
            self._send(found, costs)
            found = self._consider(values, costs)
        if not isinstance(found, Lacking):
            self.kick()
            return found
        if self._lost_since_s is not None and self.is_lost:
            raise _store_away()
        waiter = _Waiter(values, costs, self._clock.monotonic() + _WAIT_S, asyncio.get_running_loop().create_future())
        self._waiters[waiter] = None
        self.kick()
        try:
            return await waiter.done
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            self._undo(waiter)
            raise

    def kick(self) -> None:
        """Ask the store now, or as soon as it has answered."""
        if self._under_way is None:
            self._send()
        else:
            self._is_kicked = True

    def _undo(self, waiter: _Waiter) -> None:
        if waiter.done.done() and not waiter.done.cancelled() and waiter.done.exception() is None:
            found = waiter.done.result()
            if isinstance(found, Reserved):
                self.book.settle(found, (0,) * len(found.costs))

    def _consider(self, values: Values, costs: Costs) -> Reserved | Lacking | Refused:
        now_s = self._clock.monotonic()
        now = self.book.store_now(now_s)
        return Lacking(()) if now is None else self.book.consider(values, costs, now, now_s)

    # -- asking

    def _arm(self) -> None:
        self._timer = self._clock.call_at(self._clock.monotonic() + TICK_S, self._tick)

    def _tick(self) -> None:
        now_s = self._clock.monotonic()
        if now_s >= self._sweep_at_s:
            self._sweep_at_s = now_s + _SWEEP_EVERY_S
            self.book.sweep(now_s)
        for waiter in [each for each in self._waiters if now_s >= each.until_s]:
            self._refuse(waiter, _store_away())
        if self._under_way is None:
            self._send()
        elif self._lost_since_s is None and now_s - self._sent_s > _LOSS_GRACE_S:
            # Neither an answer nor an error: that is no store either.
            self._lost_since_s, self._reason = self._sent_s, "it does not answer"
            _log.warning("limit_store_lost", reason=self._reason)
        self._arm()

    def _send(self, lacking: Lacking | None = None, costs: Costs = ()) -> None:
        if self._is_closed:
            return
        self._is_kicked = False
        now_s = self._clock.monotonic()
        batch = 0
        asked: Sequence[tuple[Counter, Ask]] = _NOTHING
        if self._lost_since_s is None:
            waits = self._waits()
            if lacking is not None:
                waits |= {each: Waits(costs[each.unit], costs[each.unit]) for each in lacking.counters}
            batch, asked = self.book.plan(now_s, waits)
            if not asked and now_s < self._heartbeat_at_s:
                return
        # While the store is away it is only asked for the time: what is planned is given away, and may not arrive.
        self._heartbeat_at_s = now_s + _HEARTBEAT_S
        self._sent_s = now_s
        errand = self._under_way = _Errand(batch, asked)
        if self._thread is None:
            self._carry(errand)
        else:
            self._queue.put(errand)

    def _waits(self) -> dict[Counter, Waits]:
        """What those who wait need of each counter that they meet."""
        waits: dict[Counter, Waits] = {}
        now = self.book.store_now(self._clock.monotonic())
        if now is None:
            return waits
        for waiter in self._waiters:
            for counter in self.book.live_bundle(waiter.values, now).counters:
                cost = waiter.costs[counter.unit]
                if cost == 0 or counter.is_loose or counter.rule.is_shadow or cost > counter.amount:
                    continue
                known = waits.get(counter)
                is_lacking = counter.spent + cost > counter.held
                if known is None:
                    waits[counter] = Waits(cost if is_lacking else 0, cost)
                else:
                    known.need += cost
                    if known.least == 0 and counter.spent + known.need > counter.held:
                        known.least = cost
        return waits

    # -- the thread

    def _run(self) -> None:
        adopt_at_s = float("-inf")
        while True:
            errand = self._queue.get()
            if errand is None:
                return
            now_s = self._clock.monotonic()
            if self._folder is not None and now_s >= adopt_at_s:
                adopt_at_s = now_s + _ADOPT_EVERY_S
                self._adopt(self._folder)
            self._carry(errand)

    def _adopt(self, folder: Path) -> None:
        for orphan in adopt_orphans(folder):
            asks = [
                Ask(key=key, amount=0, keep=0 if key.endswith(LEVEL_SUFFIX) else spent, used=spent, expires_s=0)
                for key, spent in orphan.spent.items()
            ]
            try:
                if asks:
                    self._store.exchange(orphan.lease, FINAL_BATCH, asks)
            except StoreLost:
                orphan.leave()
                return
            orphan.bury()
            self._adopted += 1
            _log.info("lease_adopted", lease=orphan.lease, counters=len(asks))

    def _carry(self, errand: _Errand) -> None:
        began_s = self._clock.monotonic()
        outcome: Replies | StoreLost
        try:
            outcome = self._store.exchange(self._lease, errand.batch, [ask for _, ask in errand.asked])
        except StoreLost as lost:
            outcome = lost
        heard_s = (began_s + self._clock.monotonic()) / 2
        if errand.is_last:
            self._store.close()
            if isinstance(outcome, Replies):
                self._rows.close()
            else:
                self._rows.leave()
        elif self._thread is None or self._loop is None:
            self._hear(errand, outcome, heard_s)
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
                self._loop.call_soon_threadsafe(self._hear, errand, outcome, heard_s)

    # -- hearing

    def _hear(self, errand: _Errand, outcome: Replies | StoreLost, heard_s: float) -> None:
        self._under_way = None
        if self._is_closed:
            return
        if isinstance(outcome, StoreLost):
            if self._lost_since_s is None:
                self._lost_since_s = self._clock.monotonic()
                _log.warning("limit_store_lost", reason=str(outcome))
            self._reason = str(outcome)
            return
        was_lost = self._lost_since_s is not None
        if self._lost_since_s is not None:
            if self._reason != _NOT_ASKED:
                _log.info("limit_store_heard", after_s=round(self.lost_s, 3))
            self._lost_since_s, self._reason = None, ""
        if self.book.set_time(outcome.now, heard_s):
            _log.warning("limit_store_clock_moved", now=outcome.now)
        notices = self.book.learn(errand.asked, outcome.replies, self._clock.monotonic())
        self._serve_waiters()
        for notice in notices:
            self._on_notice(notice)
        if self._is_kicked or notices or was_lost:
            self._send()

    def _serve_waiters(self) -> None:
        """First come, first served: each gets the whole of its reservation here or goes on waiting."""
        for waiter in tuple(self._waiters):
            found = self._consider(waiter.values, waiter.costs)
            if isinstance(found, Lacking):
                continue
            del self._waiters[waiter]
            if waiter.done.done():
                if isinstance(found, Reserved):
                    self.book.settle(found, (0,) * len(found.costs))
            else:
                waiter.done.set_result(found)

    def _refuse(self, waiter: _Waiter, error: Overloaded) -> None:
        self._waiters.pop(waiter, None)
        if not waiter.done.done():
            waiter.done.set_exception(error)


def _store_away() -> Overloaded:
    return Overloaded("Limits cannot be checked at the moment: try again shortly.", retry_after_s=1.0)
