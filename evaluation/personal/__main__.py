"""`make evaluate ARGS=personal`: what the catalogue finds; `--write`: into docs/guards/personal-patterns.md."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from evaluation.personal.patterns import (
    Find,
    alarms,
    by_kind,
    by_token,
    clean_text,
    message,
    microseconds,
    ours,
    text_with_hits,
)
from evaluation.personal.report import Report, Way, inserted, markdown
from evaluation.personal.sets import SYNTHETIC, Labelled, benign, split, synthetic
from evaluation.personal.yardstick import presidio

PAGE = Path(__file__).parents[2] / "docs" / "guards" / "personal-patterns.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation personal")
    parser.add_argument("--write", action="store_true", help="also write docs/guards/personal-patterns.md")
    chosen = parser.parse_args()
    if not SYNTHETIC.exists():
        sys.stderr.write(f"{SYNTHETIC} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    logging.disable(logging.WARNING)  # Presidio's, on every recogniser of another language
    held_out = synthetic("held_out")
    find = ours()
    loop_s = _loop_s()
    report = Report(
        ours=_way("Penstock", find, held_out),
        presidio=_way("Presidio", presidio(), held_out),
        ours_in_development=by_kind(find, synthetic("develop")),
        texts=len(held_out),
        templates=len({each.template for each in held_out}),
        seed=split(tuple(synthetic()))[1],
        loop_s=loop_s,
    )
    text = markdown(report)
    sys.stdout.write(text)
    if chosen.write:
        PAGE.write_text(inserted(PAGE.read_text(), text))
    return 0 if report.is_met else 1


def _way(name: str, find: Find, texts: Sequence[Labelled]) -> Way:
    return Way(
        name=name,
        kinds=by_kind(find, texts),
        tokens=by_token(find, texts),
        alarms=alarms(find, benign()),
        message_us=microseconds(find, message()),
        message_with_hit_us=microseconds(find, message("jan.mueller@example.org")),
        clean_us=microseconds(find, clean_text()),
        hits_us=microseconds(find, text_with_hits()),
    )


def _loop_s() -> float:
    """How fast the machine is just now."""
    begin = time.perf_counter()
    for _ in range(5_000_000):
        pass
    return time.perf_counter() - begin


if __name__ == "__main__":
    raise SystemExit(main())
