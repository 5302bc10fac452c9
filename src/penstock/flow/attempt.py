"""ATTEMPT: call targets until the first event of an answer is in hand.  After that there is no retry."""

import random
from collections.abc import Sequence

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import AllAttemptsFailed, ClientError, InternalError, PenstockError, UpstreamError
from penstock.core.events import Event, Notice, Start
from penstock.core.exchange import Exchange
from penstock.core.facts import AdvisoryFieldDropped, AttemptFailed, AttemptStarted, AttemptSucceeded
from penstock.core.ports import Source, Target

BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 2.0


class Opened(msgspec.Struct, frozen=True, eq=False):
    """An answer that has begun: its first events, and the source of the rest, which whoever holds this must close."""

    source: Source
    first: Sequence[Event]


async def attempt(exchange: Exchange, clock: Clock, rng: random.Random) -> Opened:
    """Try the route's targets in order, as often as the route allows, within the exchange's deadline.

    An error says itself whether the same target is worth another call (`retry`).  With a second target at hand that
    one is asked first, at once; the same target is asked again after a pause with full jitter, or after what the
    provider asked for.  Leaves nothing open when it raises, cancelled or not.
    """
    route = exchange.route
    if route is None:
        raise InternalError("no stage has chosen a route")
    errors: list[PenstockError] = []
    turn = 0
    while True:
        target = route.targets[turn % len(route.targets)]
        exchange.attempts += 1
        exchange.target = target
        try:
            return await _open(exchange, target, clock)
        except (UpstreamError, ClientError) as error:
            errors.append(error)
            _note_failure(exchange, target, error, clock)
        last = errors[-1]
        if last.retry == "never" or exchange.attempts >= route.max_attempts:
            raise _verdict(errors)
        if len(route.targets) == 1:
            if last.retry == "other":
                raise _verdict(errors)
            pause_s = _pause_s(last, exchange.attempts, rng)
            if pause_s is None or clock.monotonic() + pause_s >= exchange.deadline_s:
                raise _verdict(errors)
            await clock.sleep(pause_s)
        turn += 1


async def _open(exchange: Exchange, target: Target, clock: Clock) -> Opened:
    number = exchange.attempts
    request = exchange.request
    provider = target.provider
    now = clock.monotonic()
    facts = exchange.facts
    facts.append(AttemptStarted(at_s=now - exchange.began_s, attempt=number, target=target.name))
    for field in provider.advisory(request):
        facts.append(AdvisoryFieldDropped(at_s=now - exchange.began_s, field=field, target=target.name))
    source = await provider.open(request, target.model, timeout_s=exchange.deadline_s - now)
    try:
        first = await source.read()
        if first is not None and not _has_content(first):
            first = await _until_content(source, first)
    except BaseException:
        source.close()
        raise
    at_s = clock.monotonic() - exchange.began_s
    exchange.first_event_s = at_s
    facts.append(AttemptSucceeded(at_s=at_s, attempt=number, target=target.name))
    return Opened(source, first if first is not None else ())


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
