"""PUMP: one task owns the source and pushes each batch of events through an explicit list of filters to the sink.

Nested async generators would run their `finally` blocks late, in other tasks, or never; here there are none.  Nothing
that must run stands after the loop: settlement belongs to the engine, which runs it however this ends.
"""

import asyncio
from collections.abc import Sequence

from penstock.core.events import Event
from penstock.core.ports import ClientGone, Filter, Sink
from penstock.flow.attempt import Opened
from penstock.flow.stop import Stop


async def pump(opened: Opened, filters: Sequence[Filter], sink: Sink, stop: Stop) -> None:
    """Read the answer to its end.  Returns once it is complete and every filter has let go of what it held.

    Raises what the source raises, or `PolicyBlocked` from a filter.  Does not close the source.
    """
    events: Sequence[Event] | None = opened.first
    while events is not None:
        await _write(through(filters, events), sink, stop)
        events = await opened.source.read()
    await _write(flush(filters), sink, stop)


def through(filters: Sequence[Filter], events: Sequence[Event]) -> Sequence[Event]:
    """What comes out when every filter, in order, has seen the events."""
    for each in filters:
        if not events:
            return ()
        events = each.feed(events)
    return events


def flush(filters: Sequence[Filter]) -> Sequence[Event]:
    """Finish the filters in order; what one lets go still passes through those after it."""
    released: list[Event] = []
    for place, each in enumerate(filters):
        released.extend(through(filters[place + 1 :], each.finish()))
    return released


async def _write(events: Sequence[Event], sink: Sink, stop: Stop) -> None:
    if stop.is_client_gone:
        return
    try:
        await sink.write(events)
    except ClientGone:
        stop.client_left()
        if stop.reason is not None:
            # A source with its events at hand would never wait, and so never notice that it was stopped.
            await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop, no time
