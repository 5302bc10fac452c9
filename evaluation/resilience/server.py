"""A provider with room for so many calls at once: more wait in line there, or are refused.

Like a model server of one's own with its batch full, or a vendor that bounds concurrency.  It answers by the scripted
provider's rules; only the room is added here.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from penstock.core.chat import Dialect, Request
from penstock.core.clock import Clock
from penstock.core.errors import UpstreamThrottled
from penstock.core.events import Event
from penstock.core.ports import Source
from penstock.testing.scripted import ScriptedProvider

_REFUSED_AFTER_S = 0.02


class RoomyProvider:
    """`places` may be changed at any time.  Implements `core.ports.Provider`."""

    def __init__(self, inner: ScriptedProvider, clock: Clock, *, places: int, refuses: bool = False) -> None:
        self.places = places
        self.refused = 0
        self.calls = 0
        self.busy_s = 0.0
        self._inner = inner
        self._clock = clock
        self._refuses = refuses
        self._held = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._since_s = clock.monotonic()

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dialect(self) -> Dialect:
        return self._inner.dialect

    def advisory(self, request: Request) -> Sequence[str]:
        return self._inner.advisory(request)

    async def open(self, request: Request, model: str, *, timeout_s: float) -> "_Held":
        self.calls += 1
        if self._held >= self.places:
            if self._refuses:
                self.refused += 1
                await self._clock.sleep(_REFUSED_AFTER_S)
                raise UpstreamThrottled("Too many calls at once.", upstream_status=429)
            await self._wait()
        else:
            self._hold(1)
        try:
            source = await self._inner.open(request, model, timeout_s=timeout_s)
        except BaseException:
            self.leave()
            raise
        return _Held(source, self)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def leave(self) -> None:
        """One call is over: its place goes to the first in line."""
        self._hold(-1)
        while self._line and self._held < self.places:
            turn = self._line.popleft()
            if not turn.done():
                self._hold(1)
                turn.set_result(None)

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def _hold(self, more: int) -> None:
        now_s = self._clock.monotonic()
        self.busy_s += self._held * (now_s - self._since_s)
        self._since_s = now_s
        self._held += more


class _Held:
    """An answer whose place is given back with it."""

    def __init__(self, source: Source, provider: RoomyProvider) -> None:
        self._source = source
        self._provider = provider

    @property
    def headers(self) -> Mapping[str, str]:
        return self._source.headers

    async def read(self) -> Sequence[Event] | None:
        return await self._source.read()

    def close(self) -> None:
        self._source.close()
        self._provider.leave()
