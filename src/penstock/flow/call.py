"""CALL: one call to one target, from its place in the gate to the first event of the answer."""

from collections.abc import Sequence

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import ClientError, ContentRefused, PenstockError, UpstreamError
from penstock.core.events import Event, Finish, Notice, Start, UsageReport
from penstock.core.exchange import Exchange, ExtraCall
from penstock.core.facts import AdvisoryFieldDropped, AttemptFailed, AttemptStarted, AttemptSucceeded
from penstock.core.outcome import CANCELLED, Outcome, Succeeded
from penstock.core.ports import Permit, Route, Source, Target
from penstock.core.usage import Usage
from penstock.flow.causes import outcome_of

_FILTERED = frozenset({"content_filter", "refusal"})


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
    target: Target | None = None
    number: int = 0

    def succeeded(self, clock: Clock) -> Outcome:
        """What to close the permit with once the answer is complete."""
        return Succeeded(self.first_event_s, clock.monotonic() - self.sent_s)


async def call(exchange: Exchange, target: Target, permit: Permit, clock: Clock) -> Opened:
    """Call `target` and read until the answer itself begins; nothing is left open when it raises, cancelled or not.

    A call that breaks off is noted in the exchange where it may be billed.  Does not say that the exchange has its
    answer: see `take`.
    """
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
    may_be_billed = True
    usage: Usage | None = None
    has_opened = is_filtered = False
    try:
        for field in provider.advisory(request):
            facts.append(AdvisoryFieldDropped(at_s=at_s, field=field, target=target.name))
        source = await provider.open(request, target.model, timeout_s=exchange.deadline_s - sent_s)
        first = await source.read()
        if first is not None and not _has_content(first):
            first = await _until_content(source, first)
        if first is not None and exchange.route is not None and _is_filtered(first, exchange.route):
            is_filtered = True
            usage = await _reported(source, first)
            raise ContentRefused("The provider's content filter refused to answer.")
        took_s = clock.monotonic() - sent_s
        permit.heed(source)
        permit.first_event(took_s)
        has_opened = True
        return Opened(source, first if first is not None else (), permit, sent_s, took_s, target, number)
    except PenstockError as error:
        outcome = outcome_of(error)
        if isinstance(error, UpstreamError):
            permit.heed(error)
            may_be_billed = is_filtered or error.may_be_billed
            usage = usage or error.usage
        elif isinstance(error, ClientError):
            may_be_billed = False
        _note_failure(exchange, number, target, error, clock)
        raise
    finally:
        if not has_opened:
            if source is not None:
                source.close()
            if exchange.first_event_s is not None:
                # Another call has answered.  What this one would have taken is not known, but that it took this long
                # is: without it the slow ones would drop out of what counts as slow.
                permit.first_event(clock.monotonic() - sent_s)
            permit.close(outcome)
            if may_be_billed:
                note_extra(exchange, ExtraCall(target, "broken_off", usage))


def take(exchange: Exchange, opened: Opened, clock: Clock) -> Opened:
    """Make `opened` the exchange's answer: from here on there is no other."""
    target = opened.target
    if target is None:
        raise RuntimeError("an answer that no target gave is not taken")
    exchange.target = target
    exchange.first_event_s = clock.monotonic() - exchange.began_s
    exchange.facts.append(AttemptSucceeded(at_s=exchange.first_event_s, attempt=opened.number, target=target.name))
    return opened


def note_extra(exchange: Exchange, extra: ExtraCall) -> None:
    """Note a call that gave no answer and may be billed.  One that ends after another has answered lost against it."""
    if exchange.first_event_s is not None:
        extra.why = "hedge"
    exchange.extra_calls.append(extra)


def _note_failure(exchange: Exchange, number: int, target: Target, error: PenstockError, clock: Clock) -> None:
    upstream_status = error.upstream_status if isinstance(error, UpstreamError) else None
    exchange.facts.append(
        AttemptFailed(
            at_s=clock.monotonic() - exchange.began_s,
            attempt=number,
            target=target.name,
            code=error.code,
            upstream_status=upstream_status,
        )
    )


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


def _is_filtered(first: Sequence[Event], route: Route) -> bool:
    """Whether the provider's filter has ended the answer before any of it, and the route knows what to do then."""
    if not route.fallbacks or not route.helps_with("content_refused"):
        return False
    if not any(type(event) is Finish and event.reason in _FILTERED for event in first):
        return False
    return all(type(event) in {Start, Finish, UsageReport, Notice} for event in first)


async def _reported(source: Source, events: Sequence[Event] | None) -> Usage | None:
    usage: Usage | None = None
    while events is not None:
        usage = _usage_in(events) or usage
        events = await source.read()
    return usage


def _usage_in(events: Sequence[Event]) -> Usage | None:
    return next((event.usage for event in events if isinstance(event, UsageReport)), None)
