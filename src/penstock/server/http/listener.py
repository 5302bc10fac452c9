"""Takes connections on one address, looks after them every second, and lets them go when the process is to end."""

import asyncio
import os
import socket

from penstock.core.clock import Clock, Timer
from penstock.server.http.connection import Connection
from penstock.server.http.response import HeadWriter
from penstock.server.http.shared import Application, HttpLimits, Shared

BACKLOG = 2048
ACCEPTED_A_TURN = 16
"""libuv takes one connection for each handle and turn of the loop.  Under load, a turn is milliseconds, and the last of
a hundred new clients would wait for a hundred turns; so the one socket has several handles.
"""
SWEEP_S = 1.0


class Listener:
    """`listen`, then `stop_accepting`, then `aclose`, all on one event loop."""

    __slots__ = ("_servers", "_shared", "_sweeping")

    def __init__(self, app: Application, *, clock: Clock, limits: HttpLimits) -> None:
        heads = HeadWriter(clock)
        loop = asyncio.get_running_loop()
        self._shared = Shared(app=app, clock=clock, limits=limits, loop=loop, heads=heads)
        self._shared.is_empty.set()
        self._servers: list[asyncio.Server] = []
        self._sweeping: Timer | None = None

    @property
    def open_connections(self) -> int:
        return len(self._shared.members)

    async def listen(self, host: str, port: int) -> int:
        """Take connections from now on; returns the port, chosen by the system where `port` is 0.  Raises `OSError`."""
        shared = self._shared

        def connect() -> Connection:
            return Connection(shared)

        first = await shared.loop.create_server(connect, host, port, backlog=BACKLOG)
        self._servers.append(first)
        for listening in first.sockets:
            for _ in range(ACCEPTED_A_TURN - 1):
                same = socket.socket(fileno=os.dup(listening.fileno()))
                self._servers.append(await shared.loop.create_server(connect, sock=same, backlog=BACKLOG))
        self._sweep()
        return int(first.sockets[0].getsockname()[1])

    def stop_accepting(self) -> None:
        """Refuse new connections, close idle ones; each of the others ends with the answer that it is owed."""
        self._shared.heads.is_draining = True
        for server in self._servers:
            server.close()
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
