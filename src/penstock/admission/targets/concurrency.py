"""How many calls a target takes at once before they wait for each other: learned from latency and refusals.

`gate.TargetGate` gives it every latency and asks for the limit.  The idea is TCP Vegas's (Brakmo 1994) in the form
that Netflix's concurrency-limits made known: by Little's law latency stands still while there is room and grows with
the number in flight once there is none, so a latency above its unhurried value says how far to go back.

Two things are ours.  The unhurried value is measured and not guessed: whenever the limit has come down by a quarter,
by cause or now and then on purpose, the round is compared with the one before.  If fewer calls were faster, they had
been waiting for each other; if not, the target simply takes that long, and the limit comes back.  So a start above
what the target takes, and a target that becomes slower for reasons of its own, are both found out.  And nothing is
concluded from chance: a round goes on until its mean is known well enough.

Refusals count only where they are more than one call in five.  Providers refuse a few calls for reasons of their own,
and going back for each of those ends at one call at a time; a provider with a bound on calls at once refuses nearly all
that come on top.  What it kept is then the bound, so the limit goes there, and beyond it only after a good while; its
latencies are not asked as long as the limit is about there, unless they are clear.  A provider that lets nothing
through says nothing of how many it takes: that is for the pacer and the breaker.
"""

import math

from penstock.config.targets import ConcurrencySettings

_LEAST_SAMPLES = 16
_MOST_SAMPLES = 600
_PRECISION = 0.035
_PRECISION_TO_GROW = 0.1
_PRECISION_OF_FEW = 0.3
_FEW = 16.0
_WARM_UP = 3.0
_WARM_UP_GROWN = 1.0
_TOLERANCE = 1.1
_SURE = 2.0
_CUT_MOST = 0.5
_BUSY = 0.85
_DIP = 0.75
_FOLLOWED = 0.88
_DIP_EVERY_CALLS = 3_000
_FIRST_DIP_ROUND = 2
_FIRST_DIP_ROUND_OF_FEW = 8
_SUSPICION = 1.05
_GROWTH = 1.5
_GROWTH_MOST = 0.25
_GROWTH_FIRST = 0.125
_AFTER_REFUSAL = 0.8
_REFUSALS_REMEMBERED = 0.02
_TOO_MANY_REFUSALS = 0.2
_QUIET_ROUNDS = 25
_TOLD = 1.5


