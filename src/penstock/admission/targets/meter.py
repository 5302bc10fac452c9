"""One announced limit, followed between the answers that announce it.  `pacer.Pacer` keeps one for each.

Providers count in two ways, and their headers tell which.  A *bucket* fills evenly, and its reset is the time until it
is full: used / limit of the period (OpenAI, Azure, Groq).  A *window* gives all of it back at its end, and its reset is
the time until then.  With a bucket it is safe to spend what is left at once, but for a margin, since calls overtake
each other on their way.  With a window it is spread over the rest of it, and no more is sent in any period than the
limit, so that a window that slides is kept as well.
"""

import math

from penstock.admission.targets.announced import Quota, Unit

_MINUTE_S = 60.0
_USUAL_S = (1.0, 10.0, 60.0, 3_600.0, 86_400.0, 2_678_400.0)
_SLOTS = 64
_SUSPICIONS = 3
_HALF = 0.5
_ROUNDING_S = 1.5
_ROUNDING = 0.1
_MATCHES_OF_A_BUCKET = 10
_FOREIGN_S = 10.0
_FOREIGN_MOST = 0.95
_LONGEST_S = 3_600.0
_GRACE_S = 1.0
_GRACE = 0.02
_NEARLY_ALL = 0.9
_BELIEF_UPWARD = 0.25
_MARGIN_CALLS = 1.0
_MARGIN = 0.005
_MARGIN_MOST = 0.1


