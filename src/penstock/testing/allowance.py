"""How a simulated provider counts what a credential may still use, and what it says of it.

`director` keeps one for each credential, model and limit.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from penstock.testing.behaviour import Behaviour, Limit

Unit: TypeAlias = Literal["requests", "tokens"]


class Allowance:
    """One limit: a window that gives everything back at its end, or a bucket that fills evenly.

    Seconds count from the start of the simulator.
    """

    __slots__ = ("_at_s", "_is_bucket", "_left", "_limit", "_window", "unit")

    def __init__(self, limit: Limit, unit: Unit, *, is_bucket: bool) -> None:
        self.unit: Unit = unit
        self._limit = limit
        self._is_bucket = is_bucket
        self._left = float(limit.amount)
        self._window = 0
        self._at_s = 0.0

    def wait_s(self, amount: int, now_s: float) -> float:
        """How long until `amount` may be taken; 0 where it may now.  More than all there is waits for all there is."""
        self._pass(now_s)
        missing = min(amount, self._limit.amount) - self._left
        if missing <= 0.0:
            return 0.0 if amount <= self._left else self._limit.window_s
        return missing / self._limit.amount * self._limit.window_s if self._is_bucket else self._until_next_s()

    def take(self, amount: int) -> None:
        self._left -= amount

    def headers(self) -> Mapping[str, str]:
        """As OpenAI's: of a bucket the reset is the time until it is full, of a window that until its end."""
        reset_s = self._until_next_s()
        if self._is_bucket:
            reset_s = (self._limit.amount - self._left) / self._limit.amount * self._limit.window_s
        return {
            f"x-ratelimit-limit-{self.unit}": str(self._limit.amount),
            f"x-ratelimit-remaining-{self.unit}": str(math.floor(self._left)),
            f"x-ratelimit-reset-{self.unit}": f"{reset_s:.3f}s",
        }

    def _until_next_s(self) -> float:
        return (self._window + 1) * self._limit.window_s - self._at_s

    def _pass(self, now_s: float) -> None:
        if self._is_bucket:
            back = (now_s - self._at_s) / self._limit.window_s * self._limit.amount
            self._left = min(float(self._limit.amount), self._left + back)
        window = int(now_s // self._limit.window_s)
        if not self._is_bucket and window != self._window:
            self._left = float(self._limit.amount)
        self._window = window
        self._at_s = now_s


def allowances(behaviour: Behaviour) -> tuple[Allowance, ...]:
    """One for each limit that `behaviour` has."""
    limits: Sequence[tuple[Unit, Limit | None]] = (("requests", behaviour.limit), ("tokens", behaviour.token_limit))
    return tuple(Allowance(limit, unit, is_bucket=behaviour.is_bucket) for unit, limit in limits if limit is not None)
