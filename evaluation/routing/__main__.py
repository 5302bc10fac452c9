"""`make evaluate ARGS=routing`: how much of the gap the complexity head recovers; `--write`: into docs/routing.md."""

import argparse
import sys
from pathlib import Path

from training.complexity import DATA, By, features_of, gains_of, read_questions, read_vectors

from evaluation.routing.measure import dial_on_new_subjects, microseconds, recovered, routers
from evaluation.routing.report import CHART, Report, draw, inserted, markdown
from penstock.encoder.files import default_folder

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation routing")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--vectors", type=Path, default=Path(".penstock/vectors"), help="folder, kept between runs")
    parser.add_argument("--write", action="store_true", help="also write docs/routing.md and its chart")
    chosen = parser.parse_args()
    if not DATA.exists():
        sys.stderr.write(f"{DATA} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    questions = read_questions()
    gains = gains_of(questions)
    sentences = read_vectors(questions, chosen.model, chosen.vectors)
    ways = routers(questions, features_of(questions, sentences))
    kinds: tuple[By, ...] = ("question", "subject")
    report = Report(
        recovered={(way.name, by): recovered(way, by, gains) for way in ways for by in kinds},
        dial=dial_on_new_subjects(ways[0], questions),
        head_us=microseconds(questions, sentences),
        questions=len(questions),
    )
    text = markdown(report)
    sys.stdout.write(text)
    if chosen.write:
        page = DOCS / "routing.md"
        draw(ways, gains, DOCS / CHART)
        page.write_text(inserted(page.read_text(), text))
    return 0 if report.is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
