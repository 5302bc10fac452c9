"""Identifiers: time-ordered, unguessable, made without a lock or a network."""

import os
from base64 import b32hexencode
from typing import NewType

from penstock.core.clock import Clock

ExchangeId = NewType("ExchangeId", str)


def new_exchange_id(clock: Clock) -> ExchangeId:
    """`ex_` and 26 characters: 48 bits of milliseconds and 80 random ones, sorting by time (as a UUIDv7 does)."""
    stamp = int(clock.now() * 1000) & 0xFFFF_FFFF_FFFF
    raw = stamp.to_bytes(6, "big") + os.urandom(10)
    return ExchangeId("ex_" + b32hexencode(raw).decode("ascii").rstrip("=").lower())
