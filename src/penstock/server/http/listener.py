"""Takes connections on one address, looks after them every second, and lets them go when the process is to end."""

import asyncio

from penstock.core.clock import Clock, Timer
from penstock.server.http.connection import Connection
from penstock.server.http.response import HeadWriter
from penstock.server.http.shared import Application, HttpLimits, Shared

BACKLOG = 2048
SWEEP_S = 1.0


class Listener:
    """`listen`, then `stop_accepting`, then `aclose`, all on one event loop."""

    __slots__ = ("_server", "_shared", "_sweeping")

    def __init__(self, app: Application, *, clock: Clock, limits: HttpLimits) -> None:
        heads = HeadWriter(clock)
        loop = asyncio.get_running_loop()
        self._shared = Shared(app=app, clock=clock, limits=limits, loop=loop, heads=heads)
        self._shared.is_empty.set()
        self._server: asyncio.Server | None = None
        self._sweeping: Timer | None = None

    @property
    def open_connections(self) -> int:
        return len(self._shared.members)

    async def listen(self, host: str, port: int) -> int:
        """Take connections from now on; returns the port, chosen by the system where `port` is 0.  Raises `OSError`."""
        shared = self._shared
        server = await shared.loop.create_server(lambda: Connection(shared), host, port, backlog=BACKLOG)
        self._server = server
        self._sweep()
        return int(server.sockets[0].getsockname()[1])

    def stop_accepting(self) -> None:
        """Refuse new connections, close idle ones; each of the others ends with the answer that it is owed."""
        self._shared.heads.is_draining = True
        if self._server is not None:
            self._server.close()
        for each in tuple(self._shared.members):
            each.close_if_idle()

    async def aclose(self, timeout_s: float) -> None:
        """Wait until the last bytes have been read, at most `timeout_s`; then drop what is left, and its requests."""
        shared = self._shared
        self.stop_accepting()
        timer = shared.clock.call_at(shared.clock.monotonic() + timeout_s, self._abort_all)
        try:
            await shared.is_empty.wait()
        finally:
            timer.cancel()
            if self._sweeping is not None:
                self._sweeping.cancel()

    def _abort_all(self) -> None:
        for each in tuple(self._shared.members):
            each.abort()

    def _sweep(self) -> None:
        """One pass over all connections costs less than a timer for each of their requests."""
        clock = self._shared.clock
        now_s = clock.monotonic()
        overdue = [each for each in self._shared.members if each.due_s <= now_s]
        for each in overdue:
            each.overdue(now_s)
        self._sweeping = clock.call_at(now_s + SWEEP_S, self._sweep)
