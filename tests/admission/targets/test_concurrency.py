"""The limit finds what a server takes, follows it, and is not fooled by chance, by rest, or by slowness not ours."""

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count

import pytest

from penstock.admission.targets.concurrency import ConcurrencyLimit
from penstock.config.targets import ConcurrencySettings
from penstock.testing.chance import Rng, rng_for

Service = Callable[[Rng], float]


def exactly(_rng: Rng) -> float:
    return 1.0


def exponential(rng: Rng) -> float:
    return rng.expovariate(1.0)


def log_normal(rng: Rng) -> float:
    return rng.lognormvariate(-0.32, 0.8)


class Server:
    """Takes `slots` calls at once and lets others wait in order; `demand` callers come back as soon as they may."""

    def __init__(self, service: Service, *, initial: int = 32, demand: int = 100_000, seed: int = 1) -> None:
        self.limit = ConcurrencyLimit(ConcurrencySettings(initial=initial))
        self.slots = 0
        self.slowness = 1.0
        self.demand = demand
        self._service = service
        self._rng = rng_for(seed)
        self._now_s = 0.0
        self._in_flight = 0
        self._busy = 0
        self._line: deque[float] = deque()
        self._ends: list[tuple[float, int, float]] = []
        self._order = count()

    def run(self, seconds: float) -> float:
        """The mean limit over the second half of `seconds`."""
        end_s = self._now_s + seconds
        weighed = weight = 0.0
        while True:
            while self._in_flight < min(self.limit.limit, self.demand):
                self._in_flight += 1
                self._line.append(self._now_s)
            while self._line and self._busy < self.slots:
                self._busy += 1
                service_s = self._service(self._rng) * self.slowness
                heapq.heappush(self._ends, (self._now_s + service_s, next(self._order), self._line.popleft()))
            if self._ends[0][0] > end_s:
                self._now_s = end_s
                return weighed / weight
            before_s = self._now_s
            self._now_s, _, sent_s = heapq.heappop(self._ends)
            if self._now_s > end_s - seconds / 2:
                weighed += self.limit.limit * (self._now_s - before_s)
                weight += self._now_s - before_s
            self._busy -= 1
            self.limit.add(self._now_s - sent_s, in_flight=self._in_flight, now_s=self._now_s)
            self._in_flight -= 1


@pytest.mark.parametrize("service", [exactly, exponential, log_normal])
@pytest.mark.parametrize("slots", [20, 50, 100])
def test_it_settles_within_a_fifth_of_what_the_server_takes(service: Service, slots: int) -> None:
    server = Server(service)
    server.slots = slots
    assert 0.8 * slots <= server.run(900.0) <= 1.2 * slots


@pytest.mark.parametrize("initial", [2, 300])
def test_it_gets_there_from_far_below_and_from_far_above(initial: int) -> None:
    server = Server(log_normal, initial=initial)
    server.slots = 50
    assert 0.8 * 50 <= server.run(1_200.0) <= 1.2 * 50


@pytest.mark.parametrize("service", [exactly, log_normal])
def test_it_follows_a_drop_of_capacity_and_its_return(service: Service) -> None:
    server = Server(service)
    server.slots = 50
    server.run(400.0)
    server.slots = 20
    assert 0.8 * 20 <= server.run(400.0) <= 1.2 * 20
    server.slots = 50
    assert 0.8 * 50 <= server.run(600.0) <= 1.2 * 50


@pytest.mark.parametrize("service", [exactly, log_normal])
def test_a_server_that_only_answers_more_slowly_keeps_its_limit(service: Service) -> None:
    server = Server(service)
    server.slots = 50
    server.run(400.0)
    server.slowness = 3.0
    assert 0.75 * 50 <= server.run(1_200.0) <= 1.25 * 50


def test_an_idle_target_keeps_its_limit() -> None:
    server = Server(log_normal, demand=3)
    server.slots = 100
    server.run(2_000.0)
    assert server.limit.limit == 32


def test_a_server_without_bounds_is_given_all_that_is_wanted() -> None:
    server = Server(log_normal, demand=300)
    server.slots = 100_000
    assert server.run(1_000.0) >= 300


def test_refusals_that_are_few_and_have_other_reasons_do_not_bring_it_down() -> None:
    limit = ConcurrencyLimit(ConcurrencySettings(initial=100))
    rng = rng_for("few")
    for call in range(20_000):
        if rng.random() < 0.06:
            limit.refused(in_flight=20, sent_s=float(call), now_s=call + 1.0)
        else:
            limit.add(1.0, in_flight=20, now_s=call + 1.0)
    assert limit.limit == 100


