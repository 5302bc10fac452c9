"""`make evaluate ARGS=names`: what the recogniser finds; `--write`: into docs/guards/names.md."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.names.encoded import Memo

from evaluation.personal.names import FalseAlarms, Names, Times, alarms, measured, times
from evaluation.personal.sets import SYNTHETIC
from evaluation.personal.whole import Together, together
from penstock.encoder.files import default_folder
from penstock.encoder.model import Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.personal.names.network import load
from penstock.guard.personal.names.recogniser import Recogniser

PAGE = Path(__file__).parents[2] / "docs" / "guards" / "names.md"
BEGIN = "<!-- measured: written by `make evaluate ARGS='names --write'` -->"
END = "<!-- end of what was measured -->"


@dataclass(frozen=True, slots=True)
class Report:
    names: Sequence[Names]
    together: Together
    alarms: FalseAlarms
    times: Times

    def aims(self) -> list[tuple[str, float, float]]:
        german = next(each for each in self.names if each.name.startswith("GermEval"))
        return [
            ("synthetic, with patterns: words, kinds ignored, F2", self.together.tokens.f2, 0.87),
            ("synthetic, with patterns: spans with kinds, exact, F1", self.together.exact.f1, 0.75),
            ("GermEval: names with kinds, exact, F1", german.typed.f1, 0.75),
        ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation names")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument(
        "--heads", type=Path, default=Path(".penstock/names"), help="where the training keeps its first"
    )
    parser.add_argument("--write", action="store_true", help="also write docs/guards/names.md")
    chosen = parser.parse_args()
    head = chosen.heads / "develop.npz"
    if not SYNTHETIC.exists() or not head.exists():
        sys.stderr.write(f"{SYNTHETIC} and {head} are needed: `python -m training.names` makes the latter\n")
        return 2
    model = Model(chosen.model / "model.onnx", chosen.model / "tokenizer.json")
    memo, data = Memo(model), head.read_bytes()
    recogniser = Recogniser.load(WEIGHTS_SHA256, data)
    report = Report(
        measured(load(data), memo), together(recogniser, memo), alarms(recogniser, memo), times(data, model, memo)
    )
    text = markdown(report)
    sys.stdout.write(text)
    if chosen.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}")
    return 0 if all(value >= asked for _, value, asked in report.aims()) else 1


def markdown(report: Report) -> str:
    """What stands between the markers."""
    both, late = report.together, report.times
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.alarms.by_kind)
    joined = (f"{both.joined.precision:.3f}", f"{both.joined.recall:.3f}", f"F1 {both.joined.f1:.3f}")
    lines = [
        "| aim | measured | asked | |",
        "|---|---|---|---|",
        *(
            f"| {name} | {value:.3f} | ≥ {asked} | {'met' if value >= asked else '**missed**'} |"
            for name, value, asked in report.aims()
        ),
        "",
        "| held out | texts | names | precision | recall | F1 | kinds ignored | all in small letters |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {each.name} | {each.texts} | {each.typed.labelled} | {each.typed.precision:.3f} |"
            f" {each.typed.recall:.3f} | {each.typed.f1:.3f} | {each.untyped.f1:.3f} | {each.lower_case.f1:.3f} |"
            for each in report.names
        ),
        "",
        "| F1 by kind | " + " | ".join(kind for kind, _ in report.names[0].kinds) + " |",
        "|---|" + "---|" * len(report.names[0].kinds),
        *(
            f"| {each.name} | " + " | ".join(f"{score.f1:.3f}" for _, score in each.kinds) + " |"
            for each in report.names
        ),
        "",
        f"With the catalogue of patterns, on {both.texts} texts of {both.templates} templates, all seventeen kinds:",
        "",
        "| | precision | recall | |",
        "|---|---|---|---|",
        f"| words, kinds ignored | {both.tokens.precision:.3f} | {both.tokens.recall:.3f} | F2 {both.tokens.f2:.3f} |",
        f"| spans with kinds, exact | {both.exact.precision:.3f} | {both.exact.recall:.3f} | F1 {both.exact.f1:.3f} |",
        f"| … as Presidio's evaluator counts | {' | '.join(joined)} |",
        "",
        f"Of {report.alarms.prompts} prompts of real users, which have no labels and many of which do name somebody,",
        f"{report.alarms.with_any} have a finding: {kinds}.",
        f"Of the last {report.alarms.later}, after whose findings no frame was written,",
        f"{report.alarms.later_with_any} have one.",
        "",
        f"CPU time for {late.tokens} tokens: {late.find_us:.0f} µs beside {late.encode_us:.0f} µs of the encoder;",
        f"for {late.long_tokens} tokens {late.long_find_us:.0f} µs beside {late.long_encode_us:.0f} µs.",
        f"These texts were read before. The prompts, of {late.prompt_tokens:.0f} tokens on average, take",
        f"{late.first_us:.0f} µs each when they are first read, and {late.again_us:.0f} µs again.",
        "",
    ]
    return "\n".join(lines)
