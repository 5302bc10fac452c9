"""`make evaluate ARGS=forecast`: generated months, forecast and held against what came; `--write`: into docs/costs.md.

`--fit` tries other constants than those of `watch.forecast.tuning`, on months that no report uses.
"""

import argparse
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import mean
from zoneinfo import ZoneInfo

from evaluation.forecast.measure import measure
from evaluation.forecast.months import FITTED_ON, REPORTED, make
from evaluation.forecast.report import CHART, Report, draw, held, inserted, markdown, within_a_day
from penstock.watch.forecast.month import Month
from penstock.watch.forecast.outlook import look_ahead
from penstock.watch.forecast.tuning import FITTED

DOCS = Path(__file__).parents[2] / "docs"
_FIRST_REPORTED, _FIRST_FITTED = 1_000, 0
_TIMED = 20
_TRIED: dict[str, tuple[object, ...]] = {
    "slope": (0.005, 0.02),
    "slope_change": (0.001, 0.01),
    "damping": (0.97, 1.0),
    "wander": ((0.0005, 0.01, 0.03), (0.0005, 0.02, 0.05)),
    "step": (0.4, 0.8),
    "step_rate": (0.004, 0.02),
    "later_step_rate": (0.0, 0.006),
    "spike_rate": (0.015, 0.06),
    "prior_weekday": (0.3, 0.7),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation forecast")
    parser.add_argument("--seeds", type=int, default=16, help="months of each scenario")
    parser.add_argument("--fit", action="store_true", help="try other constants, on other months, and report nothing")
    parser.add_argument("--write", action="store_true", help="also write docs/costs.md and its chart")
    chosen = parser.parse_args()
    if chosen.fit:
        return _fit(chosen.seeds)
    seeds = range(_FIRST_REPORTED, _FIRST_REPORTED + chosen.seeds)
    report = Report(measure(REPORTED, seeds), len(REPORTED) * chosen.seeds, _seconds())
    text = markdown(report)
    sys.stdout.write(text)
    if chosen.write:
        page = DOCS / "costs.md"
        draw(report, DOCS / CHART)
        page.write_text(inserted(page.read_text(), text))
    return 0 if report.is_met else 1


def _seconds() -> float:
    """Processor time of one forecast, in the mean."""
    series = make(REPORTED[2], _FIRST_FITTED)
    today = series.first + timedelta(days=9)
    past = [(day, amount) for day, amount in series.spent.items() if day < today]
    begun = time.process_time()
    for _ in range(_TIMED):
        look_ahead(past, Month(series.first, ZoneInfo("UTC")), today, 0.0)
    return (time.process_time() - begun) / _TIMED


def _fit(seeds: int) -> int:
    """One constant after the other: what it does to coverage, width, error and dates."""
    tried = {"as it is": FITTED} | {
        f"{name} = {value}": replace(FITTED, **{name: value}) for name, values in _TRIED.items() for value in values
    }
    for name, tuning in tried.items():
        made = measure(FITTED_ON, range(_FIRST_FITTED, seeds), tuning=tuning, only=("Penstock",))
        seen = [each for each in made if not each.is_step_to_come]
        worst = min(held([each for each in seen if each.scenario == one.name]) for one in FITTED_ON)
        sys.stdout.write(
            f"{name:32} held {held(seen):.3f} (least {worst:.3f})  error {mean(abs(each.error) for each in seen):.4f}"
            f"  width {mean(each.width or 0 for each in seen):.4f}  dates {within_a_day(seen):.3f}\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
