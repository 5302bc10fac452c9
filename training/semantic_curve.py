"""Fits the curve that every bound starts from: `python -m training.semantic_curve` prints it for `bound.py`.

Data: replays of the questions of BANKING77's development intents (`training.semantic_cache.DEVELOPMENT`) and of every
other intent of CLINC150.  Nothing is a hit, so that every match is labelled and the shipped curve has no part in it.
The curve is the mean of the two fits.
"""

import sys

import numpy as np
from evaluation.cache import sets
from evaluation.cache.memo import Memo
from evaluation.cache.replay import Policy, replay
from numpy.typing import NDArray

from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.partition import Partition
from penstock.cache.semantic.question import load_weights
from penstock.encoder.files import check, default_folder
from penstock.encoder.model import Model
from training.semantic_cache import DEVELOPMENT

_CEILING = 0.025
_BENDS = (0.0, 2.0)
_STEPS = 30
_EXPECTED: NDArray[np.float64] = np.array([0.0, -1.0, 0.0, 0.0])
_PRECISION = np.diag([0.01, 1.0, 1.0, 1.0])


class _Labels(Bound):
    """Remembers each label and learns nothing from it, so that nothing is ever a hit."""

    def __init__(self) -> None:
        super().__init__(_CEILING)
        self.all: list[tuple[float, bool]] = []

    def learn(self, score: float, *, is_right: bool) -> None:
        """Remember it."""
        self.all.append((score, is_right))


def main() -> int:
    """Replay, fit, print."""
    manifest = check(default_folder())
    model = Model(default_folder() / "model.onnx", default_folder() / "tokenizer.json")
    memo = Memo(model, load_weights(encoder_sha256=manifest.weights_sha256))
    curves: list[NDArray[np.float64]] = []
    for name, texts in (("BANKING77", sets.banking()), ("CLINC150", sets.clinc())):
        intents = sorted({intent for _, intent in texts})
        chosen = set(intents[::2])
        if name == "BANKING77":
            chosen = {intent for number, intent in enumerate(intents) if number in DEVELOPMENT}
        part = [each for each in texts if each[1] in chosen]
        read = sets.questions([text for text, _ in part], memo)
        asked = [(each, intent) for each, (_, intent) in zip(read, part, strict=True) if each is not None]
        labels = _Labels()
        partition = Partition(memo.projected, labels, width=model.width)
        order = np.random.default_rng(11).permutation(len(asked))
        policy = Policy(ceiling=_CEILING)
        replay([asked[int(at)] for at in order], memo.projected, policy, seed=11, partition=partition)
        curves.append(_fit(np.array(labels.all, np.float64)))
        sys.stdout.write(f"{name}: {len(labels.all)} labels, {np.round(curves[-1], 2).tolist()}\n")
    sys.stdout.write(f"mean: {np.round(np.mean(curves, axis=0), 2).tolist()}\n")
    return 0


def _fit(labels: NDArray[np.float64]) -> NDArray[np.float64]:
    scores, wrong = labels[:, 0], 1.0 - labels[:, 1]
    place = np.stack([np.ones_like(scores), scores, *(np.maximum(0.0, scores - bend) for bend in _BENDS)], axis=1)
    curve: NDArray[np.float64] = _EXPECTED
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-place @ curve))
        slope = place.T @ (chance - wrong) + _PRECISION @ (curve - _EXPECTED)
        bend = (place * (chance * (1.0 - chance))[:, None]).T @ place + _PRECISION
        curve = curve - np.clip(np.linalg.solve(bend, slope), -2.0, 2.0)
    return curve


if __name__ == "__main__":
    raise SystemExit(main())
