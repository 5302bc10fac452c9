"""`make evaluate ARGS=grounded`: how well claims are traced and confidence told; `--write`: into docs/guards.

`served` in front of the options is the trial over sockets, with options of its own.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from training.grounded import OF_A_KIND, SEED, Reader, fit, judged, made
from training.grounded_confidence import FITTED as WEIGHED
from training.grounded_confidence import Sample, fit_weights, samples
from training.grounded_fit import Labelled
from training.grounded_made import Made, make
from training.grounded_sets import FOLDER, begin, scifact

from evaluation.grounded.agreement import agreement
from evaluation.grounded.chart import draw
from evaluation.grounded.measure import PLAIN, auroc, calibration_error, kinds, left_out, reaching
from evaluation.grounded.report import agreement_table, confidence_table, inserted, kind_table, set_table
from evaluation.grounded.served.__main__ import main as served
from penstock.core.sources import Passage
from penstock.encoder.files import MODEL, TOKENIZER, default_folder
from penstock.encoder.model import Encoded, Model
from penstock.guard.grounded.claims import split
from penstock.guard.grounded.confidence import Known
from penstock.guard.grounded.judge import load_judge
from penstock.guard.grounded.tracer import Tracer

DOCS: Final = Path(__file__).parents[2] / "docs"
_TIMED: Final = 60


def main() -> int:
    if sys.argv[1:2] == ["served"]:
        return served(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m evaluation grounded")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--write", action="store_true", help="also write docs/guards/grounded.md and its picture")
    chosen = parser.parse_args()
    if not (FOLDER / "grounded").exists():
        sys.stderr.write(f"{FOLDER} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    reader = Reader(chosen.model)
    of_people, of_rules, answers = judged(reader), made(reader), make(OF_A_KIND, SEED + 1, for_tests=True)
    tests = [Labelled(reader.features(each.answer, each.passages), each.is_right, each.kind) for each in answers]
    judge = fit([each for each in of_people if each.part != "mtrag"], of_rules)
    of = samples(reader, judge)
    text = report(of_people, tests, of, write=chosen.write)
    text += "\n" + agreement_table(agreement(reader, judge, of))
    text += speed(chosen.model, answers)
    sys.stdout.write(text)
    if chosen.write:
        page = DOCS / "guards" / "grounded.md"
        page.write_text(inserted(page.read_text(), text))
    return 0


def report(of_people: Sequence[Labelled], tests: Sequence[Labelled], of: Sequence[Sample], *, write: bool) -> str:
    """The tables, and with `write` the picture."""
    whole, plain = left_out(of_people), left_out(of_people, columns=PLAIN)
    parts: dict[str, tuple[int, float]] = {}
    stating = {name: [each.rows for each in of_people if each.part == name] for name in whole}
    for name, examples in (("scifact", scifact()), ("begin", begin())):
        scores, labels = whole[name][1], whole[name][2] > 0
        # Answers without a claim were left out of both, in the same order.
        kept = [each for each in examples if split(each.answer).claims]
        if len(kept) != len(stating[name]):
            continue
        groups = (
            {"SciFact: supported or no evidence": "contradicted", "SciFact: supported or contradicted": "not_found"}
            if name == "scifact"
            else {f"BEGIN: answers of {system}": system for system in sorted({each.source for each in kept})}
        )
        for title, key in groups.items():
            chosen = np.array([(each.verdict != key) if name == "scifact" else (each.source == key) for each in kept])
            parts[title] = int(chosen.sum()), auroc(scores[chosen], labels[chosen])
    text = set_table(
        {name: each[0] for name, each in whole.items()}, {name: each[0] for name, each in plain.items()}, parts
    )
    of_kinds = kinds(load_judge(), [each for each in tests if len(each.rows)])
    text += "\n" + kind_table(
        of_kinds,
        reaching([each for each in of_kinds if each.is_fitted]),
        reaching([each for each in of_kinds if not each.is_fitted]),
        reaching(of_kinds),
    )
    return text + "\n" + _confidence(of, write=write)


def _confidence(of: Sequence[Sample], *, write: bool) -> str:
    """Fitted on one half of the conversations, told of the other, and with some of what is known taken away."""
    weights = fit_weights([each for each in of if each.half == 0])
    tested = [each for each in of if each.half == 1]
    labels = np.array([each.is_right for each in tested])
    rows: list[tuple[str, int, float, float, float]] = []
    curves: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    for title, names in (
        ("all of it", WEIGHED),
        ("support alone", ("support",)),
        ("all but support", tuple(name for name in WEIGHED if name != "support")),
        ("nothing", ()),
    ):
        known = [Known(**{name: getattr(each.known, name) for name in names}) for each in tested]
        chances = np.array([weights.confidence(each) for each in known])
        brier = float(((chances - labels) ** 2).mean())
        area = auroc(chances, labels)
        rows.append((title, len(tested), area, calibration_error(chances, labels, is_balanced=False), brier))
        if names:
            curves[title] = chances, labels.astype(float), np.ones(len(labels))
    if write:
        draw(DOCS / "images" / "grounded" / "reliability.svg", curves)
    return confidence_table(rows)


def speed(folder: Path, answers: Sequence[Made]) -> str:
    """What a claim costs on one thread: with all read anew, and with passages that a search has read before."""
    model = Model(folder / MODEL, folder / TOKENIZER)
    judge = load_judge()
    read: dict[str, Encoded] = {}

    def remembered(text: str) -> Encoded:
        return read[text] if text in read else model.encode(text)

    chosen = answers[:: max(len(answers) // _TIMED, 1)]
    claims = sum(len(split(each.answer).claims) for each in chosen)
    spent: list[float] = []
    for known in (False, True):
        tracer = Tracer(judge, remembered, encoder_sha256=judge.encoder_sha256)
        if known:
            read |= {text: model.encode(text) for each in chosen for _, text in each.passages}
        taken = 0.0
        for each in chosen:
            shown = [
                Passage(label=str(at + 1), document=str(at), version=1, title=title, text=text, start=0, end=len(text))
                for at, (title, text) in enumerate(each.passages)
            ]
            begun = time.thread_time()
            tracer.judge(split(each.answer), shown)
            taken += time.thread_time() - begun
        spent.append(taken / claims * 1e3)
    over = f"over {len(chosen)} answers of {claims / len(chosen):.1f} claims with three passages each"
    return (
        f"\nProcessor time a claim, {over}: {spent[0]:.1f} ms where all is read anew, "
        f"{spent[1]:.1f} ms where the passages were read before.\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
