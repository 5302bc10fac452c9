"""CALL: one call to one target, from its place in the gate to the first event of the answer, or to its end.

An answer that the client wants in one piece may be asked for as a stream (`Target.streams_whole`).  Then it counts as
begun with its first event, like any stream, and `whole` reads the rest before it is anybody's answer: a failure on the
way is the call's, and another call may follow.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from penstock.core.chat import ChatRequest, Request
from penstock.core.clock import Clock
from penstock.core.errors import ClientError, ContentRefused, PenstockError, UpstreamError
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange, ExtraCall, WhyExtra
from penstock.core.facts import AdvisoryFieldDropped, AttemptFailed, AttemptStarted, AttemptSucceeded
from penstock.core.outcome import CANCELLED, Outcome, Succeeded
from penstock.core.ports import Permit, Route, Source, Target
from penstock.core.usage import Usage
from penstock.flow.causes import outcome_of

_FILTERED = frozenset({"content_filter", "refusal"})


class Opened(msgspec.Struct, frozen=True, eq=False):
    """An answer that has begun: its first events, and the source of the rest.

    Whoever holds this must close the source and the permit.  `sent_s` is when the call was made, on the clock's
    monotonic scale; `first_event_s` what its first event took.  `is_in_pieces` says that the client wants as one what
    comes as many: see `whole`.
    """

    source: Source
    first: Sequence[Event]
    permit: Permit
    sent_s: float
    first_event_s: float = 0.0
    target: Target | None = None
    number: int = 0
    is_in_pieces: bool = False

    def succeeded(self, clock: Clock) -> Outcome:
        """What to close the permit with once the answer is complete."""
        return Succeeded(self.first_event_s, clock.monotonic() - self.sent_s)


class Contest(msgspec.Struct, eq=False):
    """What the calls of one race know of each other."""

    is_decided: bool = False


class Beside(msgspec.Struct, frozen=True, eq=False):
    """What a call asks whose answer is not to be the exchange's, and what it is noted as where it may be billed."""

    request: Request
    why: WhyExtra


class _NoSource:
    """The rest of an answer that is whole already."""

    headers: Mapping[str, str] = MappingProxyType({})

    async def read(self) -> None:
        return None

    def close(self) -> None:
        return None


NO_SOURCE = _NoSource()


async def call(  # noqa: PLR0917 - the last two are of one kind of call each
    exchange: Exchange,
    target: Target,
    permit: Permit,
    clock: Clock,
    contest: Contest | None = None,
    beside: Beside | None = None,
) -> Opened:
    """Call `target` and read until the answer itself begins; nothing is left open when it raises, cancelled or not.

    A call that breaks off is noted in the exchange where it may be billed: as one that lost, where the `contest` is
    decided.  Does not say that the exchange has its answer: see `take`.  With `beside` that is asked in place of the
    exchange's request.
    """
    exchange.attempts = number = exchange.attempts + 1
    exchange.target = target
    asked = beside or Beside(exchange.request, "broken_off")
    request = _as_stream(asked.request) if target.streams_whole and not asked.request.stream else asked.request
    provider = target.provider
    sent_s = clock.monotonic()
    exchange.facts.append(AttemptStarted(at_s=sent_s - exchange.began_s, attempt=number, target=target.name))
    outcome: Outcome = CANCELLED
    source: Source | None = None
    may_be_billed = True
    usage: Usage | None = None
    has_opened = is_filtered = False
    try:
        for field in provider.advisory(request):
            exchange.facts.append(AdvisoryFieldDropped(at_s=sent_s - exchange.began_s, field=field, target=target.name))
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
        events = first if first is not None else ()
        return Opened(source, events, permit, sent_s, took_s, target, number, request is not asked.request)
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
            has_lost = contest is not None and contest.is_decided
            if has_lost:
                # What this one would have taken is not known, but that it took this long is: without it the slow ones
                # would drop out of what counts as slow.
                permit.first_event(clock.monotonic() - sent_s)
            permit.close(outcome)
            if may_be_billed:
                why: WhyExtra = "hedge" if has_lost else asked.why
                exchange.extra_calls.append(ExtraCall(target, why, usage, is_whole=not request.stream))


async def whole(exchange: Exchange, opened: Opened, clock: Clock, why: WhyExtra = "broken_off") -> Opened:
    """Read an answer to its end; what is left of it then is its permit.

    Raises as `call` does where it breaks off, and then nothing is left open and `why` is what it is noted as.
    """
    if opened.target is None:
        raise RuntimeError("an answer that no target gave is whole")
    events = [*opened.first]
    outcome: Outcome = CANCELLED
    is_whole = False
    try:
        while (more := await opened.source.read()) is not None:
            events += more
        is_whole = True
    except UpstreamError as error:
        outcome = outcome_of(error)
        _note_failure(exchange, opened.number, opened.target, error, clock)
        raise
    finally:
        opened.source.close()
        if not is_whole:
            opened.permit.close(outcome)
            note_begun(exchange, opened, events, why)
    return msgspec.structs.replace(opened, source=NO_SOURCE, first=events, is_in_pieces=False)


def take(exchange: Exchange, opened: Opened, clock: Clock) -> Opened:
    """Make `opened` the exchange's answer: from here on there is no other."""
    target = opened.target
    if target is None:
        raise RuntimeError("an answer that no target gave is not taken")
    exchange.target = target
    exchange.first_event_s = clock.monotonic() - exchange.began_s
    exchange.facts.append(AttemptSucceeded(at_s=exchange.first_event_s, attempt=opened.number, target=target.name))
    return opened


def note_begun(exchange: Exchange, opened: Opened, events: Sequence[Event], why: WhyExtra) -> None:
    """Note a call whose answer had begun with `events` and is nobody's: what it had said is billed."""
    if opened.target is None:
        raise RuntimeError("an answer that no target gave costs nothing")
    is_whole = not exchange.request.stream and not opened.is_in_pieces
    said = _said(events)
    exchange.extra_calls.append(ExtraCall(opened.target, why, _usage_in(events), said=said, is_whole=is_whole))


def _said(events: Sequence[Event]) -> str:
    pieces: list[str] = []
    for event in events:
        if isinstance(event, Text):
            pieces.append(event.text)
        elif isinstance(event, ToolCall):
            pieces += (event.name, event.arguments)
    return "".join(pieces)


def _as_stream(request: Request) -> Request:
    """The same request, to be answered as a stream that tells its usage.

    Not where a sound is asked for: of what can be had in one piece, vendors stream some formats only.
    """
    if not isinstance(request, ChatRequest) or "audio" in request.extras:
        return request
    return msgspec.structs.replace(request, stream=True, include_usage=True)


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
