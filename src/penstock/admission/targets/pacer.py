"""Keeps the calls of one target within what its provider announces, so that a 429 is the exception.

`gate.TargetGate` asks before each call how long it must wait, says what it sent, and hands over what each answer
announced.  Tokens are reserved by estimate, which `calibration` has put right; the next answer's headers say what was
really counted.
"""

import math
import random

from penstock.admission.targets.announced import ProviderLimits, Unit
from penstock.admission.targets.meter import Meter
from penstock.config.targets import PacingSettings

_MOST_DOUBLINGS = 16
_FREE_STRIKES = 12


class Sent:
    """How much has gone out, in every unit.  A copy of it marks a call's place in the order of calls."""

    __slots__ = ("input_tokens", "output_tokens", "requests")

    def __init__(self, requests: int = 0, input_tokens: int = 0, output_tokens: int = 0) -> None:
        self.requests = requests
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens

    def copy(self) -> "Sent":
        return Sent(self.requests, self.input_tokens, self.output_tokens)

    def add(self, other: "Sent") -> None:
        self.requests += other.requests
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens

    def take_off(self, other: "Sent") -> None:
        self.requests -= other.requests
        self.input_tokens -= other.input_tokens
        self.output_tokens -= other.output_tokens

    def part(self, fraction: float) -> "Sent":
        return Sent(
            round(self.requests * fraction), round(self.input_tokens * fraction), round(self.output_tokens * fraction)
        )

    def of(self, unit: Unit) -> int:
        match unit:
            case "requests":
                return self.requests
            case "tokens":
                return self.input_tokens + self.output_tokens
            case "input_tokens":
                return self.input_tokens
            case "output_tokens":
                return self.output_tokens


class Pacer:
    """See the module."""

    __slots__ = ("_meters", "_paused_at_s", "_resume_s", "_rng", "_settings", "_share", "_strikes", "sent")

    def __init__(self, settings: PacingSettings, rng: random.Random) -> None:
        self._settings = settings
        self._share = settings.share
        self._rng = rng
        self._meters: dict[tuple[Unit, float | None], Meter] = {}
        self._resume_s = 0.0
        self._paused_at_s = -math.inf
        self._strikes = 0
        self.sent = Sent()

    @property
    def is_announced(self) -> bool:
        """Whether the provider tells its limits: then a 429 is about rates, not about how much is going on at once."""
        return bool(self._meters)

    def set_share(self, share: float) -> None:
        """The part of the announced limits that is ours, from the next answer on: one over the number of processes."""
        self._share = share
        for meter in self._meters.values():
            meter.share = share

    def wait_s(self, need: Sent, ahead: Sent, now_s: float) -> float:
        """How long until a call of `need` may go out once all of `ahead` has; 0 where it may now."""
        wait_s = self._resume_s - now_s
        for meter in self._meters.values():
            meter_s = meter.wait_s(need.of(meter.unit), ahead.of(meter.unit), now_s)
            wait_s = max(wait_s, meter_s)
        return max(0.0, wait_s)

    def is_free(self, now_s: float) -> bool:
        """Whether nothing at all is paced: the cheap question of the hot path."""
        return not self._meters and now_s >= self._resume_s

    def send(self, need: Sent, now_s: float) -> None:
        self.sent.add(need)
        for meter in self._meters.values():
            meter.spend(need.of(meter.unit), now_s)

    def observe(self, limits: ProviderLimits, *, mark: Sent, sent_s: float, now_s: float) -> None:
        """Take in what the answer to the call of `mark` and `sent_s` announced."""
        for quota in limits.quotas:
            key = (quota.unit, quota.period_s)
            meter = self._meters.get(key)
            if meter is None:
                meter = self._meters[key] = Meter(quota.unit, share=self._share, burst=self._settings.burst)
            spent_since = self.sent.of(quota.unit) - mark.of(quota.unit)
            meter.observe(quota, spent_since=spent_since, sent_s=sent_s, now_s=now_s)

    def throttled(self, retry_after_s: float | None, *, sent_s: float, now_s: float) -> None:
        """Pause after a 429: as long as asked for, else longer each time.

        A 429 for a call that left before the last pause began is news of the same trouble and adds nothing.  One that
        names no time, of a provider that announces no limit, is about how much goes on at once: there is no pause for
        it unless nothing else gets through.
        """
        if retry_after_s is None:
            if sent_s <= self._paused_at_s:
                return
            if not self._meters and self._strikes < _FREE_STRIKES:
                self._strikes += 1
                return
            for meter in self._meters.values():
                meter.empty(now_s)
            settings = self._settings
            doublings = self._strikes if self._meters else self._strikes - _FREE_STRIKES
            retry_after_s = min(settings.pause_most_s, settings.pause_s * 2.0 ** min(doublings, _MOST_DOUBLINGS))
            retry_after_s *= self._rng.uniform(0.8, 1.2)
        if sent_s > self._paused_at_s:
            self._strikes += 1
            self._paused_at_s = now_s
        self._resume_s = max(self._resume_s, now_s + retry_after_s)

    def answered(self) -> None:
        """A call went through: the next pause is a short one again."""
        self._strikes = 0
