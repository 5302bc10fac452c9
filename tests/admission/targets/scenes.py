"""Simulated servers and crowds of callers on a clock that a test moves."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

from penstock.admission.targets.gate import TargetGate
from penstock.config.targets import ConcurrencySettings, GateSettings
from penstock.core.errors import CapacityError
from penstock.core.outcome import Succeeded, Throttled
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock


def gate(clock: FakeClock, settings: GateSettings | None = None, *, seed: int = 1) -> TargetGate:
    return TargetGate("t", settings or GateSettings(concurrency=ConcurrencySettings(initial=32)), clock, rng_for(seed))


def run(scene: Callable[[FakeClock], Coroutine[object, object, None]]) -> None:
    asyncio.run(scene(FakeClock()))


class TokenBucket:
    """Counts as OpenAI does: fills evenly, and says when it would be full."""

    def __init__(self, clock: FakeClock, limit: int, period_s: float = 60.0) -> None:
        self._clock = clock
        self._limit = limit
        self._rate = limit / period_s
        self._level = float(limit)
        self._at_s = clock.monotonic()

    def take(self) -> bool:
        now_s = self._clock.monotonic()
        self._level = min(float(self._limit), self._level + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True

    def headers(self) -> dict[str, str]:
        full_s = (self._limit - self._level) / self._rate
        return {
            "x-ratelimit-limit-requests": str(self._limit),
            "x-ratelimit-remaining-requests": str(int(self._level)),
            "x-ratelimit-reset-requests": f"{full_s:.3f}s",
        }

    def retry_after_s(self) -> float:
        return (1.0 - self._level) / self._rate


class FixedWindow:
    """Gives everything back at the turn of each period, and says when that is."""

    def __init__(self, clock: FakeClock, limit: int, period_s: float = 60.0) -> None:
        self._clock = clock
        self._limit = limit
        self._period_s = period_s
        self._window = -1
        self._used = 0

    def take(self) -> bool:
        window = int(self._clock.monotonic() / self._period_s)
        if window != self._window:
            self._window, self._used = window, 0
        if self._used >= self._limit:
            return False
        self._used += 1
        return True

    def headers(self) -> dict[str, str]:
        return {
            "anthropic-ratelimit-requests-limit": str(self._limit),
            "anthropic-ratelimit-requests-remaining": str(self._limit - self._used),
            "anthropic-ratelimit-requests-reset": _rfc3339(self._clock.now() + self.retry_after_s()),
        }

    def retry_after_s(self) -> float:
        return self._period_s - self._clock.monotonic() % self._period_s


class SlidingWindow:
    """At most `limit` in any period, by a log of them; says when the oldest will be forgotten."""

    def __init__(self, clock: FakeClock, limit: int, period_s: float = 60.0) -> None:
        self._clock = clock
        self._limit = limit
        self._period_s = period_s
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        now_s = self._clock.monotonic()
        while self._taken and self._taken[0] <= now_s - self._period_s:
            self._taken.popleft()
        if len(self._taken) >= self._limit:
            return False
        self._taken.append(now_s)
        return True

    def headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit-requests": str(self._limit),
            "x-ratelimit-remaining-requests": str(self._limit - len(self._taken)),
            "x-ratelimit-reset-requests": f"{self.retry_after_s():.3f}s",
        }

    def retry_after_s(self) -> float:
        return self._taken[0] + self._period_s - self._clock.monotonic() if self._taken else 0.0


Provider = TokenBucket | FixedWindow | SlidingWindow


class LimitedCalls:
    """Callers who come evenly at `rate` for `seconds` and call a provider with limits; counts what becomes of them."""

    def __init__(
        self, clock: FakeClock, provider: Provider, *, latency_s: float, deadline_s: float, seed: int = 1
    ) -> None:
        self._clock = clock
        self._provider = provider
        self._latency_s = latency_s
        self._deadline_s = deadline_s
        self._rng = rng_for(seed)
        self.good = 0
        self.in_hand = 0
        self.throttled = 0
        self.refused = 0

    async def call(self, at: TargetGate) -> None:
        clock = self._clock
        try:
            permit = await at.enter(tenant="acme", deadline_s=clock.monotonic() + self._deadline_s)
        except CapacityError:
            self.refused += 1
            return
        await clock.sleep(self._rng.uniform(0.01, 0.05))
        accepted = self._provider.take()
        headers = self._provider.headers()
        if not accepted:
            wait_s = self._provider.retry_after_s()
            permit.observe(headers)
            permit.close(Throttled(wait_s))
            self.throttled += 1
            return
        self.in_hand += 1
        latency_s = self._latency_s * self._rng.lognormvariate(0.0, 0.3)
        await clock.sleep(latency_s)
        permit.observe(headers)
        permit.close(Succeeded(latency_s, latency_s))
        self.in_hand -= 1
        self.good += 1

    async def arrive(self, gates: list[TargetGate], *, rate: float, seconds: float) -> None:
        tasks: set[asyncio.Task[None]] = set()
        for number in range(int(rate * seconds)):
            tasks.add(_started(self.call(gates[number % len(gates)])))
            await self._clock.run_for(self._rng.expovariate(rate))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _started(call: Coroutine[object, object, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(call)


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
