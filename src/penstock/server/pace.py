"""Holding a stream back to what its client reads.

granian 2.8.7 takes every piece of a stream at once and keeps what the client has not read in memory without a bound
(its issue 885, mended for ASGI and WSGI), so waiting for `send_bytes` holds nothing back: ten clients that did not read
filled ten gigabytes in as many seconds.  The kernel knows better.  After every `WINDOW_BYTES` the sink waits here until
the connection's send queue is nearly empty, which it is only once granian has no more to put there.  A short answer
never gets that far.

Linux tells (`/proc`, `SIOCOUTQ`); where nobody does, nothing is held back.
"""

import fcntl
import os
import socket
import struct
import termios
from pathlib import Path

from penstock.core.clock import Clock

WINDOW_BYTES = 256 * 1024
_NEARLY_EMPTY_BYTES = 32 * 1024
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.05
_DESCRIPTORS = Path("/proc/self/fd")


class Pace:
    """One client's connection, told by its address as the server sees it (`127.0.0.1:50000`, `[::1]:50000`)."""

    __slots__ = ("_client", "_clock", "_fd")

    def __init__(self, client: str, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._fd: int | None = None

    async def wait_for_reader(self) -> None:
        """Return once the client has read nearly all that was sent, or is gone.  May be cancelled."""
        pause_s = _FIRST_PAUSE_S
        while self._queued_bytes() > _NEARLY_EMPTY_BYTES:
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _queued_bytes(self) -> int:
        """What the kernel has not got rid of: 0 where the connection is gone or nobody can tell."""
        if self._fd is None or _peer(self._fd) != self._client:
            # Looked for once in many streams, since few are long: a table of all connections would cost each of them.
            self._fd = _descriptor(self._client)
        if self._fd is None:
            return 0
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._fd, termios.TIOCOUTQ, bytes(4)))[0])
        except OSError:
            return 0


def _descriptor(client: str) -> int | None:
    try:
        names = os.listdir(_DESCRIPTORS)  # noqa: PTH208 - names alone, many times faster than paths
    except FileNotFoundError:
        return None
    return next((number for number in map(int, names) if _peer(number) == client), None)


def _peer(number: int) -> str | None:
    """The address at the other end of a descriptor; None if it is no connection.  The descriptor stays granian's."""
    try:
        borrowed = socket.socket(fileno=number)
    except OSError:
        return None
    try:
        host, port = borrowed.getpeername()[:2]
    except (OSError, ValueError):
        return None
    finally:
        borrowed.detach()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
