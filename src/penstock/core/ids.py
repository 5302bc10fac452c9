"""Identifiers: time-ordered, unguessable, made without a lock or a network."""

import os
from typing import NewType

from penstock.core.clock import Clock

ExchangeId = NewType("ExchangeId", str)

_RANDOM_BYTES = 10
_BATCH = 256


class ExchangeIds:
    """Makes the ids of one process: `ex_` and 32 hexadecimal digits, sorting by time like a UUIDv7.

    48 bits are milliseconds and 80 are random.  Randomness is drawn for many ids at once, since each draw is a system
    call.  Make one after any fork, or two processes draw the same.
    """

    __slots__ = ("_clock", "_pool")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool: list[str] = []

    def new(self) -> ExchangeId:
        pool = self._pool
        if not pool:
            digits = os.urandom(_RANDOM_BYTES * _BATCH).hex()
            width = _RANDOM_BYTES * 2
            pool.extend(digits[at : at + width] for at in range(0, len(digits), width))
        return ExchangeId(f"ex_{int(self._clock.now() * 1000):012x}{pool.pop()}")


def new_exchange_id(clock: Clock) -> ExchangeId:
    """One id, where only one is needed."""
    return ExchangeIds(clock).new()
