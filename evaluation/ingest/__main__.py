"""`python -m evaluation ingest`: the handbook's time, and what survives of each format, as Markdown tables.

Options: `--data FOLDER` (where `handbook` and `enterprise` lie), `--formats` for the second table alone.
"""

import argparse
from pathlib import Path

from evaluation.ingest.formats import Survived, survey
from evaluation.ingest.handbook import Timed, time_handbook


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation ingest")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--formats", action="store_true")
    given = parser.parse_args()
    if not given.formats:
        print(timed_table(time_handbook(given.data / "handbook")))  # noqa: T201 - a command prints
        print()  # noqa: T201 - same
    print(format_table(survey(given.data / "enterprise")))  # noqa: T201 - same
    return 0


def timed_table(timed: Timed) -> str:
    rows = [
        ("documents", f"{timed.documents} ({timed.failed} have nothing in them)"),
        ("chunks", f"{timed.chunks}, {timed.mean_weight:.0f} tokens in the mean with what stands above them"),
        ("chunks in two windows", f"{timed.too_heavy}"),
        ("everything", f"{timed.whole_s:.1f} s"),
        ("  the encoder's part of the processor", f"{timed.cpu_s:.1f} s"),
        ("reading alone, one child", f"{timed.read_s:.1f} s"),
        ("again, nothing changed", f"{timed.again_s:.2f} s"),
    ]
    return "\n".join(["| stage | |", "|---|--:|", *(f"| {name} | {value} |" for name, value in rows)])


def format_table(found: dict[str, Survived]) -> str:
    lines = [
        "| format | documents | failed | headings | more headings | table rows | words | chunks | page | anchor |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {kind} | {each.documents} | {each.failed} | {_share(each.headings_kept, each.headings)} |"
        f" {each.headings_more} | {_share(each.rows_kept, each.rows)} | {_share(each.words_kept, each.words)} |"
        f" {each.chunks} | {_share(each.with_page, each.chunks)} | {_share(each.with_anchor, each.chunks)} |"
        for kind, each in found.items()
    ]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"  # noqa: RUF001 - a dash is meant


if __name__ == "__main__":
    raise SystemExit(main())
