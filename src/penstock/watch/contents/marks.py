"""A blind index: words are found without standing anywhere.

A mark is a keyed hash of a word under a key of its tenant's own, with the day in front: whoever reads the table sees
which exchanges of one tenant and day have a word in common, and not which word.  The day makes a look at one day as
cheap as if there were no other, so that a search goes back day by day.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

Keys = Callable[[str], Mapping[str, bytes]]
"""A tenant's keys, by the id of the key of the installation that each is derived from."""

DAY_S: Final = 86_400
_HASH_BYTES: Final = 6
_MOST_DAYS: Final = 1 << 15
_MOST_TENANTS: Final = 10_000


class Marker:
    """Makes marks.  For any thread."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._known: dict[str, Mapping[str, bytes]] = {}

    def marks(self, tenant: str, key_id: str, day: int, words: Iterable[str]) -> list[int]:
        """Of an exchange that is sealed under the key.  Raises `KeyError` for a key that is not there."""
        key, high = self._of(tenant)[key_id], _high(day)
        return sorted(high | _hash(key, word) for word in words)

    def every_mark(self, tenants: Sequence[str], days: Iterable[int], word: str) -> list[int]:
        """All that the word may be marked with, under whichever of the keys."""
        hashes = [_hash(key, word) for tenant in tenants for key in self._of(tenant).values()]
        return [_high(day) | each for day in days for each in hashes]

    def _of(self, tenant: str) -> Mapping[str, bytes]:
        found = self._known.get(tenant)
        if found is None:
            if len(self._known) >= _MOST_TENANTS:
                self._known.clear()
            found = self._known[tenant] = self._keys(tenant)
        return found


def _high(day: int) -> int:
    return (day % _MOST_DAYS) << (8 * _HASH_BYTES)


def _hash(key: bytes, word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES, key=key).digest())
