"""Fit what confidence is worth: `python -m training.grounded_confidence` writes confidence.json beside its code.

On mtRAG's answers, half of its conversations: an answer is right where the medians of people's marks for
faithfulness and for completeness are both 3 or more of 4.  Support is by a judge that was not fitted on mtRAG.  What
the set does not have, the log-probability of an answer, is weighed by hand.
"""

import argparse
import statistics
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from penstock.encoder.files import default_folder
from penstock.guard.grounded.confidence import Known, Term, Weights, step, words_of
from penstock.guard.grounded.judge import Judge, sigmoid
from training.grounded import HEAD, Reader, fit, judged, made
from training.grounded_fit import regress
from training.grounded_sets import FOLDER, Example, mtrag

WEIGHTS: Final = HEAD.with_name("confidence.json")
FITTED: Final = ("support", "alignment", "hedging", "unknowing")
BY_HAND: Final = {"log_probability": Term(1.0, -0.35)}
"""Not fitted: a mean log-probability lower by one takes the odds down to a third."""
_DOUBTS: Final = frozenset({"hedging", "unknowing"})
PENALTY: Final = 0.02
_GOOD: Final = 3


class Sample(NamedTuple):
    """An answer that people judged; `half` is 0 or 1, by its conversation."""

    known: Known
    is_right: bool
    half: int
    answer: Example


def samples(reader: Reader, judge: Judge) -> list[Sample]:
    """MtRAG's answers that state something.  `judge` must not have been fitted on them."""
    data: Any = msgspec.json.decode((FOLDER / "grounded" / "mtrag_human_judged.json").read_bytes())
    marks: dict[tuple[str, str, str], float] = {}
    each: Any
    for each in data["evaluations"]:
        told = each["annotations"]
        lowest = min(
            statistics.median([int(mark["value"]) for mark in told[name].values()])
            for name in ("faithfulness", "completeness")
        )
        marks[each["task_id"].split("<")[0], each["model_id"], each["model_response"]] = lowest
    found: list[Sample] = []
    for answer in mtrag():
        rows = reader.features(answer.answer, answer.passages)
        if not len(rows):
            continue
        hedging, unknowing = words_of(answer.answer)
        general = sigmoid(judge.general.totals(rows))
        alignment = float(reader.read(answer.question).sentence @ reader.read(answer.answer).sentence)
        known = Known(support=float(general.mean()), alignment=alignment, hedging=hedging, unknowing=unknowing)
        right = marks[answer.group, answer.source, answer.answer] >= _GOOD
        found.append(Sample(known, right, zlib.crc32(answer.group.encode()) % 2, answer))
    return found


def fit_weights(of: Sequence[Sample]) -> Weights:
    """A logistic regression on what the samples have, each thing about its mean."""
    rows = np.array([[step(getattr(each.known, name), is_logit=name == "support") for name in FITTED] for each in of])
    labels = np.array([each.is_right for each in of], float)
    middles, scales = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    weights = regress((rows - middles) / scales, labels, np.full(len(rows), 1.0 / len(rows)), PENALTY)
    terms = {
        name: Term(
            round(_signed(name, float(weights[at] / scales[at])), 4), round(float(middles[at]), 4), name == "support"
        )
        for at, name in enumerate(FITTED)
    }
    return Weights(round(float(weights[-1]), 4), terms | BY_HAND)


def _signed(name: str, weight: float) -> float:
    """Naught where chance has turned a weight around: doubt must never make an answer likelier."""
    return min(weight, 0.0) if name in _DOUBTS else max(weight, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.grounded_confidence")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--to", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    reader = Reader(chosen.model)
    judge = fit([each for each in judged(reader) if each.part != "mtrag"], made(reader))
    weights = fit_weights([each for each in samples(reader, judge) if each.half == 0])
    chosen.to.write_bytes(msgspec.json.format(msgspec.json.encode(weights)) + b"\n")


if __name__ == "__main__":
    main()
