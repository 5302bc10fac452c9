"""Which exchanges are sent: a share of the ordinary ones, and every one that somebody will look for.

The share is decided by the exchange's id alone, the same in every process and in any collector that follows
OpenTelemetry's rule: the last 56 bits of the trace id are random, and a trace is in where they reach a threshold.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from penstock.watch.traces.reading import Head

Why = Literal["sampled", "slow", "error", "blocked", "held", "refused"]

_ORDINARY = frozenset({"completed", "client_gone"})
_WHY: dict[str, Why] = {"blocked": "blocked", "held": "held", "rejected": "refused"}
_RANDOM_BITS = 56
_ID_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Sampling:
    """`share` of the ordinary exchanges, all from `slow_s` on."""

    share: float
    slow_s: float

    def why(self, head: Head) -> Why | None:
        """Why it is sent; None where it is not."""
        if head.outcome not in _ORDINARY:
            return _WHY.get(head.outcome, "error")
        if head.duration_s >= self.slow_s:
            return "slow"
        return "sampled" if self.is_in_share(trace_id(head.id)) else None

    def is_in_share(self, of: bytes) -> bool:
        randomness = int.from_bytes(of[-(_RANDOM_BITS // 8) :], "big")
        return randomness >= round((1 - self.share) * (1 << _RANDOM_BITS))


def trace_id(exchange: str) -> bytes:
    """The exchange's id without its `ex_`, which are 16 bytes of which 10 are random; of another id a digest."""
    digits = exchange[3:]
    if is_own_id(exchange):
        return bytes.fromhex(digits)
    return blake2b(exchange.encode(), digest_size=16).digest()


def is_own_id(exchange: str) -> bool:
    digits = exchange[3:]
    return exchange[:3] == "ex_" and len(digits) == 32 and _ID_DIGITS.issuperset(digits) and digits.strip("0") != ""


def span_id(exchange: str, part: str) -> bytes:
    """The same for the same part of the same exchange, so that what is sent twice is the same span."""
    return blake2b(f"{exchange}/{part}".encode(), digest_size=8).digest()
