"""ATTEMPT: call targets until the first event of an answer is in hand.  After that there is no retry."""

import random
from collections.abc import Sequence

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import (
    AllAttemptsFailed,
    CircuitOpen,
    ClientError,
    ContextTooLong,
    InternalError,
    Overloaded,
    PenstockError,
    QueueTimeout,
    UnsupportedField,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
)
from penstock.core.events import Event, Notice, Start
from penstock.core.exchange import Exchange
from penstock.core.facts import (
    AdvisoryFieldDropped,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Queued,
    RetryDenied,
    TargetPassedOver,
)
from penstock.core.outcome import CANCELLED, CLIENT_FAULT, FAILED, TIMED_OUT, Outcome, Succeeded, Throttled
from penstock.core.ports import FailureCause, Gates, Permit, Route, Source, Target

BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 2.0


class Opened(msgspec.Struct, frozen=True, eq=False):
    """An answer that has begun: its first events, and the source of the rest.

    Whoever holds this must close the source and the permit.  `sent_s` is when the call was made, on the clock's
    monotonic scale; `first_event_s` what its first event took.
    """

    source: Source
    first: Sequence[Event]
    permit: Permit
    sent_s: float
    first_event_s: float = 0.0

    def succeeded(self, clock: Clock) -> Outcome:
        """What to close the permit with once the answer is complete."""
        return Succeeded(self.first_event_s, clock.monotonic() - self.sent_s)


async def attempt(exchange: Exchange, gates: Gates, clock: Clock, rng: random.Random) -> Opened:
    """Try the route's targets in order, as often as the route allows, within the exchange's deadline.

    An error says itself whether the same target is worth another call (`retry`).  With a second target at hand that
    one is asked first, at once; the same target is asked again after a pause with full jitter, or after what the
    provider asked for.  A target that counts as down, or has no place in time, is passed over.  When the route's own
    targets are at their end, those that it names for such a failure follow.  Leaves nothing open when it raises,
    cancelled or not.
    """
    route = exchange.route
    if route is None:
        raise InternalError("no stage has chosen a route")
    gates.request(route)
    errors: list[PenstockError] = []
    opened = await _try_targets(exchange, route, route.targets, errors, gates, clock, rng)
    if opened is None:
        fallback = route.fallback_for(cause_of(errors[-1]))
        if fallback and _may_go_on(exchange, route, gates, clock):
            opened = await _try_targets(exchange, route, fallback, errors, gates, clock, rng)
    if opened is None:
        raise _verdict(errors)
    return opened


async def _try_targets(  # noqa: PLR0917 - private, and called with the same names twice
    exchange: Exchange,
    route: Route,
    targets: Sequence[Target],
    errors: list[PenstockError],
    gates: Gates,
    clock: Clock,
    rng: random.Random,
) -> Opened | None:
    """None once nothing more is to be tried here; the last of `errors` then says why."""
    turn = calls = passed_over = 0
    while True:
        target = targets[turn % len(targets)]
        turn += 1
        is_last_hope = passed_over == len(targets) - 1
        permit = await _enter(exchange, target, gates, clock, errors, is_last_hope=is_last_hope)
        if permit is None:
            passed_over += 1
            if is_last_hope:
                return None
            continue
        passed_over = 0
        calls += 1
        try:
            return await _open(exchange, target, permit, clock)
        except (UpstreamError, ClientError) as error:
            errors.append(error)
            _note_failure(exchange, target, error, clock)
        last = errors[-1]
        if last.retry == "never" or calls >= route.max_attempts:
            return None
        pause_s: float | None = 0.0
        if not any(other is not target and gates.is_up(other) for other in targets):
            pause_s = None if last.retry == "other" else _pause_s(last, calls, rng)
        if pause_s is None or clock.monotonic() + pause_s >= exchange.deadline_s:
            return None
        if not _may_go_on(exchange, route, gates, clock):
            return None
        if pause_s:
            await clock.sleep(pause_s)


async def _enter(
    exchange: Exchange,
    target: Target,
    gates: Gates,
    clock: Clock,
    errors: list[PenstockError],
    *,
    is_last_hope: bool,
) -> Permit | None:
    """A place at the target; None where there is none, and then its error counts if there is no other target."""
    code = CircuitOpen.code
    if is_last_hope or gates.is_up(target):
        try:
            permit = await gates.enter(exchange, target)
        except (CircuitOpen, Overloaded, QueueTimeout) as error:
            code = error.code
            if is_last_hope:
                errors.append(error)
        else:
            if permit.waited_s:
                at_s = clock.monotonic() - exchange.began_s
                exchange.facts.append(Queued(at_s=at_s, target=target.name, waited_s=permit.waited_s))
            return permit
    exchange.facts.append(TargetPassedOver(at_s=clock.monotonic() - exchange.began_s, target=target.name, code=code))
    return None


