"""PUMP: one task owns the source and pushes each batch of events through an explicit list of filters to the sink.

Nested async generators would run their `finally` blocks late, in other tasks, or never; here there are none.  Nothing
that must run stands after the loop: settlement belongs to the engine, which runs it however this ends.
"""

import asyncio
from collections.abc import Sequence

from penstock.core.events import Event
from penstock.core.ports import ClientGone, Filter, Sink
from penstock.flow.call import Opened
from penstock.flow.stop import Stop


async def pump(opened: Opened, filters: Sequence[Filter], sink: Sink, stop: Stop) -> None:
    """Read the answer to its end.  Returns once it is complete and every filter has let go of what it held.

    Raises what the source raises, or `PolicyBlocked` from a filter.  Does not close the source.
    """
    events: Sequence[Event] | None = opened.first
    read = opened.source.read
    while events is not None:
        passed = through(filters, events)
        if not stop.is_client_gone:
            try:
                await sink.write(passed)
            except ClientGone:
                await _lost(stop)
        events = await read()
    if not stop.is_client_gone:
        try:
            await sink.write(flush(filters))
        except ClientGone:
            await _lost(stop)
    else:
        flush(filters)


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


async def _lost(stop: Stop) -> None:
    stop.client_left()
    if stop.reason is not None:
        # A source with its events at hand would never wait, and so never notice that it was stopped.
        await asyncio.sleep(0)  # noqa: TID251 - one turn of the loop, no time
