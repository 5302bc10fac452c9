"""`make evaluate ARGS=injection`: attacks of left-out sources, and false alarms; `--write`: into the docs."""

import argparse
import sys
from pathlib import Path

from training.injection_memo import Memo
from training.injection_sets import FOLDER, all_samples
from training.injection_table import read_table

from evaluation.injection.measure import folds, speeds, unseen
from evaluation.injection.report import Report, inserted, markdown
from penstock.encoder.files import default_folder
from penstock.encoder.model import Model
from penstock.encoder.weights import WEIGHTS_SHA256

PAGE = Path(__file__).parents[2] / "docs" / "guards" / "injection.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation injection")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--write", action="store_true", help="also write docs/guards/injection.md")
    chosen = parser.parse_args()
    if not (FOLDER / "injection").exists():
        sys.stderr.write(f"{FOLDER / 'injection'} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    model = Model(chosen.model / "model.onnx", chosen.model / "tokenizer.json", weights_sha256=WEIGHTS_SHA256)
    table = read_table(all_samples(), Memo(model))
    report = Report(table, {each.name: each for each in folds(table)}, unseen(table), speeds(model))
    text = markdown(report)
    sys.stdout.write(text)
    if chosen.write:
        PAGE.write_text(inserted(PAGE.read_text(), text))
    return 0 if report.is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
