# ruff: noqa: SIM905, E501 - tables of words read best as lines of words
"""Trains the semantic cache's second check: `python training/semantic_cache.py` writes weights.npz beside the code.

Data: BANKING77 (PolyAI task-specific-datasets, CC BY 4.0), the 38 of its 77 intents that `DEVELOPMENT` names by seed, and
CLINC150's questions (CC BY 3.0).  Nothing of the other 39 intents, of GPTCache's pairs or of MMLU is read here.

Made: the 64 directions that hold most of the token vectors (singular vectors), and a logistic regression over the
features of `verify.pair_features`.  Right pairs are questions of one intent, wrong ones of two, and questions in which
one noun was put in the place of another.  Deterministic; about two minutes on one core.
"""

import argparse
import csv
import random
import sys
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from penstock.cache.semantic.agreement import disagreement
from penstock.cache.semantic.question import Question, Weights, question_of
from penstock.cache.semantic.verify import FEATURES, pair_features
from penstock.encoder.files import check, default_folder
from penstock.encoder.model import Encoded, Matrix, Model, Vector

WIDTH: Final = 64
DEVELOPMENT: Final = frozenset(np.random.default_rng(7).permutation(77)[:38].tolist())
"""Numbers of the intents, in the order of the alphabet, that anything is fitted on."""
_DATA: Final = Path(__file__).parents[2] / "shared" / "data"
_OUT: Final = Path(__file__).parents[1] / "src" / "penstock" / "cache" / "semantic" / "weights.npz"
_NOUNS: Final = tuple(
    "card account transfer payment passport address pin phone salary bank pizza hotel flight engine contract router "
    "printer invoice garden lawyer camera insurance ticket password recipe restaurant calendar song timer meeting".split()
)
_SWAPPED, _PAIRS = 500, 500
_ALIKE: Final = 0.7
_SWAPS_LET_THROUGH: Final = 0.05
LEAST_SIMILARITY: Final = 0.7


def main() -> int:
    """Train, write, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--encoder", type=Path, default=default_folder())
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--out", type=Path, default=_OUT)
    chosen = parser.parse_args()
    manifest = check(chosen.encoder)
    model = Model(chosen.encoder / "model.onnx", chosen.encoder / "tokenizer.json")
    chance = random.Random(11)
    swaps, alike = _swaps(chosen.data, chance), _alike(chosen.data, model, chance)
    texts = sorted({text for pair in (*swaps, *(pair[:2] for pair in alike)) for text in pair})
    encoded = {text: model.encode(text) for text in texts}
    projection = _projection(encoded)
    blank = Weights(projection, np.zeros(len(FEATURES), np.float32), -np.inf, 0.0)
    questions = {text: question_of(text, each, blank) for text, each in encoded.items()}
    rows, labels, kinds = [], [], []
    for left, right, kind in [*((a, b, "swap") for a, b in swaps), *alike]:
        one, other = questions[left], questions[right]
        if one is not None and other is not None and _is_close(one, other):
            rows.append(pair_features(one, other, float(one.vector @ other.vector)))
            labels.append(kind == "same")
            kinds.append(kind)
    features, right_, kind_ = np.array(rows), np.array(labels), np.array(kinds)
    train = np.random.default_rng(3).random(len(rows)) < 0.7
    pair = _fit(features[train], right_[train])
    scores = features @ pair
    least = float(np.quantile(scores[train & (kind_ == "swap")], 1.0 - _SWAPS_LET_THROUGH))
    np.savez(
        chosen.out,
        projection=projection.astype(np.float16),
        pair=pair,
        least_pair=np.float32(least),
        least_similarity=np.float32(LEAST_SIMILARITY),
        encoder_sha256=manifest.weights_sha256,
    )
    sys.stdout.write(f"{len(rows)} pairs, {int(train.sum())} of them to train\n")
    for name, weight in zip(FEATURES, pair, strict=True):
        sys.stdout.write(f"  {name}: {weight:.3f}\n")
    for kind in ("same", "other", "swap"):
        let = scores[~train & (kind_ == kind)] >= least
        sys.stdout.write(f"  held out, {kind}: {let.mean():.3f} of {len(let)} let through at {least:.3f}\n")
    return 0


def _swaps(data: Path, chance: random.Random) -> list[tuple[str, str]]:
    with (data / "cache" / "banking77_train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["category"] for row in rows})
    texts = [row["text"] for row in rows if names.index(row["category"]) in DEVELOPMENT]
    clinc = msgspec.json.decode(
        (data / "scope" / "clinc150_train_val.json").read_bytes(), type=dict[str, list[list[str]]]
    )
    texts += [text for text, _ in clinc["train"]]
    found: list[tuple[str, str]] = []
    for text in chance.sample(texts, len(texts)):
        words = text.split()
        places = [at for at, word in enumerate(words) if word.lower().strip("?.,!") in _NOUNS]
        if places and len(found) < _SWAPPED:
            at = chance.choice(places)
            other = chance.choice([noun for noun in _NOUNS if noun not in text.lower()])
            found.append((text, " ".join([*words[:at], other, *words[at + 1 :]])))
    return found


def _alike(data: Path, model: Model, chance: random.Random) -> list[tuple[str, str, str]]:
    with (data / "cache" / "banking77_train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["category"] for row in rows})
    of = [(row["text"], row["category"]) for row in rows if names.index(row["category"]) in DEVELOPMENT]
    of = chance.sample(of, 1_500)
    vectors = np.array([model.encode(text).sentence for text, _ in of])
    near = np.argwhere(np.triu(vectors @ vectors.T > _ALIKE, 1))
    pairs = [(of[a][0], of[b][0], "same" if of[a][1] == of[b][1] else "other") for a, b in near.tolist()]
    same, other = ([pair for pair in pairs if pair[2] == kind] for kind in ("same", "other"))
    return [*chance.sample(same, min(_PAIRS, len(same))), *chance.sample(other, min(_PAIRS, len(other)))]


def _is_close(one: Question, other: Question) -> bool:
    return disagreement(one.reading, other.reading, float(one.vector @ other.vector)) is None


def _projection(encoded: dict[str, Encoded]) -> Matrix:
    tokens = np.concatenate([each.tokens for each in encoded.values()])[::3]
    tokens = tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-9)
    _, vectors = np.linalg.eigh(tokens.T @ tokens)
    return np.ascontiguousarray(vectors[:, ::-1][:, :WIDTH].T)


def _fit(features: Matrix, labels: np.ndarray, *, penalty: float = 0.3) -> Vector:
    """Logistic regression, by Newton's method."""
    weights = np.zeros(features.shape[1])
    for _ in range(20):
        chances = 1.0 / (1.0 + np.exp(-features @ weights))
        slope = features.T @ (chances - labels) + penalty * weights
        curve = (features * (chances * (1.0 - chances))[:, None]).T @ features + penalty * np.eye(len(weights))
        weights -= np.linalg.solve(curve, slope)
    return weights.astype(np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
