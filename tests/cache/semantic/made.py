"""Questions without the encoder: vectors that the test chooses, so that only what is tested decides."""

import numpy as np

from penstock.cache.semantic.question import Question, Weights, meaningful
from penstock.cache.semantic.reading import read
from penstock.cache.semantic.verify import FEATURES

WIDTH = 384
WEIGHTS = Weights(np.eye(64, WIDTH, dtype=np.float32), np.zeros(len(FEATURES), np.float32), -1.0, 0.7)


def question(text: str, *, topic: int, seed: int = 0, apart: float = 0.1) -> Question:
    """A question whose vector lies near that of its topic; its words are alike."""
    reading = read(text)
    assert reading is not None
    centre = np.random.default_rng(1_000 + topic).standard_normal(WIDTH)
    vector = centre / np.linalg.norm(centre) + apart * np.random.default_rng(seed).standard_normal(WIDTH) / WIDTH**0.5
    words = np.zeros((len(meaningful(reading)), 64), np.float32)
    words[:, 0] = 1.0
    return Question(text, reading, (vector / np.linalg.norm(vector)).astype(np.float32), words)
