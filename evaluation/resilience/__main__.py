"""`make evaluate ARGS=resilience`: the acceptance runs for queue and attempts; `--write`: into docs/resilience.md."""

import argparse
from pathlib import Path

from rich.progress import Progress

from evaluation.resilience.report import Section, inserted, lines, markdown
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
    sections: list[Section] = []
    with Progress(transient=True) as progress:
        for name in progress.track(names, description="simulating"):
            sections.append(RUNS[name](chosen.seeds))
            for line in lines(sections[-1]):
                progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
    if chosen.write:
        REPORT.write_text(inserted(REPORT.read_text(), markdown(sections, chosen.seeds)))
    return 0 if all(row.is_met for section in sections for row in section.rows if row.bound) else 1


if __name__ == "__main__":
    raise SystemExit(main())
