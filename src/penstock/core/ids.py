"""Identifiers: time-ordered, unguessable, made without a lock or a network."""

import os
from typing import NewType

from penstock.core.clock import Clock

ExchangeId = NewType("ExchangeId", str)


def new_exchange_id(clock: Clock) -> ExchangeId:
    """`ex_` and 32 hexadecimal digits: 48 bits of milliseconds and 80 random ones, sorting by time like a UUIDv7."""
    return ExchangeId(f"ex_{int(clock.now() * 1000):012x}{os.urandom(10).hex()}")
