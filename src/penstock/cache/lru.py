"""Entries in memory, within a bound of bytes; the one that was used longest ago goes first."""

from collections import OrderedDict

from penstock.cache.drops import Drops
from penstock.cache.entry import Entry


class Lru:
    """`drops` says what may not be given any more.  Used on one thread."""

    __slots__ = ("_bytes", "_drops", "_found", "_most_bytes")

    def __init__(self, most_bytes: int, drops: Drops) -> None:
        self._most_bytes = most_bytes
        self._drops = drops
        self._found: OrderedDict[bytes, tuple[Entry, int, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._found)

    @property
    def size_bytes(self) -> int:
        """About what all of it takes."""
        return self._bytes

    def get(self, key: bytes, now: float) -> Entry | None:
        """The entry of that key, if it may still be given at `now` (Unix seconds)."""
        kept = self._found.get(key)
        if kept is None:
            return None
        entry, since, _ = kept
        if entry.expires_at <= now or self._drops.is_gone(entry, since):
            self._remove(key)
            return None
        self._found.move_to_end(key)
        return entry

    def put(self, entry: Entry, since: int) -> None:
        """Keep it, in the place of an older one with its key.  `since` is `Drops.now` of when it was begun."""
        size = entry.size_bytes
        if size > self._most_bytes or self._drops.is_gone(entry, since):
            return
        self._remove(entry.key)
        self._found[entry.key] = (entry, since, size)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._remove(next(iter(self._found)))

    def everything(self) -> tuple[bytes, ...]:
        """The keys of all that is kept, for whoever goes through it in parts."""
        return tuple(self._found)

    def sweep(self, keys: tuple[bytes, ...], now: float) -> None:
        """Let go of those of `keys` that may not be given any more."""
        for key in keys:
            kept = self._found.get(key)
            if kept is not None and (kept[0].expires_at <= now or self._drops.is_gone(kept[0], kept[1])):
                self._remove(key)

    def _remove(self, key: bytes) -> None:
        kept = self._found.pop(key, None)
        if kept is not None:
            self._bytes -= kept[2]
