"""What one lookup by meaning takes of a processor, part by part: one thread, nothing beside it, 100,000 questions kept.

`bench.similar` measures the same among requests, where lookups wait for each other and for what else the machine does;
it fills its partition with the questions of this module.  Run as a program, it writes the parts as JSON.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec
import numpy as np

from bench.encoder import questions
from penstock.app.encoder import load_encoder
from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.index import VectorIndex
from penstock.cache.semantic.partition import Partition
from penstock.cache.semantic.question import Question, Weights, load_weights, question_of
from penstock.config import read
from penstock.encoder.model import Model

ENTRIES = 100_000
NEARNESS = 0.6
"""The cosine between a question that is asked and those that fill the partition around it."""
FORMS = (
    "Hi, {}",
    "Hello! {}",
    "{} Thanks!",
    "{} Thank you.",
    "Hi there, {}",
    "Hello, {} Thanks!",
    "Please help: {}",
    "Hi, {} Thank you!",
    "Hey, {}",
    "Quick question: {}",
    "{} Please help.",
    "Good to see you. {}",
    "Hello there! {}",
    "{} Many thanks!",
    "Good morning. {}",
    "{} Thanks a lot.",
)
_ASKED, _VOTERS = 600, 20
Found = TypeVar("Found")


class Part(msgspec.Struct):
    """Microseconds of CPU of one of a lookup's parts."""

    name: str
    mean_us: float
    p50_us: float
    p99_us: float


def reworded() -> list[str]:
    """Each of the real questions in other words, by turns: the phrases leave its meaning."""
    asked = [form.format(text) for form in FORMS for text in questions()]
    return random.Random(1).sample(asked, len(asked))  # noqa: S311 - an order, not a secret


def bases(model: Model, weights: Weights) -> list[Question]:
    found = [question_of(text, model.encode(text), weights) for text in questions()]
    return [question for question in found if question is not None]


def around(real: Sequence[Question], count: int) -> Iterator[Question]:
    """Questions that are near the real ones, and mean something else to the index: their texts are the real ones'."""
    chance = np.random.default_rng(0)
    far = (1.0 - NEARNESS**2) ** 0.5
    for number in range(count):
        base = real[number % len(real)]
        noise = chance.standard_normal(len(base.vector)).astype(np.float32)
        vector = NEARNESS * base.vector + far * noise / np.linalg.norm(noise)
        yield replace(base, vector=vector / np.linalg.norm(vector))


def parts() -> list[Part]:
    encoder = load_encoder(read(None, os.environ))
    model = encoder.model
    weights = load_weights(encoder_sha256=model.weights_sha256)
    real = bases(model, weights)
    width = len(real[0].vector)
    partition, index = Partition(weights, Bound(0.01), width=width, start="shipped"), VectorIndex(width)
    for number, question in enumerate((*real, *around(real, ENTRIES - len(real)))):
        partition.add(str(number), question)
        index.add(question.vector)
    taken: dict[str, list[float]] = {"encode": [], "read": [], "nearest": [], "find": [], "whole": []}
    for text in reworded()[:_ASKED]:
        encoded = _timed(taken["encode"], lambda text=text: model.encode(text))
        asked = _timed(taken["read"], lambda text=text, encoded=encoded: question_of(text, encoded, weights))
        if asked is None:
            continue
        _timed(taken["nearest"], lambda vector=asked.vector: index.nearest(vector, _VOTERS))
        _timed(taken["find"], lambda asked=asked: partition.find(asked))
        taken["whole"].append(sum(taken[part][-1] for part in ("encode", "read", "find")))
    encoder.close()
    decided = [found - near for found, near in zip(taken["find"], taken["nearest"], strict=True)]
    return [
        _part("tokens and vectors", taken["encode"]),
        _part("reading the question", taken["read"]),
        _part("the nearest questions", taken["nearest"]),
        _part("votes, and the second check", decided),
        _part("one lookup", taken["whole"]),
    ]


def _timed(into: list[float], call: Callable[[], Found]) -> Found:
    began = time.thread_time_ns()
    found = call()
    into.append((time.thread_time_ns() - began) / 1e3)
    return found


def _part(name: str, taken: Sequence[float]) -> Part:
    return Part(name, statistics.fmean(taken), statistics.median(taken), statistics.quantiles(taken, n=100)[-1])


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(parts()))
