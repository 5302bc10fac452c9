"""Questions that people asked (BANKING77): others come in, and `familiarity` and `topics` say how near they are.

Each is held against questions that were asked before, and how near the nearest is is the value: as the cache of similar
questions does, against all of them, or against the few hundred of `topics`.  At first the questions are of 60 intents,
whose mixture goes up and down from day to day; then a part of them is of the 17 intents that nobody had asked about.
"""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.cache.sets import DATA
from evaluation.drift.traffic import Numbers
from penstock.config.texts.encoder import EncoderSettings
from penstock.encoder.load import load_model
from penstock.watch.drift.series import Piece, Series
from penstock.watch.drift.tally import measures_of
from penstock.watch.drift.topics import KNOWN
from penstock.watch.drift.watching import Watch, look

SHARES = (0.0, 0.1, 0.2, 0.4)
DAILY = (("familiarity", 1500), ("topics", 1500), ("topics", 300))
"""How many a day, and against what."""
_KNOWN, _OF_EACH = 60, 12
_WATCHED_DAYS = 14
_EVENNESS = 60.0
"""Of a day's mixture: an intent's share lies about a tenth to a third of itself off, which is more than chance."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """A part of the questions was of other intents from some hour on; None where that was not found in two weeks."""

    feature: str
    daily: int
    share: float
    delay_h: int | None


Near = tuple[list[Numbers], Numbers]
"""By intent that is known, and of all others: the cosine with the nearest question that was asked before."""


def nearness() -> dict[str, Near]:
    """By feature."""
    by_intent: defaultdict[str, list[str]] = defaultdict(list)
    with (DATA / "cache" / "banking77_train.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_intent[row["category"]].append(row["text"])
    intents = [str(each) for each in np.random.default_rng(77).permutation(sorted(by_intent))]
    model = load_model(EncoderSettings(), beside=Path.cwd())

    def read(texts: list[str]) -> Numbers:
        found = np.array([model.encode(text).sentence for text in texts], dtype=float)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    kept = read([text for each in intents[:_KNOWN] for text in by_intent[each][:_OF_EACH]])
    few = kept[np.random.default_rng(78).choice(len(kept), KNOWN, replace=False)]
    known = [read(by_intent[each][_OF_EACH : 2 * _OF_EACH]) for each in intents[:_KNOWN]]
    others = read([text for each in intents[_KNOWN:] for text in by_intent[each][:_OF_EACH]])
    return {
        feature: ([(each @ of.T).max(axis=1) for each in known], (others @ of.T).max(axis=1))
        for feature, of in (("familiarity", kept), ("topics", few))
    }


def mixed(feature: str, daily: int, near: Near, share: float, seed: int) -> Mixed:
    """One assistant, in which a share of the questions is of other intents from the ninth week on."""
    known, others = near
    rng = np.random.default_rng([seed, 9])
    watch = Watch()
    begun = watch.weeks * 168 + seed * 5 % 24
    usual = rng.dirichlet(np.full(len(known), 2.0))
    hours: dict[int, Piece] = {}
    weights = usual
    for hour in range(begun + _WATCHED_DAYS * 24):
        if hour % 24 == 0:
            weights = rng.dirichlet(_EVENNESS * usual + 1e-3)
        count = int(rng.poisson(daily / 24 * (1 + 0.8 * math.sin((hour % 24 - 8) / 24 * 2 * math.pi))))
        new = int(rng.binomial(count, share)) if hour >= begun else 0
        drawn = [rng.choice(known[each], number) for each, number in enumerate(rng.multinomial(count - new, weights))]
        values: Numbers = np.concatenate([*drawn, rng.choice(others, new)])
        if count:
            hours[hour] = Piece(count, float(values.sum()), float((values**2).sum()))
    series = [(measure, Series(hours)) for measure in measures_of(feature)]
    for now in range(begun + 1, begun + _WATCHED_DAYS * 24):
        if look(series, now, (), watch) is not None:
            return Mixed(feature, daily, share, now - begun)
    return Mixed(feature, daily, share, None)


def all_mixed(seeds: int) -> list[Mixed]:
    """None where the questions are not there.  Raises `ConfigError` where what reads them is not."""
    if not DATA.is_dir():
        return []
    near = nearness()
    return [
        mixed(feature, daily, near[feature], share, seed)
        for feature, daily in DAILY
        for share in SHARES
        for seed in range(seeds)
    ]