class Meter:
    """What is left of one quota, by our own count since the provider's last word.

    `share` is the part of the quota that is ours.  Amounts are in the quota's unit, times monotonic seconds.
    """

    __slots__ = (
        "_boundary_s",
        "_burst",
        "_credit",
        "_foreign",
        "_is_bucket",
        "_level",
        "_limit",
        "_matches",
        "_period_s",
        "_ring",
        "_slot",
        "_suspected_s",
        "_suspicions",
        "_updated_s",
        "share",
        "unit",
    )

    def __init__(self, unit: Unit, *, share: float, burst: float) -> None:
        self.unit: Unit = unit
        self.share = share
        self._burst = burst
        self._limit = 0.0
        self._period_s = _MINUTE_S
        self._is_bucket = True
        self._matches = 0
        self._suspected_s: float | None = None
        self._suspicions = 0
        self._level = math.inf
        self._credit = 0.0
        self._boundary_s = math.inf
        self._updated_s = 0.0
        self._foreign = 0.0
        self._ring = [0.0] * _SLOTS
        self._slot = 0

    @property
    def level(self) -> float:
        """What may still be spent, as of the last update."""
        return self._level

    def observe(self, quota: Quota, *, spent_since: float, sent_s: float, now_s: float) -> None:
        """Believe the provider: `remaining` was true when the call of `sent_s` arrived there, or when it answered.

        `spent_since` is what we have sent after that call.  Which of the two moments is meant is not known, so the
        lower of both readings is taken: what was sent since counts against us, beyond what has come back meanwhile.
        Good news of a bucket is believed by and by, as calls overtake each other; bad news at once.
        """
        is_first = self._limit == 0.0
        self._limit = quota.limit * self.share
        self._learn_kind(quota, is_first=is_first)
        if not is_first:
            self._update(now_s)
        if not self._is_bucket and quota.reset_s == 0.0 and not is_first:
            return  # of a window that has ended since
        rate = self._limit / self._period_s
        owed = max(0.0, spent_since - (rate * (now_s - sent_s) if self._is_bucket else 0.0))
        level = quota.remaining * self.share - owed
        if self._is_bucket:
            if not is_first:
                self._foreign += (self._level - level) / _FOREIGN_S
                self._foreign = min(_FOREIGN_MOST * rate, max(0.0, self._foreign))
                if level > self._level:
                    level = self._level + _BELIEF_UPWARD * (level - self._level)
        elif is_first or quota.reset_s is not None:
            self._learn_boundary(quota, now_s)
        if is_first:
            self._credit = self._burst_size()
        self._level = level
        self._updated_s = now_s

    def spend(self, amount: float, now_s: float) -> None:
        self._update(now_s)
        self._level -= amount
        if not self._is_bucket:
            self._credit -= amount
        self._ring[self._turn(now_s)] += amount

    def empty(self, now_s: float) -> None:
        """The provider refused although we thought there was something left."""
        self._update(now_s)
        self._level = min(self._level, 0.0)

    def wait_s(self, amount: float, ahead: float, now_s: float) -> float:
        """How long until `amount` may go after `ahead` has gone; 0 where it may go now.

        An amount beyond the whole limit is taken for the limit: it would never go otherwise.
        """
        self._update(now_s)
        amount = min(amount, (1.0 - _MARGIN_MOST) * self._limit)
        need = amount + ahead
        rate = max(self._limit / self._period_s - self._foreign, self._limit / self._period_s * (1.0 - _FOREIGN_MOST))
        if self._is_bucket:
            level = self._level - min(_MARGIN_CALLS + _MARGIN * self._limit, _MARGIN_MOST * self._limit)
            return 0.0 if need <= level else min(_LONGEST_S, (need - level) / rate)
        return min(_LONGEST_S, self._window_wait_s(need, min(amount, self._burst_size()) + ahead, rate, now_s))

    def _window_wait_s(self, need: float, smooth_need: float, rate: float, now_s: float) -> float:
        wait_s = 0.0
        if need > self._level:
            wait_s = self._boundary_s - now_s + max(0.0, need - self._level - self._limit) / rate
        elif smooth_need > self._credit:
            wait_s = (smooth_need - self._credit) / max(self._pace(now_s), 1e-9)
        self._turn(now_s)
        over = sum(self._ring) + need - self._limit
        return wait_s if over <= 0.0 else max(wait_s, self._ages_out_s(over, now_s))

    def _ages_out_s(self, over: float, now_s: float) -> float:
        """How long until `over` of what we sent is older than the period."""
        slot_s = self._period_s / (_SLOTS - 1)
        for age in range(_SLOTS - 1, -1, -1):
            over -= self._ring[(self._slot - age) % _SLOTS]
            if over <= 0.0:
                return (self._slot - age + _SLOTS) * slot_s - now_s
        return self._period_s

    def _update(self, now_s: float) -> None:
        elapsed_s = now_s - self._updated_s
        if elapsed_s <= 0.0:
            return
        if self._is_bucket:
            rate = self._limit / self._period_s - self._foreign
            self._level = min(self._limit, self._level + elapsed_s * rate)
        else:
            self._credit = min(self._burst_size(), self._credit + elapsed_s * self._pace(self._updated_s))
            if now_s >= self._boundary_s:
                passed = math.floor((now_s - self._boundary_s) / self._period_s) + 1
                self._boundary_s += passed * self._period_s
                self._level = self._limit
        self._updated_s = now_s

    def _pace(self, now_s: float) -> float:
        """How fast what is left of the window may go out, and at least as fast as on average."""
        left_s = max(self._boundary_s - now_s, self._period_s / _SLOTS)
        return max(self._level / left_s, self._limit / self._period_s)

    def _burst_size(self) -> float:
        return max(1.0, self._burst * self._limit)

    def _turn(self, now_s: float) -> int:
        """The ring's place for now; places whose time has passed are emptied.

        One slot is the one being filled, so that what is counted never covers less than the period.
        """
        slot = int(now_s * (_SLOTS - 1) / self._period_s)
        if slot != self._slot:
            for stale in range(max(self._slot + 1, slot - _SLOTS + 1), slot + 1):
                self._ring[stale % _SLOTS] = 0.0
            self._slot = slot
        return slot % _SLOTS

    def _learn_kind(self, quota: Quota, *, is_first: bool) -> None:
        used = quota.limit - quota.remaining
        reset_s = quota.reset_s
        if quota.period_s is not None:
            self._set_period(quota.period_s)
        if reset_s is None:
            return
        if _matches(reset_s, used / quota.limit * self._period_s):
            self._matches += 1
            if self._matches >= _MATCHES_OF_A_BUCKET:
                self._is_bucket = True
            return
        self._matches = 0
        if quota.period_s is None and self._is_bucket_of_another_period(used / quota.limit, reset_s):
            return
        if self._is_bucket:
            self._is_bucket = False
            self._boundary_s = math.inf
            self._credit = self._burst_size()
            self._foreign = 0.0
        if quota.period_s is None and reset_s > self._period_s:
            self._set_period(_rounded_s(reset_s))

    def _is_bucket_of_another_period(self, used: float, reset_s: float) -> bool:
        """Three answers in a row whose reset is right for the same usual period: a window's falls as use grows.

        Not where most is used: a window that slides is always nearly full then, and its resets are all alike.
        """
        usual = _USUAL_S if used <= _HALF else ()
        rightly = next((usual_s for usual_s in usual if _is_near(reset_s, used * usual_s)), None)
        self._suspicions = self._suspicions + 1 if rightly is not None and rightly == self._suspected_s else 1
        self._suspected_s = rightly
        if rightly is None or self._suspicions < _SUSPICIONS:
            return False
        self._set_period(rightly)
        self._is_bucket = True
        return True

    def _learn_boundary(self, quota: Quota, now_s: float) -> None:
        """The earliest end that is announced, as an answer may tell what held when its call came; and a little later,
        since resets are rounded.

        A window that is whole again sooner than it would be by its period is a shorter one.
        """
        left_s = self._period_s if quota.reset_s is None else quota.reset_s
        ends_s = now_s + left_s + min(_GRACE_S, _GRACE * self._period_s)
        is_standing = self._boundary_s > now_s
        if is_standing and ends_s > self._boundary_s + _ROUNDING_S and quota.remaining >= _NEARLY_ALL * quota.limit:
            is_standing = False
            length_s = ends_s - self._boundary_s
            if quota.period_s is None and length_s < _NEARLY_ALL * self._period_s:
                self._set_period(_rounded_s(length_s))
        self._boundary_s = min(self._boundary_s, ends_s) if is_standing else ends_s

    def _set_period(self, period_s: float) -> None:
        if period_s != self._period_s:
            self._period_s = period_s
            self._ring = [0.0] * _SLOTS
            self._slot = 0


def _rounded_s(period_s: float) -> float:
    """The usual period that is not much shorter: a reset is a little less than the whole of it."""
    for usual_s in _USUAL_S:
        if period_s <= usual_s * (1.0 + _ROUNDING):
            return usual_s
    return period_s


def _matches(reset_s: float, bucket_reset_s: float) -> bool:
    return abs(reset_s - bucket_reset_s) <= max(_ROUNDING_S, _ROUNDING * bucket_reset_s)


def _is_near(value: float, wanted: float) -> bool:
    return wanted > 0.0 and abs(value - wanted) <= _ROUNDING * wanted
