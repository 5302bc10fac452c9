"""What the forecast is compared with: two rules of thumb, and the textbook's method.

`carried_on` and `in_proportion` give no interval.  `smoothed` is exponential smoothing with a damped trend and
multiplicative weekdays (ETS(M,Ad,M) of Hyndman and others 2008), its interval from the errors of the same forecast made
at earlier days of the history (conformal, by rolling origin).
"""

from dataclasses import dataclass
from datetime import timedelta

from evaluation.forecast.months import Series

_ALPHAS = (0.1, 0.2, 0.4, 0.7)
_BETAS = (0.0, 0.05)
_DAMPING = 0.97
_ORIGINS = 30
_LEAST = 21


@dataclass(frozen=True, slots=True)
class Guess:
    """Of the month's total; `ahead` are the expected sums from today to the end of each day."""

    low: int | None
    high: int | None
    ahead: tuple[int, ...]

    def runs_out(self, left: int) -> int | None:
        return next((index for index, sum_ in enumerate(self.ahead) if sum_ >= left), None)


def carried_on(series: Series, today_index: int) -> Guess:
    """The mean of the last seven days, every day."""
    past, left = _cut(series, today_index)
    week = past[-7:]
    return Guess(None, None, _sums([sum(week) / max(1, len(week))] * left))


def in_proportion(series: Series, today_index: int) -> Guess:
    """The mean of the month so far, every day."""
    past, left = _cut(series, today_index)
    so_far = past[len(past) - today_index :]
    return Guess(None, None, _sums([sum(so_far) / max(1, len(so_far))] * left))


def smoothed(series: Series, today_index: int) -> Guess | None:
    """None where the history has less than three weeks."""
    past, left = _cut(series, today_index)
    if len(past) < _LEAST:
        return None
    alpha, beta = min(((a, b) for a in _ALPHAS for b in _BETAS), key=lambda each: _error(past, *each))
    ahead = _ahead(past, left, alpha, beta)
    # Errors of the whole sum, in proportion: seen from each of the last days that the sum was known of by now.
    ratios = sorted(
        sum(past[at : at + left]) / max(1.0, sum(_ahead(past[:at], left, alpha, beta)))
        for at in range(max(_LEAST, len(past) - left - _ORIGINS), len(past) - left + 1)
    )
    so_far = sum(past[len(past) - today_index :])
    if not ratios:
        return Guess(None, None, _sums(ahead))
    low, high = ratios[int(0.1 * (len(ratios) - 1))], ratios[round(0.9 * (len(ratios) - 1))]
    return Guess(round(so_far + sum(ahead) * low), round(so_far + sum(ahead) * high), _sums(ahead))


def _cut(series: Series, today_index: int) -> tuple[list[float], int]:
    today = series.first + timedelta(days=today_index)
    return [float(amount) for day, amount in series.spent.items() if day < today], len(series.days) - today_index


def _sums(ahead: list[float]) -> tuple[int, ...]:
    found, spent = list[int](), 0.0
    for day in ahead:
        spent += day
        found.append(round(spent))
    return tuple(found)


def _weekdays(past: list[float]) -> list[float]:
    """The mean part of each place in the week, counted from the first day."""
    whole = sum(past) / len(past) or 1.0
    return [sum(past[place::7]) / max(1, len(past[place::7])) / whole for place in range(7)]


def _error(past: list[float], alpha: float, beta: float) -> float:
    weekdays = _weekdays(past)
    level, trend, error = sum(past[:7]) / 7, 0.0, 0.0
    for index, day in enumerate(past):
        expected = (level + _DAMPING * trend) * weekdays[index % 7]
        error += abs(day - expected)
        level, trend = _step(level, trend, day, weekdays[index % 7], alpha, beta)
    return error


def _ahead(past: list[float], left: int, alpha: float, beta: float) -> list[float]:
    weekdays = _weekdays(past)
    level, trend = sum(past[:7]) / 7, 0.0
    for index, day in enumerate(past):
        level, trend = _step(level, trend, day, weekdays[index % 7], alpha, beta)
    found: list[float] = []
    for index in range(left):
        trend *= _DAMPING
        level += trend
        found.append(max(0.0, level * weekdays[(len(past) + index) % 7]))
    return found


def _step(level: float, trend: float, day: float, weekday: float, alpha: float, beta: float) -> tuple[float, float]:  # noqa: PLR0917
    expected = level + _DAMPING * trend
    if weekday < 0.05:  # says nothing of the level
        return expected, _DAMPING * trend
    after = expected + alpha * (day / weekday - expected)
    return after, _DAMPING * trend + beta * (after - level - _DAMPING * trend)
