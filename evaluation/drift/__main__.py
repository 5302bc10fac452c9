"""`make evaluate ARGS=drift`: generated traffic without and with changes; `--write`: into docs/drift.md.

`--fit` tries other constants than those of `watch.drift.tuning`, on traffic that no report uses.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from evaluation.drift.answers import all_replaced
from evaluation.drift.figures import all_figures
from evaluation.drift.measure import all_quiet, all_tried, watched
from evaluation.drift.power import all_powers
from evaluation.drift.questions import all_mixed
from evaluation.drift.report import Report, inserted, markdown, mixture, rate, replacements, within
from evaluation.drift.traffic import FITTED_ON, REPORTED, Change, make
from penstock.watch.drift.tally import FEATURES
from penstock.watch.drift.tuning import FITTED
from penstock.watch.drift.watching import Watch

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"
_FIRST_REPORTED, _FIRST_FITTED = 1_000, 0
_THREE_WEEKS_H = 21 * 24
CHANGES: tuple[tuple[str, Change, float | None], ...] = (
    ("groundedness 0.90 to 0.81, 500", Change("groundedness", -0.10, 0), 500.0),
    ("groundedness 0.90 to 0.81, 1,500", Change("groundedness", -0.10, 0), 1500.0),
    ("groundedness 0.90 to 0.81, 5,000", Change("groundedness", -0.10, 0), 5000.0),
    ("one answer in ten worth nothing, 1,500", Change("groundedness", -0.10, 0, wholly=True), 1500.0),
    ("a tenth over three weeks, 1,500", Change("groundedness", -0.10, 0, _THREE_WEEKS_H), 1500.0),
    ("groundedness 0.90 to 0.72, 500", Change("groundedness", -0.20, 0), 500.0),
    ("confidence 0.80 to 0.72, 1,500", Change("confidence", -0.10, 0), 1500.0),
    ("blocked 1 % to 4 %, 1,500", Change("blocked", 3.0, 0), 1500.0),
    ("cost and a half, 1,500", Change("cost", 0.5, 0), 1500.0),
    ("questions twice as long, 1,500", Change("input_length", 1.0, 0), 1500.0),
    ("tools called in 30 % to 45 %, 1,500", Change("tool_use", 0.5, 0), 1500.0),
    ("refusals 2 % to 8 %, 300 of 1,500", Change("refusal", 3.0, 0), 1500.0),
    ("apologies 5 % to 20 %, 300 of 1,500", Change("tone", 3.0, 0), 1500.0),
    ("topics 0.70 to 0.65, 300 of 1,500", Change("topics", -0.07, 0), 1500.0),
)
_ASKED = 4
"""The first so many are tried more often."""
_TRIED: dict[str, tuple[float, ...]] = {
    "looks": (1.0, 4.0),
    "alike": (0.01, 0.06),
    "traffic": (0.0,),
    "least": (0.0,),
    "prior_cells": (3.0,),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation drift")
    parser.add_argument("--weeks", type=int, default=4, help="without a change, of an installation of each kind")
    parser.add_argument("--installations", type=int, default=2, help="of each kind, at most as many as seeds")
    parser.add_argument("--seeds", type=int, default=10, help="of each change in each kind of traffic")
    parser.add_argument("--asked", type=int, default=30, help="of each of the first changes, which matter most")
    parser.add_argument("--figures", type=int, default=12, help="single figures that are judged")
    parser.add_argument("--power", type=int, default=60, help="falls for each amount of traffic and of variation")
    parser.add_argument("--questions", type=int, default=5, help="trials of each mixture of real questions and answers")
    parser.add_argument("--only-questions", action="store_true", help="those of questions and answers alone")
    parser.add_argument("--fit", action="store_true", help="try other constants, on other traffic, and report nothing")
    parser.add_argument("--write", action="store_true", help="also write docs/drift.md")
    chosen = parser.parse_args()
    if chosen.fit:
        return _fit(chosen.weeks, chosen.seeds)
    if chosen.only_questions:
        told = [*mixture(all_mixed(chosen.questions)), "", *replacements(all_replaced(chosen.questions))]
        sys.stdout.write("\n".join(told) + "\n")
        return 0
    watch = Watch()
    seeds = range(_FIRST_REPORTED, _FIRST_REPORTED + chosen.seeds)
    more = range(seeds.stop, _FIRST_REPORTED + chosen.asked)
    report = Report(
        all_quiet(REPORTED, seeds[: chosen.installations], chosen.weeks, watch),
        all_tried(REPORTED, seeds, CHANGES, watch) + all_tried(REPORTED, more, CHANGES[:_ASKED], watch),
        all_figures(range(_FIRST_REPORTED, _FIRST_REPORTED + chosen.figures), chosen.weeks),
        all_mixed(chosen.questions),
        all_replaced(chosen.questions),
        all_powers(REPORTED[0], range(_FIRST_REPORTED, _FIRST_REPORTED + chosen.power), watch),
        _seconds(watch),
    )
    text = markdown(report)
    sys.stdout.write(text)
    if chosen.write:
        PAGE.write_text(inserted(PAGE.read_text(), text))
    return 0 if report.is_met else 1


def _seconds(watch: Watch) -> float:
    """Processor time of one look at ten assistants."""
    assistant = make(REPORTED[0], _FIRST_FITTED, watch.weeks + 1)
    begun = time.process_time()
    watched(assistant, watch.weeks * 168, watch.weeks * 168 + 24, watch, tuple(FEATURES))
    return (time.process_time() - begun) / 24 * 10


def _fit(weeks: int, seeds: int) -> int:
    """One constant after the other: false alarms, and what is found within a day."""
    tried = {"as it is": FITTED} | {
        f"{name} = {value}": replace(FITTED, **{name: value}) for name, values in _TRIED.items() for value in values
    }
    for name, tuning in tried.items():
        watch = Watch(tuning=tuning)
        alarms = sum(len(each.findings) for each in all_quiet(FITTED_ON, [_FIRST_FITTED], weeks, watch))
        mean, low, high = rate(alarms, weeks * len(FITTED_ON))
        found = all_tried(FITTED_ON, range(_FIRST_FITTED, _FIRST_FITTED + seeds), CHANGES[:3], watch)
        sys.stdout.write(f"{name:20} {mean:.2f} a week ({low:.2f} to {high:.2f})  in a day {within(found, 24):.2f}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
