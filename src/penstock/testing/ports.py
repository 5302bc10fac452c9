"""Ports for servers that a test starts by their number."""

import socket
from random import SystemRandom
from typing import Final

_FIRST: Final = 10_000
_LAST: Final = 20_000
_CHANCE: Final = SystemRandom()
_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on, given once to a process.

    It lies below those that a system takes for connections of its own (from 32,768 on Linux): of them, whoever asks a
    server that is not there yet may be given the very port that it asks, and then talks to itself where the server
    should listen.  10,000 above it is free of them as well: a Redis cluster's bus stands there.

    Raises:
        OSError: No port is left.
    """
    for _ in range(1_000):
        port = _CHANCE.randrange(_FIRST, _LAST)
        if port not in _given and _is_free(host, port):
            _given.add(port)
            return port
    message = f"no port of {host} is free between {_FIRST:,} and {_LAST:,}"
    raise OSError(message)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
