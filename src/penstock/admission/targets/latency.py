"""How long a target takes: one number to choose between equal targets, and quantiles to know when it is late.

`gate.TargetGate` feeds both with the time to the first event.
"""

import math

import msgspec

_LEAST_S = 0.001
_GROWTH = 1.1
_LOG_GROWTH = math.log(_GROWTH)
_BUCKETS = 160
_DECAYS_A_HALF_LIFE = 8


class LatencySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How fast latencies are forgotten, and how many a quantile needs before it is one."""

    decay_s: float = 10.0
    half_life_s: float = 120.0
    min_samples: int = 20


class PeakEwma:
    """A moving average that jumps up with every slower sample and forgets it over `decay_s`.

    So that a target which has just become slow is avoided at once, and one that has recovered is tried again
    (Finagle's load metric of the same name).
    """

    __slots__ = ("_at_s", "_decay_s", "_value_s")

    def __init__(self, decay_s: float) -> None:
        self._decay_s = decay_s
        self._value_s = 0.0
        self._at_s = 0.0

    def add(self, latency_s: float, now_s: float) -> None:
        if latency_s >= self._value_s:
            self._value_s = latency_s
        else:
            kept = math.exp(-(now_s - self._at_s) / self._decay_s)
            self._value_s = self._value_s * kept + latency_s * (1.0 - kept)
        self._at_s = now_s

    @property
    def value_s(self) -> float:
        return self._value_s


class LatencyQuantiles:
    """Quantiles within 5 %, of what was seen lately, in 160 numbers (buckets that grow by a tenth, as in DDSketch).

    A sample counts half after `half_life_s`.  From 1 ms to about 70 minutes; what lies outside counts as the nearest.
    """

    __slots__ = ("_counts", "_decay_every_s", "_decayed_at_s", "_half_life_s", "_total")

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self._decay_every_s = half_life_s / _DECAYS_A_HALF_LIFE
        self._decayed_at_s = -math.inf
        self._counts = [0.0] * _BUCKETS
        self._total = 0.0

    def add(self, latency_s: float, now_s: float) -> None:
        if now_s - self._decayed_at_s >= self._decay_every_s:
            self._decay(now_s)
        if latency_s <= _LEAST_S:
            bucket = 0
        else:
            bucket = min(_BUCKETS - 1, int(math.log(latency_s / _LEAST_S) / _LOG_GROWTH) + 1)
        self._counts[bucket] += 1.0
        self._total += 1.0

    def quantile(self, fraction: float, *, now_s: float, min_samples: float = 1.0) -> float | None:
        """The latency that `fraction` of the samples do not pass; None where fewer than `min_samples` still count."""
        if now_s - self._decayed_at_s >= self._decay_every_s:
            self._decay(now_s)
        if self._total < min_samples or self._total <= 0.0:
            return None
        wanted = fraction * self._total
        seen = 0.0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= wanted and count > 0.0:
                return _middle_s(bucket)
        return _middle_s(_BUCKETS - 1)

    def _decay(self, now_s: float) -> None:
        kept = 0.5 ** ((now_s - self._decayed_at_s) / self._half_life_s)
        self._decayed_at_s = now_s
        self._counts = [count * kept for count in self._counts]
        self._total = sum(self._counts)


class LatencyStatistics:
    """What a gate knows of its target's latency."""

    __slots__ = ("_min_samples", "_quantiles", "peak")

    def __init__(self, settings: LatencySettings) -> None:
        self._quantiles = LatencyQuantiles(settings.half_life_s)
        self._min_samples = settings.min_samples
        self.peak = PeakEwma(settings.decay_s)

    def add(self, latency_s: float, now_s: float) -> None:
        self.peak.add(latency_s, now_s)
        self._quantiles.add(latency_s, now_s)

    def add_failure(self, elapsed_s: float, now_s: float) -> None:
        """A failure is slow, however fast it came: otherwise the broken target would look like the quickest."""
        self.peak.add(max(elapsed_s, 2.0 * self.peak.value_s), now_s)

    def quantile_s(self, fraction: float, now_s: float) -> float | None:
        return self._quantiles.quantile(fraction, now_s=now_s, min_samples=self._min_samples)


def _middle_s(bucket: int) -> float:
    """The value within 5 % of all that a bucket holds."""
    if bucket == 0:
        return _LEAST_S
    return 2.0 * _LEAST_S * _GROWTH**bucket / (_GROWTH + 1.0)
