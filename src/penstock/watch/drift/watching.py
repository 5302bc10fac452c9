"""Looks at one assistant every hour and says what has changed, once for each change.

**False alarms.**  `Budget` is for all that is watched: so many a week, divided among the features of all assistants, in
each among its measures and the three spans, and by the looks that a week of hourly looks is worth.  What says how well
an assistant does has a larger share, and most of it for getting worse: that is what nobody else tells in time.
**Once.**  A finding names the hour since when the series is another one; from then on that is the level, so that the
same change is no change any more, and its end is one.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from penstock.watch.drift.compare import DAY_H, SPANS, WEEK_H, Reference, Span, compare, over_a_week
from penstock.watch.drift.comparison import Comparison, Spread
from penstock.watch.drift.series import Series
from penstock.watch.drift.tally import FEATURES, WORSE, Measure, measures_of
from penstock.watch.drift.tuning import FITTED, Tuning

_QUALITY_WEIGHT = 3.0
_WORSE_PART = 0.9
"""Of what may be cried of how well an assistant does: that it does better can wait."""
_LEAST_SEARCH_H = 36
"""How far back the beginning of a change is looked for, at least."""


def weight_of(features: Iterable[str]) -> float:
    """How much of the budget they have: how well an assistant does has more than what its exchanges are like."""
    return sum(_QUALITY_WEIGHT if feature in WORSE else 1.0 for feature in features)


def _side(feature: str, change: float) -> float:
    """How often a change that way may be cried, where 1 is as often as any other way; both ways are 2."""
    if feature not in WORSE or not change:
        return 1.0
    return 2 * (_WORSE_PART if change * WORSE[feature] > 0 else 1 - _WORSE_PART)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`false_alarms` a week over `features` that are watched: of every assistant each, by `weight_of`."""

    false_alarms: float = 1.0
    features: float = 10 * weight_of(FEATURES)

    def threshold(self, span: Span, feature: str, change: float, tuning: Tuning = FITTED) -> float:
        """The chance below which such a change in one measure's window is an alarm."""
        looks = WEEK_H / span.hours * min(tuning.looks, span.hours / span.step)
        part = weight_of([feature]) / self.features / len(measures_of(feature)) * _side(feature, change)
        return self.false_alarms * span.budget * part / looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How it is watched.  `weeks` of reference; a day with fewer exchanges than `least_count` says nothing."""

    weeks: int = 8
    least_count: int = 50
    budget: Budget = Budget()
    tuning: Tuning = FITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A change of one feature: of its share, or of its typical amount.  Hours are counted from 1970.

    `false_alarms` is how many findings as sure as this one a week without any change would bring, over all that is
    watched: how sure it is.
    """

    feature: str
    measure: str
    span_h: int
    found: int
    since: int
    reference: float
    current: float
    low: float
    high: float
    """The change lies between these with 95 %."""
    count: int
    false_alarms: float

    @property
    def change(self) -> float:
        return self.current - self.reference


@dataclass(frozen=True, slots=True)
class Look:
    """One measure in one span, as it is."""

    measure: Measure
    span: Span
    comparison: Comparison
    threshold: float

    @property
    def is_off(self) -> bool:
        return self.comparison.chance < self.threshold

    def alert_beyond(self, watch: Watch) -> tuple[float | None, float | None]:
        """The values, as people read them, below and above which it `is_off`; None where there is none such."""
        below, above = (
            watch.budget.threshold(self.span, self.measure.feature, side, watch.tuning) for side in (-1.0, 1.0)
        )
        return self.comparison.beyond(below, above)


def look(
    feature: Sequence[tuple[Measure, Series]], now: int, earlier: Sequence[Finding], watch: Watch
) -> Finding | None:
    """The change of a feature that the hours before `now` show, and `earlier` findings of it do not tell."""
    breaks = sorted(each.since for each in earlier)
    surest: tuple[float, Look, Series] | None = None
    for each, series in looks(feature, now, breaks, watch):
        ratio = each.comparison.chance / each.threshold
        if ratio < 1 and (surest is None or ratio < surest[0]) and not _is_told(each, now, earlier, watch.tuning):
            surest = (ratio, each, series)
    if surest is None:
        return None
    _, off, series = surest
    return _finding(off, series, now, breaks, watch)


def looks(
    feature: Sequence[tuple[Measure, Series]],
    now: int,
    breaks: Sequence[int],
    watch: Watch,
    *,
    every_span: bool = False,
) -> Iterator[tuple[Look, Series]]:
    """Each of its measures in the spans that are due, or in `every_span`, as far as there is enough of it."""
    for measure, series in feature:
        prior: Spread | None = None
        for span in SPANS:
            if now % span.step and not every_span:
                continue
            against = Reference(
                weeks=watch.weeks,
                least_count=watch.least_count,
                breaks=breaks,
                prior=prior if span.hours == WEEK_H else None,
            )
            compared = compare(series, now, span, measure.scale, against, tuning=watch.tuning)
            prior = over_a_week(compared) if span.hours == DAY_H else prior
            if compared is not None and (span.hours != WEEK_H or prior is not None):
                threshold = watch.budget.threshold(span, measure.feature, compared.change, watch.tuning)
                yield Look(measure, span, compared, threshold), series


def _is_told(off: Look, now: int, earlier: Sequence[Finding], tuning: Tuning) -> bool:
    """Whether it goes on as one of the last days did: the same way, and by less than that."""
    recent = [each for each in earlier if now - each.found < tuning.quiet_days * DAY_H]
    before, after = off.comparison.values
    change = after - before
    return any(
        each.measure == off.measure.name and each.change * change > 0 and abs(change) < abs(each.change)
        for each in recent
    ) or any(each.measure != off.measure.name for each in recent)


def _finding(off: Look, series: Series, now: int, breaks: Sequence[int], watch: Watch) -> Finding:
    compared = off.comparison
    low, high = compared.plain_interval()
    reference, current = compared.values
    after = max((each for each in breaks if each <= now - off.span.hours), default=series.first)
    return Finding(
        feature=off.measure.feature,
        measure=off.measure.name,
        span_h=off.span.hours,
        found=now,
        since=_since(series, (max(after + 1, now - max(2 * off.span.hours, _LEAST_SEARCH_H)), now), compared),
        reference=reference,
        current=current,
        low=low,
        high=high,
        count=compared.count,
        false_alarms=compared.chance / off.threshold * watch.budget.false_alarms * off.span.budget,
    )


def _since(series: Series, between: tuple[int, int], compared: Comparison) -> int:
    """The hour from which on the values lie off most clearly: the likeliest of one change of the mean (Page 1954)."""
    first, now = between
    level = compared.values[0] if compared.scale != "log" else compared.reference
    best, since = -math.inf, first
    for begin in range(first, now):
        piece = series.over(begin, now)
        if piece.count:
            clear = (piece.mean - level) * math.copysign(1, compared.change) * math.sqrt(piece.count)
            if clear > best:
                best, since = clear, begin
    return since
