"""Where entries lie: in this process, and behind it the store that all processes share.

`get` is what the request path asks; only where the store is known to have an entry is it asked too, and then for a
moment at most.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from penstock.cache.drops import Drops
from penstock.cache.entry import Drop, Entry, decode_events
from penstock.cache.lru import Lru
from penstock.core.clock import Clock
from penstock.core.events import Event

_SWEPT_AT_ONCE = 500
_MOST_READ = 512
_LARGEST_READ_BYTES = 8 * 1024


Dropped: TypeAlias = Callable[[Sequence[Drop] | None], None]
"""Hears of what was dropped; None is everything."""


def _nobody(drops: Sequence[Drop] | None) -> None:
    del drops


class Backing(Protocol):
    """The store, as the request path meets it: nothing here waits for a network but `find`, which is bounded.

    `offer` may forget what cannot be written.  `since` is `Drops.now` of when the entry's making began.
    """

    def knows(self, key: bytes) -> bool: ...
    async def find(self, key: bytes) -> Entry | None: ...
    def offer(self, entry: Entry, since: int) -> None: ...


class Shelf:
    """Used on one event loop.  Without a `backing` entries live and die with the process."""

    __slots__ = ("_backing", "_clock", "_read", "_told", "drops", "memory")

    def __init__(self, memory: Lru, drops: Drops, clock: Clock, backing: Backing | None = None) -> None:
        self.memory = memory
        self.drops = drops
        self._clock = clock
        self._backing = backing
        self._read: dict[bytes, tuple[Entry, tuple[Event, ...]]] = {}
        self._told: Dropped = _nobody

    def tell(self, dropped: Dropped) -> None:
        """Have `dropped` hear of what is dropped from now on, once it is gone from here."""
        self._told = dropped

    def get(self, key: bytes) -> Entry | None:
        """The entry that lies here."""
        return self.memory.get(key, self._clock.now())

    def events(self, entry: Entry) -> tuple[Event, ...]:
        """The entry's answer.  What is asked again and again is mostly short, and is read from its bytes once."""
        read = self._read.get(entry.key)
        if read is not None and read[0] is entry:
            return read[1]
        events = decode_events(entry.events)
        if len(entry.events) <= _LARGEST_READ_BYTES:
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            self._read[entry.key] = (entry, events)
        return events

    def is_elsewhere(self, key: bytes) -> bool:
        """Whether the store is known to have an entry of that key."""
        return self._backing is not None and self._backing.knows(key)

    async def fetch(self, key: bytes) -> Entry | None:
        """The entry from the store, which then lies here too; None where there is none in time."""
        if self._backing is None:
            return None
        since = self.drops.now
        entry = await self._backing.find(key)
        if entry is None or entry.expires_at <= self._clock.now() or self.drops.is_gone(entry, since):
            return None
        try:
            decode_events(entry.events)
        except msgspec.DecodeError:
            return None  # a newer version's
        self.memory.put(entry, since)
        return entry

    def apply(self, drops: Sequence[Drop] | None) -> None:
        """Drop these, or everything; what lies here is gone from memory within moments too."""
        if drops is None:
            self.drops.apply_all()
        for drop in drops or ():
            self.drops.apply(drop)
        self._read.clear()
        self._sweep(self.memory.everything())
        self._told(drops)

    def _sweep(self, keys: tuple[bytes, ...]) -> None:
        """A part of it now and the rest later, so that no request waits for all."""
        self.memory.sweep(keys[:_SWEPT_AT_ONCE], self._clock.now())
        if len(keys) > _SWEPT_AT_ONCE:
            asyncio.get_running_loop().call_soon(self._sweep, keys[_SWEPT_AT_ONCE:])

    def keep(self, entry: Entry, since: int) -> None:
        """Here at once, and in the store a moment later.  `since` is `drops.now` of when its making began."""
        if self.drops.is_gone(entry, since):
            return
        self.memory.put(entry, since)
        if self._backing is not None:
            self._backing.offer(entry, since)