class ConcurrencyLimit:
    """See the module.

    Nothing is concluded while fewer calls are in flight than the limit allows: an idle target keeps its limit.
    Latencies are averaged by their square root: exponential and log-normal spreads are told apart from a change with
    about equally few samples that way.
    """

    __slots__ = (
        "_anchor",
        "_base",
        "_base_error",
        "_calls",
        "_ceiling",
        "_count",
        "_floor",
        "_has_answered",
        "_is_probing",
        "_is_verified",
        "_least",
        "_limit",
        "_most",
        "_most_in_flight",
        "_next_look",
        "_quiet_rounds",
        "_refused_at_s",
        "_refused_share",
        "_rounds",
        "_since_s",
        "_step",
        "_sum",
        "_sum_of_roots",
        "_told",
        "_unfinished",
        "limit",
    )

    def __init__(self, settings: ConcurrencySettings) -> None:
        self._least = float(settings.least)
        self._most = float(settings.most)
        self._limit = float(settings.initial)
        self.limit = settings.initial
        self._base = 0.0
        self._base_error = 0.0
        self._is_verified = False
        self._is_probing = False
        self._anchor: tuple[float, float, float] | None = None
        self._rounds = 0
        self._calls = 0
        self._step = max(1.0, _GROWTH_FIRST * self._limit)
        self._ceiling = math.inf
        self._told = 0.0
        self._quiet_rounds = 0
        self._floor = self._limit
        self._has_answered = True
        self._refused_at_s = -math.inf
        self._refused_share = 0.0
        self._since_s = -math.inf
        self._sum_of_roots = 0.0
        self._sum = 0.0
        self._count = 0
        self._unfinished = 0
        self._next_look = _LEAST_SAMPLES
        self._most_in_flight = 0

    @property
    def unhurried_s(self) -> float | None:
        """What the target takes when calls do not wait for each other; None before it is known."""
        return self._base if self._is_verified else None

    def add(self, latency_s: float, *, in_flight: int, now_s: float) -> None:
        """One call's time to its first event, and how many were in flight with it when that came."""
        self._refused_share -= _REFUSALS_REMEMBERED * self._refused_share
        self._has_answered = True
        if now_s < self._since_s:
            return
        self._sum_of_roots += math.sqrt(latency_s)
        self._sum += latency_s
        self._count += 1
        self._most_in_flight = max(self._most_in_flight, in_flight)
        if self._count >= self._next_look:
            self._look(now_s)

    def add_unfinished(self, waited_s: float, *, now_s: float) -> None:
        """A call was given up before its first event, after `waited_s`.

        Left out, those that were slow would be missing wherever callers have little time left, and the rest would
        look quick.  So its time counts and it does not: for exponential times, time over ends is the best estimate.
        """
        if now_s >= self._since_s:
            self._sum_of_roots += math.sqrt(waited_s)
            self._sum += waited_s
            self._unfinished += 1

    def refused(self, *, in_flight: int, sent_s: float, now_s: float) -> None:
        """The target said that it is too much; `in_flight` are those that it still has.

        Where that is a pattern, go back to these, by a fifth at most for one round trip.
        """
        if not self._is_pattern():
            return
        if sent_s > self._refused_at_s:
            self._refused_at_s = now_s
            self._floor = self._limit
            if self._has_answered:
                self._has_answered = False
                self._floor = _AFTER_REFUSAL * min(self._limit, in_flight + 1.0)
        wanted = max(self._floor, in_flight)
        if wanted < self._limit:
            self._retreat(wanted, now_s)
            self._ceiling = self._told = self._limit
            self._quiet_rounds = 0

    def timed_out(self, *, sent_s: float, now_s: float) -> None:
        """The target did not answer in time: where that is a pattern, go back by a fifth, once a round trip."""
        if not self._is_pattern() or sent_s <= self._refused_at_s:
            return
        self._refused_at_s = now_s
        self._floor = _AFTER_REFUSAL * self._limit
        self._retreat(self._floor, now_s)

    def _is_pattern(self) -> bool:
        self._refused_share += _REFUSALS_REMEMBERED * (1.0 - self._refused_share)
        return self._refused_share >= _TOO_MANY_REFUSALS

    def _retreat(self, wanted: float, now_s: float) -> None:
        self._anchor = None
        self._is_probing = False
        self._step = 1.0
        self._set(wanted)
        self._new_round(since_s=now_s)

    def _look(self, now_s: float) -> None:
        """End the round if it says enough, or go on with it."""
        count = self._count
        if count < self._limit and count < _MOST_SAMPLES:
            self._next_look = count + _LEAST_SAMPLES
            return
        latency_s, error = self._mean()
        ratio = latency_s / self._base if self._base > 0.0 else 1.0
        is_congested = ratio * (1.0 - _SURE * math.hypot(error, self._base_error)) > _TOLERANCE
        is_plain = is_congested and not self._is_judged and not self._is_told
        if count < _MOST_SAMPLES and not is_plain and not self._is_enough(latency_s, ratio, error):
            self._next_look = count + _LEAST_SAMPLES
            return
        self._calls += count
        was_busy = self._most_in_flight >= _BUSY * self.limit
        self._new_round(since_s=None)
        if self._base == 0.0:
            self._settle_base(latency_s, error)
        elif was_busy:
            self._end_round(latency_s, ratio, error, now_s, is_congested=is_congested)

    def _mean(self) -> tuple[float, float]:
        """The round's latency, and its standard error as a part of it."""
        seen = self._count + self._unfinished
        root = self._sum_of_roots / seen
        spread = max(0.0, self._sum / seen - root * root)
        error = 2.0 * math.sqrt(spread / self._count) / root if root > 0.0 else 0.0
        return root * root * seen / self._count, error

    @property
    def _is_told(self) -> bool:
        """Whether the limit is about what the target's refusals say: then latencies count only where they are clear."""
        return self._limit <= _TOLD * self._told

    @property
    def _is_judged(self) -> bool:
        """Whether the limit has come down far enough since the round of the anchor to tell the two apart."""
        return self._anchor is not None and self._limit <= self._anchor[0] * (_DIP + 0.05)

    def _is_enough(self, latency_s: float, ratio: float, error: float) -> bool:
        """Whether the round's mean is known well enough: very well if it is measured against another, now or in the
        next round; to grow, roughly; and hardly at all where there are few calls, as they would take for ever to tell
        more.
        """
        if error <= _PRECISION:
            return True
        if self._anchor is not None:
            _, before_s, before_error = self._anchor
            return latency_s * (1.0 + _SURE * math.hypot(error, before_error)) < _FOLLOWED * before_s
        is_quick = ratio < 1.0 - _SURE * math.hypot(error, self._base_error)
        if is_quick or ratio > _TOLERANCE or (self._wants_dip(ratio, ahead=1) and not self._is_told):
            return False
        if self._base == 0.0:
            return self._limit < _FEW and error <= _PRECISION_TO_GROW
        return error <= (_PRECISION_TO_GROW if self._limit >= _FEW else _PRECISION_OF_FEW)

    def _end_round(self, latency_s: float, ratio: float, error: float, now_s: float, *, is_congested: bool) -> None:
        self._rounds += 1
        self._quiet_rounds += 1
        if self._quiet_rounds >= _QUIET_ROUNDS:
            self._ceiling = math.inf
        if self._anchor is not None and self._is_judged:
            self._judge(self._anchor, latency_s, error, now_s)
        elif self._is_verified and self._is_told and not is_congested:
            self._grow()
        elif self._wants_dip(ratio):
            self._dip(latency_s, error, now_s)
        elif ratio > _TOLERANCE:
            self._go_back(_TOLERANCE / ratio, latency_s, error, now_s)
        else:
            if error <= _PRECISION and ratio < 1.0 - _SURE * math.hypot(error, self._base_error):
                self._settle_base(latency_s, error)
            self._grow()
            self._new_round(since_s=now_s + _WARM_UP_GROWN * latency_s)

    def _grow(self) -> None:
        self._step = min(self._step * _GROWTH, max(1.0, _GROWTH_MOST * self._limit))
        self._set(min(self._limit + self._step, max(self._limit, self._ceiling)))
        self._anchor = None

    def _wants_dip(self, ratio: float, *, ahead: int = 0) -> bool:
        rounds = self._rounds + ahead
        if not self._is_verified:
            return rounds >= (_FIRST_DIP_ROUND if self._limit >= _FEW else _FIRST_DIP_ROUND_OF_FEW)
        return self._calls >= _DIP_EVERY_CALLS and ratio > _SUSPICION

    def _judge(self, anchor: tuple[float, float, float], latency_s: float, error: float, now_s: float) -> None:
        """A round ran with at least a quarter fewer calls: were they faster?"""
        limit_before, latency_before_s, _ = anchor
        self._anchor = None
        if latency_s > _FOLLOWED * latency_before_s:
            self._settle_base(latency_s, error)
            self._is_verified = True
            self._is_probing = False
            self._set(limit_before)
            self._step = max(1.0, _GROWTH_FIRST * limit_before)
            self._new_round(since_s=now_s + _WARM_UP * latency_s)
        elif self._is_probing:
            self._settle_base(latency_s, error)
            self._dip(latency_s, error, now_s)

    def _dip(self, latency_s: float, error: float, now_s: float) -> None:
        self._rounds = 0
        self._calls = 0
        self._is_probing = True
        self._anchor = None
        self._go_back(_DIP, latency_s, error, now_s)

    def _go_back(self, factor: float, latency_s: float, error: float, now_s: float) -> None:
        self._step = 1.0
        before = self._limit
        if self._anchor is None or latency_s > self._anchor[1]:
            self._anchor = (before, latency_s, error)
        self._set(before * max(_CUT_MOST, factor))
        if self._limit == before:
            self._anchor = None
            self._is_verified = True
            self._is_probing = False
        self._new_round(since_s=now_s + _WARM_UP * latency_s)

    def _settle_base(self, latency_s: float, error: float) -> None:
        self._base = latency_s
        self._base_error = error

    def _set(self, limit: float) -> None:
        self._limit = min(self._most, max(self._least, limit))
        self.limit = int(self._limit)

    def _new_round(self, *, since_s: float | None) -> None:
        """Begin to count anew.

        With `since_s`, what ends before then is left out: it was sent under another limit, or it is one of the quick
        ones, which come first after every change and would make it look like a success.
        """
        self._sum_of_roots = 0.0
        self._sum = 0.0
        self._count = 0
        self._unfinished = 0
        self._next_look = _LEAST_SAMPLES
        self._most_in_flight = 0
        if since_s is not None:
            self._since_s = since_s