def test_a_storm_of_refusals_brings_it_to_what_the_target_kept() -> None:
    limit = ConcurrencyLimit(ConcurrencySettings(initial=1_000))
    limit.add(1.0, in_flight=60, now_s=0.0)
    for kept in range(70, 49, -1):
        limit.refused(in_flight=kept, sent_s=1.0, now_s=1.02)
    assert limit.limit == 50 or limit.limit == round(0.8 * 60)


def test_where_nothing_gets_through_refusals_bring_it_down_but_once() -> None:
    """How much the target takes at once cannot be learned from one that takes nothing."""
    limit = ConcurrencyLimit(ConcurrencySettings(initial=100))
    for second in range(100):
        limit.refused(in_flight=99, sent_s=float(second), now_s=second + 0.5)
    assert limit.limit >= 80


def test_timeouts_bring_it_down_once_a_round_trip_and_never_below_its_least() -> None:
    limit = ConcurrencyLimit(ConcurrencySettings(initial=100, least=2))
    for _ in range(50):
        limit.timed_out(sent_s=0.0, now_s=1.0)
    assert limit.limit == 80
    for second in range(1, 60):
        limit.timed_out(sent_s=second + 0.5, now_s=second + 1.0)
    assert limit.limit == 2


class RefusingServer:
    """Takes `slots` calls at once and refuses what comes on top, within 20 ms; there is always somebody who asks."""

    def __init__(self, service: Service, *, seed: int) -> None:
        self.limit = ConcurrencyLimit(ConcurrencySettings())
        self.slots = 0
        self.calls = 0
        self.refused = 0
        self._service = service
        self._rng = rng_for("refusing", seed)
        self._now_s = 0.0
        self._in_flight = 0
        self._busy = 0
        self._ends: list[tuple[float, int, float, bool]] = []
        self._order = count()

    def run(self, seconds: float) -> float:
        """The part of the places that had work in the second half of `seconds`, in which calls are counted."""
        end_s, busy_s = self._now_s + seconds, 0.0
        is_second_half = False
        while self._now_s < end_s:
            while self._in_flight < self.limit.limit:
                self._send()
            before_s, busy = self._now_s, self._busy
            self._now_s, _, sent_s, is_taken = heapq.heappop(self._ends)
            if self._now_s > end_s - seconds / 2:
                if not is_second_half:
                    is_second_half = True
                    self.calls = self.refused = 0
                busy_s += busy * (self._now_s - before_s)
            if is_taken:
                self._busy -= 1
                self.limit.add(self._now_s - sent_s, in_flight=self._in_flight, now_s=self._now_s)
            self._in_flight -= 1
            if not is_taken:
                self.limit.refused(in_flight=self._in_flight, sent_s=sent_s, now_s=self._now_s)
        return busy_s / (seconds / 2) / self.slots

    def _send(self) -> None:
        is_taken = self._busy < self.slots
        self.calls += 1
        self.refused += not is_taken
        self._busy += is_taken
        self._in_flight += 1
        took_s = self._service(self._rng) if is_taken else 0.02
        heapq.heappush(self._ends, (self._now_s + took_s, next(self._order), self._now_s, is_taken))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("service", [exactly, exponential, log_normal])
def test_a_server_that_refuses_is_taken_at_its_word_also_when_it_takes_fewer_or_more(
    service: Service, seed: int
) -> None:
    server = RefusingServer(service, seed=seed)
    for slots in (20, 8, 20):
        server.slots = slots
        assert server.run(400.0) >= 0.95
        assert server.refused <= 0.05 * server.calls


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_calls_that_were_given_up_count_as_slow(seed: int) -> None:
    """Callers wait for two seconds at most: what answers in time shows but the quicker half."""
    limit = ConcurrencyLimit(ConcurrencySettings(initial=32))
    blind = ConcurrencyLimit(ConcurrencySettings(initial=32))
    rng = rng_for("given up", seed)
    for call in range(6_000):
        took_s = rng.expovariate(0.5)
        for each in (limit, blind):
            if took_s <= 2.0:
                each.add(took_s, in_flight=1_000, now_s=float(call))
            elif each is limit:
                each.add_unfinished(2.0, now_s=float(call))
    assert limit.unhurried_s is not None
    assert blind.unhurried_s is not None
    assert blind.unhurried_s < 1.0
    assert 1.57 <= limit.unhurried_s <= 2.0, "were nobody in a hurry, the mean of the roots, squared, would be 1.57 s"
