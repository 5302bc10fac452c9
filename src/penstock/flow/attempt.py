"""ATTEMPT: call targets until the first event of an answer is in hand.  After that there is no retry."""

import random
from collections.abc import Sequence
from dataclasses import replace

from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import (
    AllAttemptsFailed,
    BudgetExhausted,
    CircuitOpen,
    ClientError,
    InternalError,
    Overloaded,
    PenstockError,
    QueueTimeout,
    RateLimited,
    UpstreamError,
)
from penstock.core.events import Event, Finish, Start, Text
from penstock.core.exchange import Exchange
from penstock.core.facts import AskedAgain, FellBack, Hedged, Queued, RetryDenied, TargetPassedOver
from penstock.core.outcome import CANCELLED
from penstock.core.ports import Allowance, AskAgain, Gates, Permit, Route, RouteCalls, Source, Target
from penstock.flow.call import NO_SOURCE, Opened, call, take, whole
from penstock.flow.causes import cause_of
from penstock.flow.gates import OPEN_ALLOWANCE, OPEN_PERMIT
from penstock.flow.hedge import Place, race

BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 2.0


async def attempt(
    exchange: Exchange, gates: Gates, clock: Clock, rng: random.Random, allowance: Allowance = OPEN_ALLOWANCE
) -> Opened:
    """Try the route's targets, as often as the route allows, within the exchange's deadline.

    An error says itself whether the same target is worth another call (`retry`).  With a second target at hand that
    one is asked first, at once; the same target is asked again after a pause with full jitter, or after what the
    provider asked for.  A target that counts as down, or has no place in time, is passed over.  When the route's own
    targets are at their end, its fallbacks follow in order, each where it names the cause of the last failure.  Leaves
    nothing open when it raises, cancelled or not.
    """
    route = exchange.route
    if route is None:
        raise InternalError("no stage has chosen a route")
    calls = _Calls(exchange, route, gates, clock, rng, allowance)
    opened = await calls.at(calls.order(route.targets))
    if opened is not None:
        return opened
    for fallback in route.fallbacks:
        cause = cause_of(calls.errors[-1])
        if cause is None or cause not in fallback.causes:
            continue
        if fallback.answer is not None:
            if isinstance(exchange.request, ChatRequest):
                calls.fell_back(cause, ())
                return _canned(exchange, fallback.answer)
        elif calls.may_go_on():
            calls.fell_back(cause, fallback.targets)
            opened = await calls.at(fallback.targets)
            if opened is not None:
                return opened
    raise _verdict(calls.errors)


def ask_again(exchange: Exchange, again: AskAgain, clock: Clock) -> None:
    """Have the exchange ask for another answer: the next `attempt` goes by what `again` says."""
    exchange.request = again.request
    route = exchange.route
    if again.targets and route is not None:
        exchange.route = replace(route, targets=again.targets, fallbacks=(), is_hedged=False)
    names = tuple(target.name for target in again.targets)
    exchange.facts.append(AskedAgain(at_s=clock.monotonic() - exchange.began_s, reason=again.reason, targets=names))


