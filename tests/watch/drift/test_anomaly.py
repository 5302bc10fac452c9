"""A single figure against the same hours of earlier weeks."""

import math
import random

import pytest

from penstock.watch.drift.anomaly import Looks, judge

HOURS = 8 * 168


def figure(hours: int = HOURS, *, seed: int = 5) -> list[tuple[float, float]]:
    rng = random.Random(seed)  # noqa: S311 - a test's traffic
    found: list[tuple[float, float]] = []
    off = 0.0
    for place in range(hours):
        at = place * 3600.0
        day, hour = divmod(at / 3600, 24)
        shape = (1.2 + math.sin((hour - 9) / 24 * 2 * math.pi)) * (0.4 if day % 7 >= 5 else 1.0)
        off = 0.7 * off + rng.gauss(0, 0.08)
        found.append((at, 400.0 * shape * math.exp(off)))
    return found


def test_what_is_usual_at_the_hour_is_no_anomaly_and_what_is_not_is_one() -> None:
    past = figure()
    at, value = past[-1]
    usual = judge(past, at)
    assert not usual.is_anomalous
    assert usual.low is not None
    assert usual.expected is not None
    assert usual.high is not None
    assert usual.low < usual.expected < usual.high
    assert usual.low < value < usual.high
    for factor in (0.0, 4.0):
        odd = judge([*past[:-1], (at, factor * value)], at)
        assert odd.is_anomalous
        assert odd.score > 1
        assert (odd.expected, odd.low, odd.high) == (usual.expected, usual.low, usual.high)


def test_the_night_is_judged_as_a_night() -> None:
    past = figure()
    noon = next(place for place in range(HOURS - 1, 0, -1) if past[place][0] / 3600 % 24 == 15)
    night = next(place for place in range(HOURS - 1, 0, -1) if past[place][0] / 3600 % 24 == 3)
    as_at_noon = [*past[:night], (past[night][0], past[noon][1])]
    assert judge(as_at_noon, past[night][0]).is_anomalous


def test_alarms_without_a_cause_keep_to_the_budget() -> None:
    series = figure(HOURS + 168, seed=11)
    # One a week is allowed to each figure: seldom more than three, in a week of one.
    one_a_week = Looks(false_alarms=1.0, figures=1)
    assert (
        sum(
            judge(series[: end + 1], series[end][0], looks=one_a_week).is_anomalous for end in range(HOURS, HOURS + 168)
        )
        <= 3
    )
    tight, loose = (judge(series, series[-1][0], looks=Looks(figures=each)) for each in (10_000, 1))
    assert tight.high is not None
    assert loose.high is not None
    assert tight.high > loose.high


def test_a_spike_before_does_not_become_the_level() -> None:
    past = figure()
    spiked = [*past[:-2], (past[-2][0], 50 * past[-2][1]), past[-1]]
    calm, after = judge(past, past[-1][0]), judge(spiked, past[-1][0])
    assert after.high is not None
    assert calm.high is not None
    assert after.expected is not None
    assert calm.expected is not None
    assert after.expected < 1.3 * calm.expected  # it goes along with no more than a little of it
    assert after.high < 3 * calm.high  # and the next spike is still seen


def test_what_cannot_be_judged_is_not_anomalous() -> None:
    past = figure()
    for series, at in (([], 0.0), (past[:50], past[49][0]), (past, past[-1][0] + 1), (past[-3:], past[-1][0])):
        assert (judge(series, at).is_anomalous, judge(series, at).expected) == (False, None)
    constant = [(time, 7.0) for time, _ in past]
    assert not judge(constant, past[-1][0]).is_anomalous
    nothing = [(time, 0.0) for time, _ in past]
    assert not judge(nothing, past[-1][0]).is_anomalous
    with pytest.raises(ValueError, match="below nothing"):
        judge([*past[:-1], (past[-1][0], math.nan)], past[-1][0])
