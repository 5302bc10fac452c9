"""Makes months of daily spend whose whole course is known: pattern x level x noise, in nano-US-dollars.

A scenario says what is in them; a seed makes one series of `history` days before the month and the month itself.
"""

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Noise = Literal["normal", "heavy", "spikes", "wandering"]

_WEEKDAYS: dict[str, tuple[float, ...]] = {
    "none": (1, 1, 1, 1, 1, 1, 1),
    "mild": (1.05, 1.1, 1.1, 1.05, 1, 0.75, 0.7),
    "strong": (1.1, 1.25, 1.2, 1.15, 1, 0.35, 0.3),
    "closed": (1.1, 1.15, 1.1, 1.05, 1, 0, 0),
}
_USUAL_DAY = 25e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`trend` is a day's growth; `step` the factors that a step has, on a day of the four weeks around the 6th."""

    name: str
    weekdays: str = "mild"
    trend: float = 0.0
    step: tuple[float, ...] = ()
    noise: Noise = "normal"
    spread: float = 0.1
    history: int = 84


REPORTED: tuple[Scenario, ...] = (
    Scenario(name="no pattern, quiet", weekdays="none", spread=0.08),
    Scenario(name="mild weekends", weekdays="mild", spread=0.15),
    Scenario(name="strong weekends", weekdays="strong", spread=0.15),
    Scenario(name="closed at weekends", weekdays="closed", spread=0.15),
    Scenario(name="growth of 1 % a day", weekdays="strong", trend=0.01, spread=0.12),
    Scenario(name="decline of 1 % a day", weekdays="mild", trend=-0.01, spread=0.12),
    Scenario(name="a step", weekdays="strong", step=(0.5, 0.65, 1.5, 2.0), spread=0.12),
    Scenario(name="weekdays, trend and a step", weekdays="strong", trend=0.006, step=(0.6, 1.7), spread=0.12),
    Scenario(name="heavy tails", weekdays="mild", noise="heavy", spread=0.15),
    Scenario(name="days of spikes", weekdays="strong", noise="spikes", spread=0.12),
    Scenario(name="a wandering level", weekdays="mild", noise="wandering", spread=0.1),
    Scenario(name="noisy days", weekdays="strong", spread=0.35),
    Scenario(name="begun on the 1st", weekdays="mild", spread=0.15, history=0),
)
"""What the report is of."""

FITTED_ON: tuple[Scenario, ...] = (
    Scenario(name="fit: even", weekdays="none", spread=0.2),
    Scenario(name="fit: mild", weekdays="mild", spread=0.1, trend=0.004),
    Scenario(name="fit: strong, falling", weekdays="strong", spread=0.2, trend=-0.005),
    Scenario(name="fit: closed, a step", weekdays="closed", spread=0.1, step=(0.4, 0.75, 1.4, 2.5)),
    Scenario(name="fit: growth and a step", weekdays="mild", spread=0.15, trend=0.012, step=(0.7, 1.4)),
    Scenario(name="fit: heavy tails", weekdays="strong", noise="heavy", spread=0.1),
    Scenario(name="fit: wandering", weekdays="none", noise="wandering", spread=0.15),
    Scenario(name="fit: spikes", weekdays="mild", noise="spikes", spread=0.2),
    Scenario(name="fit: six weeks", weekdays="strong", spread=0.15, history=42),
)
"""What the constants were fitted on: other strengths, spreads and seeds."""


@dataclass(frozen=True, slots=True)
class Series:
    """`spent` by day, history and month; `stepped` is the day of the step, where there is one."""

    first: date
    spent: dict[date, int]
    stepped: date | None

    @property
    def days(self) -> list[date]:
        return [day for day in self.spent if day >= self.first]

    @property
    def total(self) -> int:
        return sum(self.spent[day] for day in self.days)


def make(scenario: Scenario, seed: int) -> Series:
    """The series of a seed: always the same."""
    chance = random.Random(f"{scenario.name}/{seed}")  # noqa: S311 - no secret, and the same each time
    first = date(2022 + chance.randrange(4), 1 + chance.randrange(12), 1)
    after = (first + timedelta(days=31)).replace(day=1)
    begins = first - timedelta(days=scenario.history)
    stepped = first + timedelta(days=chance.randrange(-9, 20)) if scenario.step else None
    factor = chance.choice(scenario.step) if scenario.step else 1.0
    base = _USUAL_DAY * math.exp(chance.gauss(0, 1))
    pattern, drift = _WEEKDAYS[scenario.weekdays], 0.0
    spent: dict[date, int] = {}
    for index in range((after - begins).days):
        day = begins + timedelta(days=index)
        drift += chance.gauss(0, 0.03) if scenario.noise == "wandering" else 0.0
        level = base * math.exp(scenario.trend * index + drift)
        if stepped is not None and day >= stepped:
            level *= factor
        spent[day] = round(level * pattern[day.weekday()] * _noise(scenario, chance))
    return Series(first, spent, stepped)


def _noise(scenario: Scenario, chance: random.Random) -> float:
    """A factor around 1."""
    match scenario.noise:
        case "heavy":  # Student's t with three degrees of freedom, with a bound as real traffic has
            squares = sum(chance.gauss(0, 1) ** 2 for _ in range(3)) / 3
            return math.exp(max(-2.5, min(2.5, scenario.spread * chance.gauss(0, 1) / math.sqrt(squares))))
        case "spikes":
            spike = chance.uniform(2.5, 5) if chance.random() < 0.03 else 1.0
            return spike * math.exp(chance.gauss(0, scenario.spread))
        case "normal" | "wandering":
            return math.exp(chance.gauss(0, scenario.spread))
