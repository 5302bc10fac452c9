"""Whether a rule holds, of figures that were read: pure computing.

What cannot be told (too few exchanges, nothing to divide by) is `unknown`, and nobody is ever told of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from penstock.config.alerts import RuleSettings

Verdict: TypeAlias = Literal["holds", "calm", "unknown", "put_off"]
"""`put_off`: the figures may lack what has not arrived yet, so that it stays as it was."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of one group and window, and of how many exchanges it is told."""

    value: float | None
    count: int


NOTHING = Measure(None, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """`bound` is what the value is held against."""

    verdict: Verdict
    value: float | None = None
    bound: float | None = None


UNKNOWN = Judged("unknown")


class Judgement(Protocol):
    """Of one value of a series: `watch.drift.anomaly.Judgement` is one."""

    @property
    def is_anomalous(self) -> bool: ...
    @property
    def expected(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class Judge(Protocol):
    """Holds the value at `at` against those before: `watch.drift.anomaly.judge` is one."""

    def __call__(self, series: Sequence[tuple[float, float]], at: float, /) -> Judgement: ...


def threshold(settings: RuleSettings, now: Measure) -> Judged:
    value = now.value
    if value is None or now.count < settings.min_exchanges:
        return Judged("unknown", value, _bound(settings))
    if settings.above is not None and value > settings.above:
        return Judged("holds", value, settings.above)
    if settings.below is not None and value < settings.below:
        return Judged("holds", value, settings.below)
    return Judged("calm", value, _bound(settings))


def _bound(settings: RuleSettings) -> float | None:
    return settings.below if settings.above is None else settings.above


def change(settings: RuleSettings, now: Measure, before: Measure, *, is_total: bool) -> Judged:
    """In percent of what was before.  A total that falls may well be of few exchanges now; all else needs the minimum
    in both windows.
    """
    least = settings.min_exchanges
    if now.value is None or before.value is None or before.value <= 0 or before.count < least:
        return Judged("unknown", now.value)
    if settings.rise_percent is not None and now.count >= least:
        bound = before.value * (1 + settings.rise_percent / 100)
        if now.value >= bound:
            return Judged("holds", now.value, bound)
    if settings.fall_percent is not None and (is_total or now.count >= least):
        bound = before.value * (1 - settings.fall_percent / 100)
        if now.value <= bound:
            return Judged("holds", now.value, bound)
    share = settings.rise_percent if settings.rise_percent is not None else -(settings.fall_percent or 0.0)
    return Judged("calm", now.value, before.value * (1 + share / 100))


def burn_rate(settings: RuleSettings, window: Measure, twelfth: Measure) -> Judged:
    """Both windows must burn: the long one says that it matters, the short one that it still goes on."""
    bound = settings.above
    if bound is None or window.value is None or twelfth.value is None or window.count < settings.min_exchanges:
        return Judged("unknown", window.value, bound)
    holds = window.value >= bound and twelfth.value >= bound
    return Judged("holds" if holds else "calm", window.value, bound)


def absence(settings: RuleSettings, now: Measure, befores: Sequence[Measure]) -> Judged:
    """Nothing at all, where there was something in every window that it is held against."""
    usual = min((each.count for each in befores), default=0)
    if now.count > 0:
        return Judged("calm", now.count, usual)
    if usual < max(1, settings.min_exchanges):
        return Judged("unknown", 0.0, usual)
    return Judged("holds", 0.0, usual)


def anomaly(judgement: Judgement, value: float) -> Judged:
    """`bound` is the side of what is usual that the value is nearer to."""
    if judgement.expected is None:
        return Judged("unknown", value)
    bound = judgement.high if value >= judgement.expected else judgement.low
    return Judged("holds" if judgement.is_anomalous else "calm", value, bound)
