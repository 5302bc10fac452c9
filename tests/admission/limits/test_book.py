"""The counters under any interleaving: admit, settle, refill, replies lost, batches late, processes killed.

Whatever happens: never over, never negative, and in the end the books balance.
"""

import tempfile
from pathlib import Path
from shutil import rmtree
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from tests.admission.limits.scene import utc

from penstock.admission.limits.book import Book, Lacking, Reserved
from penstock.admission.limits.counter import Counter, Waits
from penstock.admission.limits.limit import Limit, compile_rules
from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.slices import FINAL_BATCH, Ask, Reply
from penstock.admission.limits.spent_file import SpentFile, adopt_orphans
from penstock.testing.clock import FakeClock

AMOUNT = 200
NOTHING = cast("Any", multiple())
VALUES = ("acme", None, None, None, None, None, None)
PLACES = 5
LIMIT = Limit(name="tpm", unit="tokens", amount=AMOUNT, per="month", scope=("tenant",))
AT_ONCE = Limit(name="places", unit="concurrency", amount=PLACES, scope=("tenant",))


class Process:
    def __init__(self, folder: Path, clock: FakeClock, limit: Limit = LIMIT) -> None:
        self.rows = SpentFile(folder)
        self.book = Book(compile_rules([limit]), rows=self.rows, zone_of=utc, hold_s=60)
        self.book.set_time(clock.now(), clock.monotonic())
        self.open: dict[int, Reserved] = {}
        self.sent: list[tuple[int, list[Ask]]] = []


