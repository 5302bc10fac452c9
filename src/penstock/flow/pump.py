"""PUMP: one task owns the source and pushes each batch of events through an explicit list of filters to the sink.

Nested async generators would run their `finally` blocks late, in other tasks, or never; here there are none.  Nothing
that must run stands after the loop: settlement belongs to the engine, which runs it however this ends.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeGuard

from penstock.core.errors import PolicyBlocked
from penstock.core.events import Event
from penstock.core.ports import ClientGone, Filter, Sink, WaitingFilter
from penstock.flow.call import Opened
from penstock.flow.stop import Stop


async def pump(
    opened: Opened,
    filters: Sequence[Filter],
    sink: Sink,
    stop: Stop,
    give_back: Callable[[], None] | None = None,
) -> None:
    """Read the answer to its end.  Returns once it is complete and every filter has let go of what it held.

    Raises what the source raises, `PolicyBlocked` from a filter once its last events are written, or `AskAgain` or
    `KeepFirst` from one.  Does not close the source.  Where filters wait, `give_back` is called once everything is
    read: what they then wait for is not the target's time, and may need the place that the answer had there.
    """
    events: Sequence[Event] | None = opened.first
    read = opened.source.read
    waits = any(map(_waits, filters))
    try:
        while events is not None:
            passed = through(filters, events) if not waits else await through_waiting(filters, events)
            await _write(sink, passed, stop)
            events = await read()
        if waits and give_back is not None:
            give_back()
        rest = flush(filters) if not waits else await flush_waiting(filters)
    except PolicyBlocked as blocked:
        if blocked.last:
            await _write(sink, blocked.last, stop)
        raise
    if rest:
        await _write(sink, rest, stop)


async def _write(sink: Sink, events: Sequence[Event], stop: Stop) -> None:
    if stop.is_client_gone:
        return
    try:
        await sink.write(events)
    except ClientGone:
        await _lost(stop)


def through(filters: Sequence[Filter], events: Sequence[Event]) -> Sequence[Event]:
    """What comes out when every filter, in order, has seen the events."""
    for each in filters:
        if not events:
            return ()
        try:
            events = each.feed(events)
        except PolicyBlocked as blocked:
            blocked.last = _ended(filters, each, blocked.last)
            raise
    return events


def flush(filters: Sequence[Filter]) -> Sequence[Event]:
    """Finish the filters in order; what one lets go still passes through those after it."""
    released: list[Event] = []
    for place, each in enumerate(filters):
        try:
            released.extend(through(filters[place + 1 :], _finished(filters, each)))
        except PolicyBlocked as blocked:
            if blocked.last:
                blocked.last = (*released, *blocked.last)
            raise
    return released


async def through_waiting(filters: Sequence[Filter], events: Sequence[Event]) -> Sequence[Event]:
    """As `through`, where some of the filters ask somebody."""
    for each in filters:
        try:
            if events:
                events = each.feed(events)
            if _waits(each):
                events = (*events, *await each.judged())
        except PolicyBlocked as blocked:
            blocked.last = _ended(filters, each, blocked.last)
            raise
    return events


async def flush_waiting(filters: Sequence[Filter]) -> Sequence[Event]:
    """As `flush`, where some of the filters ask somebody."""
    released: list[Event] = []
    for place, each in enumerate(filters):
        try:
            last = _finished(filters, each)
            if _waits(each):
                last = (*last, *await _judged(filters, each))
            released.extend(await through_waiting(filters[place + 1 :], last))
        except PolicyBlocked as blocked:
            if blocked.last:
                blocked.last = (*released, *blocked.last)
            raise
    return released


def _finished(filters: Sequence[Filter], each: Filter) -> Sequence[Event]:
    try:
        return each.finish()
    except PolicyBlocked as blocked:
        blocked.last = _ended(filters, each, blocked.last)
        raise


async def _judged(filters: Sequence[Filter], each: WaitingFilter) -> Sequence[Event]:
    try:
        return await each.judged()
    except PolicyBlocked as blocked:
        blocked.last = _ended(filters, each, blocked.last)
        raise


def _ended(filters: Sequence[Filter], by: Filter, last: Sequence[Event]) -> Sequence[Event]:
    """What is written of an answer that `by` has ended: its last events, through the filters after it."""
    if not last:
        return ()
    after = filters[next(place for place, each in enumerate(filters) if each is by) + 1 :]
    return (*through(after, last), *flush(after))


def _waits(each: Filter) -> TypeGuard[WaitingFilter]:
    return hasattr(each, "judged")


async def _lost(stop: Stop) -> None:
    stop.client_left()
    if stop.reason is not None:
        # A source with its events at hand would never wait, and so never notice that it was stopped.
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop, no time