class _Calls:
    """The calls of one exchange, and how they failed."""

    __slots__ = ("_allowance", "_clock", "_exchange", "_gates", "_rng", "_route", "_shared", "errors")

    def __init__(  # noqa: PLR0917 - private, and made at one place
        self, exchange: Exchange, route: Route, gates: Gates, clock: Clock, rng: random.Random, allowance: Allowance
    ) -> None:
        self._exchange = exchange
        self._route = route
        self._gates = gates
        self._shared: RouteCalls = gates.begin(route)
        self._clock = clock
        self._rng = rng
        self._allowance = allowance
        self.errors: list[PenstockError] = []

    async def at(self, targets: Sequence[Target]) -> Opened | None:
        """None once nothing more is to be tried at these; the last of `errors` then says why."""
        exchange, clock, errors = self._exchange, self._clock, self.errors
        order = targets
        calls = 0
        while (place := await self._place(order)) is not None:
            target = place[0]
            calls += 1
            try:
                return take(exchange, await self._answer(place, targets), clock)
            except (UpstreamError, ClientError) as error:
                errors.append(error)
            following = next(at for at, each in enumerate(order) if each is target) + 1
            order = (*order[following:], *order[:following])
            last = errors[-1]
            if last.retry == "never" or calls >= self._route.max_attempts:
                return None
            pause_s: float | None = 0.0
            if not any(other is not target and self._gates.is_up(other) for other in targets):
                pause_s = None if last.retry == "other" else _pause_s(last, calls, self._rng)
            if pause_s is None or clock.monotonic() + pause_s >= exchange.deadline_s:
                return None
            if not self.may_go_on():
                return None
            if pause_s:
                await clock.sleep(pause_s)
        return None

    def order(self, targets: Sequence[Target]) -> Sequence[Target]:
        """Equal targets in the order in which they are best tried; others as the route names them."""
        return self._shared.order(targets) if self._route.is_balanced else targets

    def may_go_on(self) -> bool:
        """Whether there may be another call.  The first call of an exchange takes nothing from the budget for more."""
        if self._exchange.attempts == 0 or self._shared.may_retry():
            return True
        self._exchange.facts.append(RetryDenied(at_s=self._at_s, route=self._route.name))
        return False

    def fell_back(self, cause: str, targets: Sequence[Target]) -> None:
        names = tuple(target.name for target in targets)
        self._exchange.facts.append(FellBack(at_s=self._at_s, cause=cause, targets=names))

    @property
    def _at_s(self) -> float:
        return self._clock.monotonic() - self._exchange.began_s

    async def _place(self, targets: Sequence[Target]) -> Place | None:
        """The first target in order that has a place for a call; None where there is none in time.

        A target that would have us wait for long is passed over while another is up, and waited for where none of them
        has a place sooner.
        """
        up = sum(map(self._gates.is_up, targets)) if len(targets) > 1 else 0
        if up > 1:
            passed_over: list[TargetPassedOver] = []
            for target in targets:
                found = await self._enter(target, has_choice=True)
                if not isinstance(found, PenstockError):
                    self._exchange.facts.extend(passed_over)
                    return target, found
                passed_over.append(TargetPassedOver(at_s=self._at_s, target=target.name, code=found.code))
        for target in targets:
            is_last_hope = target is targets[-1]
            found = await self._enter(target, is_last_hope=is_last_hope)
            if not isinstance(found, PenstockError):
                return target, found
            self._exchange.facts.append(TargetPassedOver(at_s=self._at_s, target=target.name, code=found.code))
            if is_last_hope:
                self.errors.append(found)
        return None

    async def _enter(
        self, target: Target, *, has_choice: bool = False, is_last_hope: bool = False
    ) -> Permit | PenstockError:
        """A place at the target, or why there is none; one that is down is asked only where it is the last hope."""
        exchange = self._exchange
        if not is_last_hope and not self._gates.is_up(target):
            return CircuitOpen(f"{target.name} is not being called for now.")
        try:
            permit = await self._gates.enter(exchange, target, has_choice=has_choice)
            if exchange.attempts or target is not self._route.targets[0]:
                await self._reserve(target, permit)
        except (CircuitOpen, Overloaded, QueueTimeout, RateLimited, BudgetExhausted) as error:
            return error
        if permit.waited_s:
            exchange.facts.append(Queued(at_s=self._at_s, target=target.name, waited_s=permit.waited_s))
        return permit

    async def _answer(self, place: Place, targets: Sequence[Target]) -> Opened:
        """What the call at `place` gives, or another beside it that is quicker."""
        target, permit = place
        after_s = self._shared.hedge_after_s(target) if self._route.is_hedged else None
        if after_s is None:
            opened = await call(self._exchange, target, permit, self._clock)
        else:
            opened = await self._hedged(place, targets, after_s)
        return await whole(self._exchange, opened, self._clock) if opened.is_in_pieces else opened

    async def _reserve(self, target: Target, permit: Permit, *, is_extra: bool | None = None) -> None:
        """Have the call allowed, or give its place back."""
        if is_extra is None:
            is_extra = bool(self._exchange.extra_calls)
        is_allowed = False
        try:
            await self._allowance.reserve_call(self._exchange, target, is_extra=is_extra)
            is_allowed = True
        finally:
            if not is_allowed:
                permit.close(CANCELLED)

    async def _hedged(self, first: Place, targets: Sequence[Target], after_s: float) -> Opened:
        async def second() -> Place | None:
            return await self._rival(first[0], targets, after_s)

        return await race(self._exchange, first, second, after_s=after_s, clock=self._clock)

    async def _rival(self, first: Target, targets: Sequence[Target], after_s: float) -> Place | None:
        """A place for a second call: at another target that is up, else at the same; None where there must be none."""
        gates = self._gates
        others = [each for each in targets if each is not first and gates.is_up(each)]
        target = self.order(others)[0] if others else first
        permit = gates.try_enter(self._exchange, target)
        if permit is None:
            return None
        if not self._shared.may_hedge():
            permit.close(CANCELLED)
            return None
        self._exchange.facts.append(Hedged(at_s=self._at_s, target=target.name, after_s=after_s))
        try:
            await self._reserve(target, permit, is_extra=True)
        except (Overloaded, RateLimited, BudgetExhausted) as error:
            fact = TargetPassedOver(at_s=self._at_s, target=target.name, code=error.code)
            self._exchange.facts.append(fact)
            return None
        return target, permit


def opened_whole(events: Sequence[Event], rest: Source = NO_SOURCE) -> Opened:
    """An answer that no provider gives: a stage's, or a canned one."""
    return Opened(rest, events, OPEN_PERMIT, 0.0)


def _canned(exchange: Exchange, text: str) -> Opened:
    exchange.is_canned = True
    name = exchange.request.model
    return opened_whole((Start(id="", model=name), Text(text), Finish("stop")))


def _pause_s(error: PenstockError, attempts: int, rng: random.Random) -> float | None:
    """How long to wait before the same target is asked again; None where it asks for more than we would wait."""
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= BACKOFF_MOST_S else None
    return rng.uniform(0.0, min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** (attempts - 1)))


def _verdict(errors: list[PenstockError]) -> PenstockError:
    """One error for the caller: the only one, or all of them in one."""
    return errors[0] if len(errors) == 1 else AllAttemptsFailed(tuple(errors))