def _may_go_on(exchange: Exchange, route: Route, gates: Gates, clock: Clock) -> bool:
    """Whether there may be another call.  The first call of an exchange takes nothing from the budget for more."""
    if exchange.attempts == 0 or gates.may_retry(route):
        return True
    exchange.facts.append(RetryDenied(at_s=clock.monotonic() - exchange.began_s, route=route.name))
    return False


async def _open(exchange: Exchange, target: Target, permit: Permit, clock: Clock) -> Opened:
    exchange.attempts += 1
    exchange.target = target
    number = exchange.attempts
    request = exchange.request
    provider = target.provider
    sent_s = clock.monotonic()
    facts = exchange.facts
    at_s = sent_s - exchange.began_s
    facts.append(AttemptStarted(at_s=at_s, attempt=number, target=target.name))
    outcome: Outcome = CANCELLED
    source: Source | None = None
    has_opened = False
    try:
        for field in provider.advisory(request):
            facts.append(AdvisoryFieldDropped(at_s=at_s, field=field, target=target.name))
        source = await provider.open(request, target.model, timeout_s=exchange.deadline_s - sent_s)
        first = await source.read()
        if first is not None and not _has_content(first):
            first = await _until_content(source, first)
        now_s = clock.monotonic()
        permit.heed(source)
        permit.first_event(now_s - sent_s)
        exchange.first_event_s = now_s - exchange.began_s
        facts.append(AttemptSucceeded(at_s=exchange.first_event_s, attempt=number, target=target.name))
        has_opened = True
        return Opened(source, first if first is not None else (), permit, sent_s, now_s - sent_s)
    except PenstockError as error:
        outcome = outcome_of(error)
        if isinstance(error, UpstreamError):
            permit.heed(error)
        raise
    finally:
        if not has_opened:
            if source is not None:
                source.close()
            permit.close(outcome)


def cause_of(error: PenstockError) -> FailureCause | None:
    """Why a route's targets gave no answer, in the words of its fallbacks; None where no other target would help."""
    match error:
        case UpstreamThrottled() | Overloaded() | QueueTimeout():
            return "limited"
        case UpstreamTimeout():
            return "slow"
        case ContextTooLong():
            return "context_too_long"
        case UpstreamRefused():
            return None
        case UpstreamError():
            return "down"
        case _:
            return None


def outcome_of(error: PenstockError) -> Outcome:
    """What an error says of the target that was called."""
    match error:
        case UpstreamThrottled():
            return Throttled(error.retry_after_s)
        case UpstreamTimeout():
            return TIMED_OUT
        case UpstreamRefused() | ContextTooLong() | UnsupportedField():
            return CLIENT_FAULT
        case UpstreamError():
            return FAILED
        case _:
            return CANCELLED


async def _until_content(source: Source, first: Sequence[Event]) -> list[Event]:
    collected = [*first]
    while (events := await source.read()) is not None:
        collected += events
        if _has_content(events):
            break
    return collected


def _has_content(events: Sequence[Event]) -> bool:
    """Whether the answer itself has begun: a start, and what is said beside it, may still be followed by a failure."""
    for event in events:
        kind = type(event)
        if kind is Notice:
            if event.is_content:  # type: ignore[union-attr]  # `kind is Notice`: narrower and faster than isinstance
                return True
        elif kind is not Start:
            return True
    return False


def _note_failure(exchange: Exchange, target: Target, error: PenstockError, clock: Clock) -> None:
    upstream_status = error.upstream_status if isinstance(error, UpstreamError) else None
    exchange.facts.append(
        AttemptFailed(
            at_s=clock.monotonic() - exchange.began_s,
            attempt=exchange.attempts,
            target=target.name,
            code=error.code,
            upstream_status=upstream_status,
        )
    )


def _pause_s(error: PenstockError, attempts: int, rng: random.Random) -> float | None:
    """How long to wait before the same target is asked again; None where it asks for more than we would wait."""
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= BACKOFF_MOST_S else None
    return rng.uniform(0.0, min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** (attempts - 1)))


def _verdict(errors: list[PenstockError]) -> PenstockError:
    """One error for the caller: the only one, or all of them in one."""
    return errors[0] if len(errors) == 1 else AllAttemptsFailed(tuple(errors))
