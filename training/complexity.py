"""Train the complexity head: `python -m training.complexity` writes src/penstock/routing/complexity.npz.

Data: RouteLLM's MMLU set, 14,042 questions with whether Mixtral 8x7B and GPT-4 answered each right
(https://github.com/lm-sys/RouteLLM, Apache-2.0).  The target is strong minus weak, one of -1, 0 and 1.  Everything is
fitted by one ridge regression; the bandwidths, the sentence's weight and the penalty were chosen by the average of both
kinds of folds with `CHOICE_SEEDS`, and `evaluation.routing` reports with others.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from penstock.encoder.files import default_folder
from penstock.encoder.model import Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.routing.complexity import CLIP
from penstock.routing.signals import shortened
from penstock.routing.wording import NAMES, wording_of

FOLDER = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[2] / "shared" / "data"))
DATA = FOLDER / "routing" / "routellm_mmlu.jsonl"
HEAD = Path(__file__).parents[1] / "src" / "penstock" / "routing" / "complexity.npz"

WAVES: Final = 1200
BANDWIDTHS: Final = (0.04, 0.07, 0.12)
SENTENCE: Final = 0.15
PENALTY: Final = 2.0
FOLDS: Final = 10
_THREADS: Final = 2
CHOICE_SEEDS: Final = (0, 1, 2, 3)
STEPS: Final = 1000
RESAMPLES: Final = 200
CAUTION: Final = 0.25

By = Literal["question", "subject"]
Array = NDArray[np.float64]


class Question(msgspec.Struct, frozen=True):
    subject: str
    prompt: str
    weak_correct: bool
    strong_correct: bool


@dataclass(frozen=True, slots=True)
class Features:
    """`waves` and `sentences` have a row for each question; `scale` is what makes a sentence count as it should."""

    mean: Array
    spread: Array
    frequencies: Array
    phases: Array
    waves: Array
    sentences: Array
    scale: float

    @property
    def full(self) -> Array:
        return np.hstack([self.waves, self.scale * self.sentences])


def read_questions(path: Path = DATA) -> list[Question]:
    """Raises `FileNotFoundError` where the set is not there."""
    decode = msgspec.json.Decoder(Question).decode
    return [decode(line) for line in path.read_bytes().splitlines()]


def gains_of(questions: Sequence[Question]) -> Array:
    return np.array([float(each.strong_correct) - float(each.weak_correct) for each in questions])


def read_vectors(questions: Sequence[Question], model: Path, kept: Path) -> Array:
    """The sentence vectors, from the folder `kept` where this encoder made them before; else some minutes."""
    encoder = Model(model / "model.onnx", model / "tokenizer.json")
    file = kept / f"mmlu-{encoder.identity[:16]}.npy"
    if file.exists():
        vectors = np.load(file, allow_pickle=False)
        if len(vectors) == len(questions):
            return vectors.astype(float)
    texts = [shortened(each.prompt) for each in questions]
    with Progress(transient=True) as progress, ThreadPoolExecutor(_THREADS) as pool:
        found = progress.track(pool.map(encoder.encode, texts), total=len(texts), description="reading")
        rows = [each.sentence for each in found]
    vectors = np.array(rows, np.float16)
    kept.mkdir(parents=True, exist_ok=True)
    np.save(file, vectors)
    return vectors.astype(float)


def features_of(questions: Sequence[Question], sentences: Array) -> Features:
    """Standardised over all questions, which needs no labels."""
    wording = np.array([wording_of(shortened(each.prompt)) for each in questions])
    mean, spread = np.nanmean(wording, axis=0), np.nanstd(wording, axis=0) + 1e-9
    plain = np.clip(np.where(np.isnan(wording), 0.0, (wording - mean) / spread), -CLIP, CLIP)
    chance = np.random.default_rng(1)
    widths = np.repeat(BANDWIDTHS, WAVES // len(BANDWIDTHS))
    frequencies = chance.normal(size=(len(NAMES), WAVES)) * widths
    phases = chance.uniform(0.0, 2.0 * np.pi, WAVES)
    waves = np.cos(plain @ frequencies + phases) * np.sqrt(2.0 / WAVES)
    around = sentences - sentences.mean(axis=0)
    scale = SENTENCE / float(np.sqrt((around**2).sum(axis=1).mean()))
    return Features(mean, spread, frequencies, phases, waves, sentences, scale)


def folds_of(questions: Sequence[Question], by: By, seed: int) -> NDArray[np.int64]:
    """The fold of each question: questions dealt out at random, or whole subjects."""
    chance = np.random.default_rng(seed)
    if by == "question":
        return chance.permutation(len(questions)) % FOLDS
    subjects = sorted({each.subject for each in questions})
    fold = dict(zip(subjects, chance.permutation(len(subjects)) % FOLDS, strict=True))
    return np.array([fold[each.subject] for each in questions])


def out_of_fold(features: Array, gains: Array, fold: NDArray[np.int64], penalty: float = PENALTY) -> Array:
    """Each question's score by a regression that saw nothing of its fold.

    The sums over all folds are made once, and each fold's are taken out of them.
    """
    rows = [fold == each for each in range(FOLDS)]
    centred = features - features.mean(axis=0)
    parts = [(centred[at].T @ centred[at], centred[at].T @ gains[at], centred[at].sum(axis=0)) for at in rows]
    gram, right = sum(part[0] for part in parts), sum(part[1] for part in parts)
    total = sum(part[2] for part in parts)
    scores = np.zeros(len(gains))
    for at, (own_gram, own_right, own_total) in zip(rows, parts, strict=True):
        number = float((~at).sum())
        mean, level = (total - own_total) / number, float(gains[~at].mean())
        weight: Array = np.linalg.solve(
            gram - own_gram - number * np.outer(mean, mean) + penalty * np.eye(len(mean)),
            right - own_right - number * mean * level,
        )
        scores[at] = (centred[at] - mean) @ weight + level
    return scores


def fit(features: Array, gains: Array, penalty: float = PENALTY) -> tuple[Array, float]:
    """Weight and bias of the ridge regression on everything."""
    mean = features.mean(axis=0)
    around = features - mean
    weight: Array = np.linalg.solve(around.T @ around + penalty * np.eye(len(mean)), around.T @ (gains - gains.mean()))
    return weight, float(gains.mean() - mean @ weight)


def kept_by_share(scores: Array, gains: Array) -> Array:
    """The part of the gap kept when the first `i` questions by score go to the strong model, for `i` of 0 to all."""
    order = np.argsort(-scores, kind="stable")
    return np.concatenate([[0.0], np.cumsum(gains[order])]) / gains.sum()


def apgr(scores: Array, gains: Array) -> float:
    """Average performance gap recovered, as RouteLLM defines it (https://arxiv.org/abs/2406.18665, section 2.3): the
    area under the part of the gap kept over the share of calls to the strong model.
    """
    kept = kept_by_share(scores, gains)
    return float(np.mean((kept[1:] + kept[:-1]) / 2.0))


def calibration(
    all_scores: Sequence[Array], questions: Sequence[Question], *, caution: float = CAUTION
) -> tuple[Array, Array]:
    """Scores, and parts of the gap kept, at even shares of strong calls; means over several foldings by subject.

    What is kept is a low estimate: `caution` of the resamples of whole subjects keep less, since the subjects of new
    questions are not those of these.  Neither of the two turns back.
    """
    gains = gains_of(questions)
    at = np.linspace(0, len(gains), STEPS + 1).round().astype(int)
    scores = np.mean([np.sort(each)[::-1][np.minimum(at, len(gains) - 1)] for each in all_scores], axis=0)
    names, subject = np.unique([each.subject for each in questions], return_inverse=True)
    chance = np.random.default_rng(5)
    drawn: list[Array] = []
    for number in range(RESAMPLES):
        each = all_scores[number % len(all_scores)]
        times = np.bincount(chance.integers(0, len(names), len(names)), minlength=len(names))[subject]
        order = np.argsort(-each, kind="stable")
        share = np.cumsum(times[order]) / times.sum()
        kept = np.cumsum((times * gains)[order]) / (times * gains).sum()
        drawn.append(
            np.interp(np.linspace(0, 1, STEPS + 1), np.concatenate([[0.0], share]), np.concatenate([[0], kept]))
        )
    low = np.quantile(drawn, caution, axis=0)
    low[-1] = 1.0
    return scores, np.maximum.accumulate(np.minimum(low, 1.0))


def train(questions: Sequence[Question], features: Features, head: Path = HEAD) -> None:
    """Fit both readouts on everything, calibrate them by subject, and write the head."""
    gains = gains_of(questions)
    arrays: dict[str, object] = {
        "encoder_sha256": np.array(WEIGHTS_SHA256),
        "sentence_scale": np.array(features.scale),
        "mean": features.mean.astype(np.float32),
        "spread": features.spread.astype(np.float32),
        "frequencies": features.frequencies.astype(np.float32),
        "phases": features.phases.astype(np.float32),
    }
    for name, rows in (("full", features.full), ("wording", features.waves)):
        weight, bias = fit(rows, gains)
        held_out = [out_of_fold(rows, gains, folds_of(questions, "subject", seed)) for seed in CHOICE_SEEDS]
        scores, kept = calibration(held_out, questions)
        arrays |= {
            f"{name}_weight": weight.astype(np.float32),
            f"{name}_bias": np.array(bias),
            f"{name}_scores": scores.astype(np.float32),
            f"{name}_kept": kept.astype(np.float32),
        }
    with head.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes `allow_pickle` for a key


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training.complexity")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    parser.add_argument("--vectors", type=Path, default=Path(".penstock/vectors"), help="folder, kept between runs")
    chosen = parser.parse_args()
    questions = read_questions()
    train(questions, features_of(questions, read_vectors(questions, chosen.model, chosen.vectors)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
