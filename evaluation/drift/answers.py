"""Answers to the same questions by three authors (MT-RAG): one takes another's place, and `tone` says how they read.

Two of them are models and one are people.  Of 300 answers a day, drawn from 159 questions whose mixture goes up and
down, all are one author's, and from some hour on another's.
"""

import json  # noqa: TID251 - development data, in its own format
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.cache.sets import DATA
from penstock.watch.drift.store import series_of
from penstock.watch.drift.tally import Sums, Tally
from penstock.watch.drift.tone import Tone, tone_of
from penstock.watch.drift.watching import Watch, look

DAILY = 300
_WATCHED_DAYS = 14
_EVENNESS = 60.0
_FILE = DATA / "grounded" / "mtrag_human_judged.json"


@dataclass(frozen=True, slots=True)
class Replaced:
    """`delay_h` is until it was found; None where it was not in two weeks.  `after` is `before` where nothing was."""

    before: str
    after: str
    delay_h: int | None


def tones() -> dict[str, list[Tone]]:
    """By author, of the questions that each of them answered with a sentence, in one order."""
    told = json.loads(_FILE.read_text("utf-8"))
    by_task: dict[str, dict[str, Tone]] = {}
    for each in told["evaluations"]:
        tone = tone_of(each["model_response"])
        if tone is not None:
            by_task.setdefault(each["task_id"], {})[each["model_id"]] = tone
    authors = sorted({author for of in by_task.values() for author in of})
    whole = [of for _, of in sorted(by_task.items()) if len(of) == len(authors)]
    return {author: [of[author] for of in whole] for author in authors}


def replaced(before: tuple[str, Sequence[Tone]], after: tuple[str, Sequence[Tone]], seed: int) -> Replaced:
    rng = np.random.default_rng([seed, 11])
    watch = Watch()
    begun = watch.weeks * 168 + seed * 5 % 24
    questions = len(before[1])
    usual = rng.dirichlet(np.full(questions, 2.0))
    weights = usual
    hours: dict[int, Sums] = {}
    for hour in range(begun + _WATCHED_DAYS * 24):
        if hour % 24 == 0:
            weights = rng.dirichlet(_EVENNESS * usual + 1e-3)
        of = before[1] if hour < begun else after[1]
        tally = Tally()
        drawn: list[int] = rng.choice(questions, int(rng.poisson(_traffic(hour))), p=weights).tolist()
        for question in drawn:
            tally.note("tone", of[question].sentence, of[question].signs)
        if drawn:
            hours[hour] = tally.sums()["tone"]
    series = series_of("tone", hours)
    for now in range(begun + 1, begun + _WATCHED_DAYS * 24):
        if look(series, now, (), watch) is not None:
            return Replaced(before[0], after[0], now - begun)
    return Replaced(before[0], after[0], None)


def _traffic(hour: int) -> float:
    return DAILY / 24 * (1 + 0.8 * math.sin((hour % 24 - 8) / 24 * 2 * math.pi))


def all_replaced(seeds: int) -> list[Replaced]:
    """Nothing where the answers are not there."""
    if not _FILE.is_file():
        return []
    by_author = list(tones().items())
    return [replaced(one, other, seed) for one in by_author for other in by_author for seed in range(seeds)]
