"""`make evaluate ARGS=resilience`: the acceptance runs for queue and attempts; `--write`: into docs/resilience.md."""

import argparse
from pathlib import Path

from rich.progress import Progress

from evaluation.resilience.report import inserted, lines, markdown
from evaluation.resilience.runs import RUNS

REPORT = Path(__file__).parents[2] / "docs" / "resilience.md"
SEEDS = (101, 102, 103)
"""Kept for reporting: what is tuned is tuned on others."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation resilience")
    parser.add_argument("runs", nargs="*", help=f"which of {', '.join(RUNS)} (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="one run for each of them")
    parser.add_argument("--write", action="store_true", help="also write docs/resilience.md; only with all runs")
    chosen = parser.parse_args()
    names = chosen.runs or list(RUNS)
    unknown = [name for name in names if name not in RUNS]
    if unknown:
        parser.error(f"there is no run `{unknown[0]}`; expected one of {', '.join(RUNS)}")
    if chosen.write and len(names) < len(RUNS):
        parser.error("--write needs all runs")
    with Progress(transient=True) as progress:
        names_shown = progress.track(names, description="simulating")
        sections = [RUNS[name](chosen.seeds) for name in names_shown]
    for line in lines(sections):
        print(line)  # noqa: T201 - a command speaks
    if chosen.write:
        REPORT.write_text(inserted(REPORT.read_text(), markdown(sections, chosen.seeds)))
    return 0 if all(row.is_met for section in sections for row in section.rows if row.bound) else 1


if __name__ == "__main__":
    raise SystemExit(main())
