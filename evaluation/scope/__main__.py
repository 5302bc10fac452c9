"""`make evaluate ARGS=scope`: how well scopes are kept and answers judged; `--write`: into docs/guards."""

import argparse
import sys
from pathlib import Path

from training.harm import Reader

from evaluation.scope.answers import alarms, harms, languages
from evaluation.scope.measure import few, full
from evaluation.scope.readings import CLINC, read_questions
from evaluation.scope.report import inserted, is_met, language_table, output_tables, scope_tables
from penstock.encoder.files import MODEL, TOKENIZER, default_folder
from penstock.encoder.model import Model

DOCS = Path(__file__).parents[2] / "docs" / "guards"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation scope")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--vectors", type=Path, default=Path(".penstock/vectors"), help="folder, kept between runs")
    parser.add_argument("--write", action="store_true", help="also write docs/guards/scope.md and output.md")
    chosen = parser.parse_args()
    if not CLINC.exists():
        sys.stderr.write(f"{CLINC} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    sets = read_questions(Model(chosen.model / MODEL, chosen.model / TOKENIZER))
    kept, speed = full(sets)
    scope = f"{scope_tables(kept, few(sets), speed)}\n{language_table(languages())}"
    output = output_tables(harms(Reader(chosen.model, chosen.vectors)), alarms())
    sys.stdout.write(f"{scope}\n{output}")
    if chosen.write:
        for name, text in (("scope.md", scope), ("output.md", output)):
            page = DOCS / name
            page.write_text(inserted(page.read_text("utf-8"), text), "utf-8")
    return 0 if is_met(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
