"""The constants of the forecast, chosen by hand on months that no report uses (`evaluation forecast --fit`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """All are of logarithms: 0.1 is about 10 per cent."""

    prior_weekday: float = 0.5
    """How far weekdays usually lie apart."""
    prior_noise: float = 0.25
    prior_noise_days: float = 3.0
    least_noise: float = 0.01
    wander: tuple[float, ...] = (0.002, 0.01, 0.03)
    """By how much the level may drift from day to day without a step: which of these, the days tell."""
    slope: float = 0.01
    """How steep a trend usually is, a day."""
    slope_change: float = 0.003
    """By how much a step changes it."""
    damping: float = 0.985
    """What is left of a trend a day later: few go on for ever."""
    step: float = 0.6
    """How large a step usually is."""
    step_rate: float = 0.01
    """How often there is one, a day, looking back."""
    spike: float = 1.5
    spike_rate: float = 0.03
    """How often a day says nothing of the level."""
    later_step_rate: float = 0.002
    """How often, a day, looking ahead."""


FITTED = Tuning()