class Fleet(RuleBasedStateMachine):
    """`admitted` and `overdrawn` are what the test itself knows: what was let in or settled, and what came to more."""

    reservations: Bundle[Any] = Bundle("reservations")

    @initialize(limit=st.sampled_from([LIMIT, AT_ONCE]))
    def begin(self, limit: Limit) -> None:
        self.limit = limit
        self.is_level = limit is AT_ONCE
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-book-"))
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.processes = [Process(self.folder, self.clock, limit) for _ in range(3)]
        self.admitted = 0
        self.overdrawn = 0
        self.next_id = 0
        self.grave: list[Process] = []

    @rule(target=reservations, at=st.integers(0, 2), cost=st.integers(1, 60))
    def admit(self, at: int, cost: int) -> Any:
        process = self.processes[at]
        cost = 1 if self.is_level else cost
        found = self._consider(process, cost)
        if isinstance(found, Lacking):
            waits = {each: Waits(cost, cost) for each in found.counters}
            self._exchange(process, waits)
            found = self._consider(process, cost)
        if not isinstance(found, Reserved):
            return NOTHING
        self.admitted += cost
        self.next_id += 1
        process.open[self.next_id] = found
        return (process, self.next_id, cost)

    @rule(reservation=consumes(reservations), share=st.integers(0, 130))
    def settle(self, reservation: tuple[Process, int, int], share: int) -> None:
        process, number, cost = reservation
        found = process.open.pop(number, None)
        if found is None:
            return  # its process was killed: what it reserved stays used
        final = 0 if self.is_level else cost * share // 100
        process.book.settle(found, (1, final, final, 0, 0, 0))
        self.admitted += final - cost
        self.overdrawn += max(0, final - cost)

    @rule(at=st.integers(0, 2))
    def refill(self, at: int) -> None:
        self._exchange(self.processes[at], {})

    @rule(at=st.integers(0, 2), is_booked=st.booleans())
    def lose_a_reply(self, at: int, is_booked: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        process = self.processes[at]
        batch, asked = process.book.plan(self.clock.monotonic(), {})
        asks = [ask for _, ask in asked]
        process.sent.append((batch, asks))
        if is_booked:
            self.store.exchange(process.rows.lease, batch, asks)

    @rule(at=st.integers(0, 2), back=st.integers(1, 4))
    def deliver_late(self, at: int, back: int) -> None:
        process = self.processes[at]
        if len(process.sent) > back:  # the newest is never behind a newer one of the same process
            batch, asks = process.sent[-1 - back]
            self.store.exchange(process.rows.lease, batch, asks)

    @rule(at=st.integers(0, 2))
    def kill(self, at: int) -> None:
        self.processes[at].rows.leave()
        if self.is_level:
            self.admitted -= len(self.processes[at].open)  # who is dead asks a provider nothing more
        self.processes[at].open.clear()
        self.grave.append(self.processes[at])
        self.processes[at] = Process(self.folder, self.clock, self.limit)
        self._adopt()

    @rule()
    def deliver_from_the_grave(self) -> None:
        for dead in self.grave[-1:]:
            for batch, asks in dead.sent[-1:]:
                self.store.exchange(dead.rows.lease, batch, asks)

    @rule(seconds=st.sampled_from([0.01, 0.3, 3.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def never_over(self) -> None:
        assert self.admitted <= self.limit.amount + self.overdrawn

    @invariant()
    def never_negative(self) -> None:
        for process in self.processes:
            for counter in process.book.counters:
                assert counter.spent >= counter.used >= 0
                assert counter.held >= 0

    def teardown(self) -> None:
        if not hasattr(self, "processes"):
            return
        for process in self.processes:
            for found in process.open.values():
                tokens = found.costs[1]
                process.book.settle(found, (1, tokens, tokens, 0, 0, 0))
                self.admitted -= self.is_level
        for _ in range(4):
            self.clock.advance(2.0)
            for process in self.processes:
                self._exchange(process, {})
        probe = self.store.exchange("probe", 1, [Ask(key=self._key(), amount=AMOUNT, keep=0, used=0)])
        reply = probe.replies[0]
        assert (reply.granted, reply.used) == (self.admitted, self.admitted), "the books balance"
        for process in self.processes:
            process.rows.leave()
        rmtree(self.folder)

    def _consider(self, process: Process, cost: int) -> Any:
        costs = (1, cost, cost, 0, 0, 1)
        now, now_s = self.clock.now(), self.clock.monotonic()
        bundle = process.book.live_bundle(VALUES, now)
        if process.book.reserve(bundle, costs):
            return Reserved(bundle.counters, costs)
        return process.book.consider(VALUES, costs, now, now_s)

    def _exchange(self, process: Process, waits: dict[Counter, Waits]) -> None:
        batch, asked = process.book.plan(self.clock.monotonic(), waits)
        asks = [ask for _, ask in asked]
        process.sent.append((batch, asks))
        replies = self.store.exchange(process.rows.lease, batch, asks)
        process.book.learn(asked, replies.replies, self.clock.monotonic())

    def _adopt(self) -> None:
        for orphan in adopt_orphans(self.folder):
            asks = [Ask(key=key, amount=0, keep=n, used=n, expires_s=0) for key, n in orphan.spent.items()]
            self.store.exchange(orphan.lease, FINAL_BATCH, asks)
            orphan.bury()

    def _key(self) -> str:
        book = self.processes[0].book
        return book.live_bundle(VALUES, self.clock.now()).counters[0].key


def test_what_was_offered_back_is_not_given_out_though_the_reply_was_lost(tmp_path: Path) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    giver, taker = Process(tmp_path, clock), Process(tmp_path, clock)
    counter = giver.book.live_bundle(VALUES, clock.now()).counters[0]
    giver.book.activate(counter)

    def plan(process: Process, waits: dict[Counter, Waits]) -> tuple[list[tuple[Counter, Ask]], tuple[Reply, ...]]:
        batch, asked = process.book.plan(clock.monotonic(), waits)
        return asked, store.exchange(process.rows.lease, batch, [ask for _, ask in asked]).replies

    giver.book.learn(*plan(giver, {counter: Waits(50, 50)}), clock.monotonic())
    assert counter.held == 50
    clock.advance(3)
    plan(giver, {})  # it is idle, so all of it goes back; the reply does not arrive
    theirs = taker.book.live_bundle(VALUES, clock.now()).counters[0]
    taker.book.activate(theirs)
    taker.book.learn(*plan(taker, {theirs: Waits(AMOUNT, AMOUNT)}), clock.monotonic())
    assert theirs.held == AMOUNT
    assert counter.held == 0
    giver.rows.close()
    taker.rows.close()


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
