"""Replays over seeds, two at a time: the sets as the evaluation asks them, and plain cosine beside the cache."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.cache.replay import Policy, Tally, replay
from penstock.cache.semantic.question import Question, Weights

DRAWS: Final = 50_000
_ZIPF: Final = 0.6
_PROCESSES: Final = 2

Asked = Sequence[tuple[Question, str]]
_sets: dict[str, Asked] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`order` is each question once, or draws by popularity; `cosine` asks of plain similarity in the cache's place."""

    asked: str
    order: Literal["once", "zipf"]
    policy: Policy
    seed: int
    cosine: float | None = None


def run_all(runs: Sequence[Run], sets: dict[str, Asked], weights: Weights) -> dict[Run, Tally]:
    """Each run's tally.  The sets are given to the processes by forking."""
    _sets.update(sets)
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("fork")) as pool:
        return dict(zip(runs, pool.map(_one, runs, [weights] * len(runs)), strict=True))


def _one(run: Run, weights: Weights) -> Tally:
    asked = _sets[run.asked]
    chance = np.random.default_rng(run.seed)
    order: NDArray[np.int64] = chance.permutation(len(asked))
    if run.order == "zipf":
        popularity = np.arange(1, len(asked) + 1) ** -_ZIPF
        order = order[chance.choice(len(asked), DRAWS, p=popularity / popularity.sum())]
    drawn = [asked[int(at)] for at in order]
    if run.cosine is not None:
        return _by_cosine(drawn, run.cosine)
    return replay(drawn, weights, run.policy, seed=run.seed)


def _by_cosine(asked: Asked, least: float) -> Tally:
    """What most caches do: the nearest question's answer where it is near enough."""
    stored = np.zeros((len(asked), len(asked[0][0].vector)), np.float32)
    intents: list[str] = []
    tally = Tally()
    for question, intent in asked:
        tally.asked += 1
        if intents:
            alike = stored[: len(intents)] @ question.vector
            nearest = int(alike.argmax())
            if alike[nearest] >= least:
                tally.hits += 1
                tally.wrong += intents[nearest] != intent
                continue
        stored[len(intents)] = question.vector
        intents.append(intent)
    return tally
