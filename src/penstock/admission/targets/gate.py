"""What a call passes before it may go to a target: breaker, queue, concurrency limit, the provider's own limits.

`flow.attempt` enters before it opens a call and closes the permit when that call is over, whatever became of it.  One
gate for each target; it belongs to one event loop and does no I/O.
"""

import asyncio
import math
import random
from collections.abc import Callable, Mapping

from penstock.admission.targets.announced import read_limits
from penstock.admission.targets.breaker import Breaker, BreakerChange
from penstock.admission.targets.calibration import PromptRatio
from penstock.admission.targets.concurrency import ConcurrencyLimit
from penstock.admission.targets.fair import FairQueue, PriorityClass
from penstock.admission.targets.latency import LatencySettings, LatencyStatistics
from penstock.admission.targets.pacer import Pacer, Sent
from penstock.admission.targets.permit import Permit, Waiter
from penstock.config.targets import GateSettings, Priority
from penstock.core.clock import Clock, Timer
from penstock.core.errors import CircuitOpen, Overloaded, QueueTimeout
from penstock.core.outcome import CANCELLED, Cancelled, ClientFault, Failed, Outcome, Succeeded, Throttled

_HOLD_SETTLES = 0.05
_OBSERVE_EVERY_S = 0.002
_LEAST_WAKE_S = 0.001
_RETRY_LEAST_S = 1.0
_RETRY_MOST_S = 60.0
_OVERLOADED = "Too many requests wait for this model: try again shortly."
_NEEDS = 3.0
_TOO_LATE = "This request would not get its turn in time: try again later."
_NOTHING = Sent()
_ONE = Sent(1)
_DOWN = "The provider is failing and is not being called for now."


