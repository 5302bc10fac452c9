"""The circuit breaker of one target: stop calling what is down, and find out cheaply when it is up again.

`gate.TargetGate` asks it before every call and tells it how each one went.  A throttled call says that the target
lives, so it never opens the breaker.  A fleet shares the state: `on_change` publishes, `apply` takes in what another
process published (see `admission.fleet`).
"""

import math
import random
from collections.abc import Callable
from typing import Literal

import msgspec

from penstock.config.targets import BreakerSettings
from penstock.core.clock import Clock

State = Literal["closed", "open", "half_open"]
Verdict = Literal["good", "bad", "alive", "none"]
"""Of one call: it worked, it failed, the target refused but is up, or nothing can be said (it was cancelled)."""

_SLOTS = 10
_JITTER = 0.2
_MOST_DOUBLINGS = 16


class BreakerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A state to share: how long ago it was found, and for how long it is open still; no clock has to agree with ours.

    The newer of two snapshots of a target is the valid one.  One that an operator has ordered (`is_ordered`) always is.
    """

    state: State
    age_s: float
    left_s: float
    openings: int
    is_ordered: bool = False


class BreakerChange(msgspec.Struct, frozen=True, kw_only=True):
    """`was_remote` marks a state that came from another process and must not be published again."""

    before: State
    after: State
    reason: str
    was_remote: bool
    snapshot: BreakerSnapshot


class Breaker:
    """See the module.  `try_take` and `give` come in pairs; the token ties a result to the state it was let through in.

    Results of calls from before the breaker last changed its state are not counted: they speak of another time.  For
    the same reason failures in a row are counted twice over: among all results as they come in, and among the calls
    that were sent after the first of them failed.  When a target goes down, slow answers from before still arrive
    between the failures and would hide them.  Where answers are slow and failures fast it is the other way round:
    what comes in first is all failures.  So they are always judged against what was sent, not what has come back.

    What another process found is hearsay where our own calls have just worked: one process with a broken network must
    not take a target from all the others.  It is then a warning, which one failed call confirms and a good one, sent
    after it, refutes.
    """

    __slots__ = (
        "_calls",
        "_changed_s",
        "_clock",
        "_failures",
        "_fresh_failures",
        "_fresh_since",
        "_good_probes",
        "_good_slot",
        "_issued",
        "_on_change",
        "_open_until_s",
        "_openings",
        "_probes",
        "_rng",
        "_settings",
        "_since",
        "_slot",
        "_slot_s",
        "_state",
        "_streak",
        "_streak_since",
        "_warned_openings",
        "_warned_since",
        "_warned_until_s",
        "reason",
    )

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Clock,
        rng: random.Random,
        on_change: Callable[[BreakerChange], None] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._on_change = on_change
        self._slot_s = settings.window_s / _SLOTS
        self._state: State = "closed"
        self._changed_s = -math.inf
        self._open_until_s = 0.0
        self._openings = 0
        self._issued = 0
        self._since = 0
        self._probes = 0
        self._good_probes = 0
        self._streak = 0
        self._streak_since = 0
        self._fresh_failures = 0
        self._fresh_since = 0
        self._slot = 0
        self._good_slot = -_SLOTS
        self._warned_until_s = 0.0
        self._warned_since = 0
        self._warned_openings = 0
        self.reason = ""
        self._calls = [0] * _SLOTS
        self._failures = [0] * _SLOTS

    @property
    def state(self) -> State:
        """As it is now: an open breaker whose time is over is half-open."""
        if self._state == "open" and self._clock.monotonic() >= self._open_until_s:
            self._change("half_open", "the wait is over")
        return self._state

    @property
    def is_closed(self) -> bool:
        """The cheap question of the hot path."""
        return self._state == "closed"

    @property
    def admits(self) -> bool:
        """Whether `try_take` would let a call through now."""
        state = self.state
        return state == "closed" or (state == "half_open" and self._probes < self._settings.probes)

    @property
    def retry_after_s(self) -> float:
        """How long until the next probe may go; where one is under way, the shortest wait there is."""
        return max(0.0, self._open_until_s - self._clock.monotonic()) or self._settings.open_s

    def try_take(self) -> int | None:
        """A token for one call, or None where the target must not be called."""
        if self._state != "closed":
            if not self.admits:
                return None
            self._probes += 1
        self._issued += 1
        self._calls[self._turn()] += 1
        return self._issued

    def give(self, token: int, verdict: Verdict) -> None:
        """Say how a call went; exactly once for each token."""
        if token <= self._since:
            return
        if self._state == "half_open":
            self._give_probe(verdict)
        elif verdict == "bad":
            self._failures[self._turn()] += 1
            if not self._streak:
                self._streak_since = self._issued
            self._streak += 1
            if not self._fresh_failures:
                self._fresh_since = self._issued
                self._fresh_failures = 1
            elif token > self._fresh_since:
                self._fresh_failures += 1
            self._judge()
        elif verdict == "good":
            self._streak = 0
            self._good_slot = self._slot
            if token > self._fresh_since:
                self._fresh_failures = 0
            if self._warned_until_s and token > self._warned_since:
                self._warned_until_s = 0.0

    def snapshot(self) -> BreakerSnapshot:
        now_s = self._clock.monotonic()
        return BreakerSnapshot(
            state=self._state,
            age_s=now_s - self._changed_s,
            left_s=max(0.0, self._open_until_s - now_s) if self._state == "open" else 0.0,
            openings=self._openings,
        )

    def apply(self, remote: BreakerSnapshot, reason: str = "") -> None:
        """Take on the state of another process where it is newer than ours; a half-open one we find out ourselves."""
        now_s = self._clock.monotonic()
        found_s = now_s - remote.age_s
        if remote.state == "half_open" or (found_s <= self._changed_s and not remote.is_ordered):
            return
        if remote.state == "open" and self._probes and not remote.is_ordered:
            return  # a probe of our own is under way, and will say it at first hand
        self._warned_until_s = 0.0
        if remote.state == "closed":
            self._openings = 0
            if self._state != "closed":
                self._change("closed", reason or "another process found it up", remote_s=found_s)
            return
        wait_s = remote.left_s
        if not remote.is_ordered:
            # A little later than who found it: the first probe then spares the others theirs.
            wait_s = min(wait_s, self._settings.open_most_s) * self._rng.uniform(1.0, 1.0 + _JITTER)
        if wait_s <= 0.0:
            return
        if self._state == "closed" and not remote.is_ordered and self._works_for_us(now_s):
            self._changed_s = found_s
            self._warned_until_s, self._warned_since = now_s + wait_s, self._issued
            self._warned_openings = remote.openings
            return
        self._openings = max(self._openings, remote.openings)
        self._open_until_s = now_s + wait_s
        self._change("open", reason or "another process found it down", remote_s=found_s)

    def _works_for_us(self, now_s: float) -> bool:
        return int(now_s / self._slot_s) - self._good_slot < _SLOTS

    def _give_probe(self, verdict: Verdict) -> None:
        self._probes -= 1
        if verdict == "bad":
            self._open("a probe failed")
        elif verdict != "none":
            self._good_probes += 1
            if self._good_probes >= self._settings.probes_to_close:
                self._openings = 0
                self._change("closed", "the probes succeeded")

    def _turn(self) -> int:
        """The window's slot for now; slots whose time has passed are emptied."""
        slot = int(self._clock.monotonic() / self._slot_s)
        if slot != self._slot:
            for stale in range(max(self._slot + 1, slot - _SLOTS + 1), slot + 1):
                self._calls[stale % _SLOTS] = self._failures[stale % _SLOTS] = 0
            self._slot = slot
        return slot % _SLOTS

    def _judge(self) -> None:
        settings = self._settings
        if self._warned_until_s:
            until_s, self._warned_until_s = self._warned_until_s, 0.0
            if until_s > self._clock.monotonic():
                self._openings = max(self._openings, self._warned_openings)
                self._open_until_s = until_s
                self._change("open", "another process found it down, and a call failed", remote_s=self._changed_s)
                return
        for failures, since in ((self._streak, self._streak_since), (self._fresh_failures, self._fresh_since)):
            sent = self._issued - since
            if failures >= settings.consecutive and failures >= settings.failure_ratio * sent:
                self._open(f"{failures} calls failed in a row")
                return
        calls, failures = sum(self._calls), sum(self._failures)
        if calls >= settings.min_calls and failures >= settings.failure_ratio * calls:
            self._open(f"{failures} calls failed of {calls}")

    def _open(self, reason: str) -> None:
        settings = self._settings
        wait_s = min(settings.open_most_s, settings.open_s * 2.0 ** min(self._openings, _MOST_DOUBLINGS))
        wait_s *= self._rng.uniform(1.0 - _JITTER, 1.0 + _JITTER)
        self._openings += 1
        self._open_until_s = self._clock.monotonic() + wait_s
        self._change("open", reason)

    def _change(self, after: State, reason: str, *, remote_s: float | None = None) -> None:
        """`remote_s` is when another process found so.  Half-open is no finding: it only says that time has passed."""
        before, self._state = self._state, after
        self.reason = reason
        if after != "half_open":
            self._changed_s = self._clock.monotonic() if remote_s is None else remote_s
        self._warned_until_s = 0.0
        self._since = self._issued
        self._probes = self._good_probes = self._streak = self._fresh_failures = 0
        self._calls = [0] * _SLOTS
        self._failures = [0] * _SLOTS
        if self._on_change is not None and before != after:
            self._on_change(
                BreakerChange(
                    before=before,
                    after=after,
                    reason=reason,
                    was_remote=remote_s is not None,
                    snapshot=self.snapshot(),
                )
            )
