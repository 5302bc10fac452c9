"""How often an address may fail to sign in.  Bounded in memory; used on the event loop alone."""

from collections import OrderedDict

from penstock.core.clock import Clock

_WINDOW_S = 60.0
_MAX_ADDRESSES = 10_000


class Tries:
    """`may` before a try, `failed` after one that failed."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def may(self, address: str) -> bool:
        return len(self._recent(address)) < self._per_minute

    def failed(self, address: str) -> None:
        self._failures[address] = [*self._recent(address), self._clock.monotonic()]
        self._failures.move_to_end(address)
        while len(self._failures) > _MAX_ADDRESSES:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock.monotonic() - _WINDOW_S
        return [at for at in self._failures.get(address, ()) if at > since]