class TargetGate:
    """See the module.

    `weight` in `enter` is the tenant's share beside other tenants of its class.  Token counts are estimates, used where
    the provider limits tokens.  `on_breaker_change` is told of every change of the breaker's state.  `called_s` is when
    a call last went out (monotonic).
    """

    def __init__(
        self,
        name: str,
        settings: GateSettings,
        clock: Clock,
        rng: random.Random,
        *,
        on_breaker_change: Callable[[str, BreakerChange], None] | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._on_breaker_change = on_breaker_change
        self._queue: FairQueue[Waiter] = FairQueue(settings.queue)
        self._concurrency = ConcurrencyLimit(settings.concurrency)
        self._pacer = Pacer(settings.pacing, rng)
        self.prompts = PromptRatio()
        self._latency = LatencyStatistics(LatencySettings())
        self._waiting_for = Sent()
        self._wake: Timer | None = None
        self._observed_at_s = -math.inf
        self.expected_hold_s = 0.0
        self.called_s = -math.inf
        self.breaker = Breaker(settings.breaker, clock, rng, self._breaker_changed)

    @property
    def in_flight(self) -> int:
        return self._queue.held

    @property
    def waiting(self) -> int:
        return self._queue.waiting

    @property
    def limit(self) -> int:
        """How many calls at once the target takes, as far as is known."""
        return self._concurrency.limit

    @property
    def admits(self) -> bool:
        """Whether a call would be let in or into the queue at all: the breaker's word."""
        return self.breaker.is_closed or self.breaker.admits

    @property
    def is_idle(self) -> bool:
        """Whether it may be forgotten: nobody holds or waits for a place, and it is not known to be down."""
        return not self._queue.held and not self._queue.waiting and self.breaker.is_closed

    @property
    def load_s(self) -> float:
        """What one more call would cost here, to compare equal targets: peak latency times the calls in hand."""
        queue = self._queue
        return self._latency.peak.value_s * (queue.held + queue.waiting + 1)

    @property
    def is_paced(self) -> bool:
        """Whether the provider has announced limits: only then it matters how many tokens a call is about to use."""
        return self._pacer.is_announced

    def hedge_after_s(self, quantile: float) -> float | None:
        """After how long a call is slower than `quantile` of the recent ones; None before enough of them are known."""
        return self._latency.quantile_s(quantile, self._clock.monotonic())

    def set_share(self, share: float) -> None:
        """The part of the provider's limits that is this process's: one over the number of processes that call it."""
        self._pacer.set_share(share)

    def expected_wait_s(self, *, tenant: str, weight: float = 1.0, priority: Priority = "standard") -> float:
        """How long a call that enters now would wait, from its place in line and the observed rate."""
        which = self._queue.of(priority)
        now_s = self._clock.monotonic()
        if not self._queue.waiting and self._queue.may_take(which, self._concurrency.limit, now_s):
            return self._pacer.wait_s(_ONE, _NOTHING, now_s)
        return self._predicted_wait_s(which, tenant, weight, _ONE, now_s)

    async def enter(
        self,
        *,
        tenant: str,
        deadline_s: float,
        patience_s: float = math.inf,
        weight: float = 1.0,
        priority: Priority = "standard",
        input_tokens: int = 0,
        output_tokens: int = 0,
    ) -> Permit:
        """A place at the target, at once where there is one, else when its turn comes; `deadline_s` is monotonic.

        Raises `CircuitOpen` where the target counts as down, also while waiting; `Overloaded` where the line is full;
        `QueueTimeout` where the wait would be longer than `patience_s`, or the answer would not come before
        `deadline_s`, at once and not after waiting.  A cancelled wait leaves nothing behind.
        """
        which = self._queue.of(priority)
        now_s = self._clock.monotonic()
        if not self.admits:
            raise self._down()
        which.wants(now_s)
        permit = self._at_once(which, input_tokens, output_tokens, now_s)
        if permit is not None:
            return permit
        return await self._wait(
            Waiter(which, tenant, self._need(input_tokens, output_tokens), _future()), weight, deadline_s, patience_s
        )

    def try_enter(
        self, *, priority: Priority = "standard", input_tokens: int = 0, output_tokens: int = 0
    ) -> Permit | None:
        """A place where there is one at once, for a call that need not be made: it never stands in line."""
        if not self.admits:
            return None
        return self._at_once(self._queue.of(priority), input_tokens, output_tokens, self._clock.monotonic())

    def _at_once(
        self, which: PriorityClass[Waiter], input_tokens: int, output_tokens: int, now_s: float
    ) -> Permit | None:
        queue = self._queue
        if queue.waiting or not queue.may_take(which, self._concurrency.limit, now_s):
            return None
        if self._pacer.is_free(now_s):
            return self._permit(which, now_s)
        need = self._need(input_tokens, output_tokens)
        if self._pacer.wait_s(need, _NOTHING, now_s) <= 0.0:
            return self._paced_permit(which, need, now_s)
        return None

    def _need(self, input_tokens: int, output_tokens: int) -> Sent:
        return Sent(1, round(input_tokens * self.prompts.value), output_tokens)

    async def _wait(self, waiter: Waiter, weight: float, deadline_s: float, patience_s: float) -> Permit:
        queue, which, need = self._queue, waiter.which, waiter.need
        began_s = self._clock.monotonic()
        self._refuse_in_vain(waiter, weight, deadline_s, patience_s)
        queue.push(waiter, which, waiter.tenant, weight)
        self._waiting_for.add(need)
        last_s = min(self._last_chance_s(began_s, deadline_s), began_s + patience_s)
        waiter.timer = self._clock.call_at(last_s, lambda: self._too_late(waiter))
        self._dispatch()
        try:
            permit = await waiter.future
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise
        finally:
            waiter.timer.cancel()
        permit.waited_s = self._clock.monotonic() - began_s
        return permit

    def _refuse_in_vain(self, waiter: Waiter, weight: float, deadline_s: float, patience_s: float) -> None:
        now_s = self._clock.monotonic()
        line = waiter.which.line
        wait_s = self._predicted_wait_s(waiter.which, waiter.tenant, weight, waiter.need, now_s)
        if not line.has_room(waiter.tenant):
            raise Overloaded(_OVERLOADED, retry_after_s=_retry_after_s(wait_s))
        last_s = self._last_chance_s(now_s, deadline_s)
        if now_s + wait_s >= last_s:
            raise QueueTimeout(_TOO_LATE, retry_after_s=_retry_after_s(now_s + wait_s - last_s))
        if wait_s > patience_s:
            raise QueueTimeout(_TOO_LATE, retry_after_s=_retry_after_s(wait_s))

    def _last_chance_s(self, now_s: float, deadline_s: float) -> float:
        """When a call must have its turn: later it would be sent in vain, and take the place of one that is not.

        It keeps what all but the slowest calls take, yet no more than half of its time, if that is enough for most.
        """
        unhurried_s = self._concurrency.unhurried_s or 0.0
        return deadline_s - min(_NEEDS * unhurried_s, max(unhurried_s, (deadline_s - now_s) / 2.0))

    def _predicted_wait_s(
        self, which: PriorityClass[Waiter], tenant: str, weight: float, need: Sent, now_s: float
    ) -> float:
        """From the call's place in line and the rate at which its class gets places, and what the pacer will allow."""
        queue = self._queue
        ahead = which.line.ahead_of(tenant, weight)
        places = float(self._concurrency.limit)
        rivals = which.share
        for other in queue.classes:
            if other is not which:
                if other.line.waiting:
                    rivals += other.share
                else:
                    places -= other.held
        places = max(places, which.share * self._concurrency.limit) * which.share / rivals
        place_s = 0.0
        if queue.held >= self._concurrency.limit or ahead:
            place_s = (ahead + 1) * self.expected_hold_s / max(places, which.share)
        if self._pacer.is_free(now_s):
            return place_s
        before = self._waiting_for.part(min(1.0, (ahead * rivals / which.share) / max(1, queue.waiting)))
        return max(place_s, self._pacer.wait_s(need, before, now_s))

    def _dispatch(self) -> None:
        """Hand out places for as long as there are some and the provider's limits allow the next call."""
        queue = self._queue
        now_s = self._clock.monotonic()
        while queue.waiting:
            which = queue.next_class(self._concurrency.limit, now_s)
            if which is None:
                break
            waiter = which.line.first()
            if not waiter.future.done():
                wait_s = self._pacer.wait_s(waiter.need, _NOTHING, now_s)
                if wait_s > 0.0:
                    self._wake_after(wait_s, now_s)
                    return
                if not self.admits:
                    break
            queue.pop(which)
            self._left_line(waiter)
            if not waiter.future.done():
                waiter.future.set_result(self._paced_permit(which, waiter.need, now_s))
        self._stay_asleep()

    def _wake_after(self, wait_s: float, now_s: float) -> None:
        """Not sooner than in a millisecond: a wait that is lost in rounding would never end."""
        self._stay_asleep()
        self._wake = self._clock.call_at(now_s + max(wait_s, _LEAST_WAKE_S), self._woken)

    def _stay_asleep(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None

    def _woken(self) -> None:
        self._wake = None
        self._dispatch()

    def _permit(self, which: PriorityClass[Waiter], now_s: float) -> Permit:
        token = self.breaker.try_take()
        if token is None:
            raise self._down()
        self.called_s = now_s
        self._queue.take(which, self.expected_hold_s)
        return Permit(self, which, token, now_s)

    def _paced_permit(self, which: PriorityClass[Waiter], need: Sent, now_s: float) -> Permit:
        permit = self._permit(which, now_s)
        self._pacer.send(need, now_s)
        permit.mark(self._pacer.sent.copy())
        return permit

    def _too_late(self, waiter: Waiter) -> None:
        """The deadline came first after all: the target has become slower than it was when the call came."""
        if not waiter.future.done():
            self._remove(waiter)
            waiter.future.set_exception(QueueTimeout(_TOO_LATE, retry_after_s=_RETRY_LEAST_S))

    def _abandon(self, waiter: Waiter) -> None:
        """The waiting task was cancelled, perhaps in the moment in which it was given its place."""
        future = waiter.future
        if waiter.is_in_line:
            self._remove(waiter)
        elif future.done() and not future.cancelled() and future.exception() is None:
            future.result().close(CANCELLED)

    def _remove(self, waiter: Waiter) -> None:
        self._queue.remove(waiter, waiter.which, waiter.tenant)
        self._left_line(waiter)
        self._dispatch()

    def _left_line(self, waiter: Waiter) -> None:
        waiter.is_in_line = False
        self._waiting_for.take_off(waiter.need)

    @property
    def wants_headers(self) -> bool:
        """What came within milliseconds of the last is no news."""
        return self._clock.monotonic() - self._observed_at_s >= _OBSERVE_EVERY_S

    def observe(self, headers: Mapping[str, str], mark: Sent | None, sent_s: float) -> None:
        """For `Permit`.  What came within milliseconds of the last is no news: under load it would only cost time."""
        now_s = self._clock.monotonic()
        if now_s - self._observed_at_s < _OBSERVE_EVERY_S:
            return
        self._observed_at_s = now_s
        limits = read_limits(headers, now=self._clock.now())
        if limits.quotas:
            pacer = self._pacer
            pacer.observe(limits, mark=mark or pacer.sent, sent_s=sent_s, now_s=now_s)
            if self._queue.waiting:
                self._dispatch()

    def learn(self, latency_s: float) -> None:
        """For `Permit`."""
        now_s = self._clock.monotonic()
        self._latency.add(latency_s, now_s)
        self._concurrency.add(latency_s, in_flight=self._queue.held, now_s=now_s)

    def learn_unfinished(self, sent_s: float) -> None:
        """For `Permit`: the call was given up before its first event, whose latency is therefore longer than this."""
        now_s = self._clock.monotonic()
        self._concurrency.add_unfinished(now_s - sent_s, now_s=now_s)

    def leave(
        self, which: PriorityClass[Waiter], token: int, reckoned_s: float, sent_s: float, outcome: Outcome
    ) -> None:
        """For `Permit`."""
        now_s = self._clock.monotonic()
        held_s = now_s - sent_s
        self._queue.give_back(which, held_s - reckoned_s)
        if type(outcome) is not Cancelled:
            known_s = self.expected_hold_s
            self.expected_hold_s = held_s if known_s == 0.0 else known_s + _HOLD_SETTLES * (held_s - known_s)
        match outcome:
            case Succeeded():
                self._pacer.answered()
                self.breaker.give(token, "good")
            case Failed(timed_out=timed_out):
                self._latency.add_failure(held_s, now_s)
                if timed_out:
                    self._concurrency.add_unfinished(held_s, now_s=now_s)
                    self._concurrency.timed_out(sent_s=sent_s, now_s=now_s)
                self.breaker.give(token, "bad")
            case Throttled(retry_after_s=retry_after_s):
                self._pacer.throttled(retry_after_s, sent_s=sent_s, now_s=now_s)
                if not self._pacer.is_announced:
                    self._concurrency.refused(in_flight=self._queue.held, sent_s=sent_s, now_s=now_s)
                self.breaker.give(token, "alive")
            case ClientFault():
                self.breaker.give(token, "alive")
            case Cancelled():
                self.breaker.give(token, "none")
        if self._queue.waiting:
            self._dispatch()

    def _breaker_changed(self, change: BreakerChange) -> None:
        """Nobody waits for a target that is down: those in line are told at once, and may go elsewhere."""
        if change.after == "open":
            for waiter in self._queue.drain():
                self._left_line(waiter)
                if not waiter.future.done():
                    waiter.future.set_exception(self._down())
            self._stay_asleep()
        elif change.after == "closed":
            self._dispatch()
        if self._on_breaker_change is not None:
            self._on_breaker_change(self.name, change)

    def _down(self) -> CircuitOpen:
        return CircuitOpen(_DOWN, retry_after_s=self.breaker.retry_after_s)


def _future() -> asyncio.Future[Permit]:
    return asyncio.get_running_loop().create_future()


def _retry_after_s(wait_s: float) -> float:
    return min(_RETRY_MOST_S, max(_RETRY_LEAST_S, wait_s))
