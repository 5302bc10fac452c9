"""A client that remembers: `core.ports.Sink` for tests of the engine and of stages."""

import asyncio
from collections.abc import Sequence

from penstock.core.ends import End
from penstock.core.errors import PenstockError
from penstock.core.events import Event, Text
from penstock.core.exchange import Exchange
from penstock.core.ports import ClientGone


class RecordingSink:
    """Keeps every event it is given and, from `close`, how the exchange ended.

    `gone_at` makes the client leave: the events before that index are kept, then `ClientGone` is raised, as by every
    later write; 0 leaves before the first event.  `hold_at` makes the client stop reading before that index until
    `release`, so that a test can act while the engine waits for it.
    """

    def __init__(self, *, gone_at: int | None = None, hold_at: int | None = None) -> None:
        self.events: list[Event] = []
        self.writes = 0
        self.closes = 0
        self.fail_complete_with: Exception | None = None
        self.end: End | None = None
        self.error: PenstockError | None = None
        self._gone_at = gone_at
        self._hold_at = hold_at
        self._released = asyncio.Event()
        self._grown = asyncio.Event()

    async def write(self, events: Sequence[Event]) -> None:
        self.writes += 1
        for event in events:
            if self._gone_at is not None and len(self.events) >= self._gone_at:
                raise ClientGone
            if self._hold_at is not None and len(self.events) >= self._hold_at:
                await self._released.wait()
            self.events.append(event)
            self._grown.set()

    def complete(self, exchange: Exchange) -> None:
        """Raise what `fail_complete_with` holds, as a sink does that cannot write the answer it has kept."""
        if self.fail_complete_with is not None:
            raise self.fail_complete_with

    async def close(self, exchange: Exchange) -> None:
        self.closes += 1
        self.end = exchange.end
        self.error = exchange.error
        self._grown.set()

    def leave(self) -> None:
        """The client leaves now: the next event it is given raises `ClientGone`."""
        self._gone_at = len(self.events)

    def release(self) -> None:
        """The client reads on."""
        self._hold_at = None
        self._released.set()

    async def wait_for_events(self, number: int) -> None:
        """Return once `number` events have come, or the sink was closed."""
        while len(self.events) < number and not self.closes:
            self._grown.clear()
            await self._grown.wait()

    def text(self, *, choice: int = 0) -> str:
        """The answer text of one choice, joined."""
        return "".join(
            event.text
            for event in self.events
            if isinstance(event, Text) and event.choice == choice and event.channel == "answer"
        )
