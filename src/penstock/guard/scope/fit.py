"""Make a scope head from an assistant's examples: seconds, deterministic, and from nothing but them.

How strange a question may be is measured by cross-validation: in each fold the head is made without a part of each
topic's examples, and these are then scored.  Called when a configuration is loaded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import ConfigError
from penstock.encoder.model import Encoded
from penstock.guard.scope.calibrate import levels, sharpness
from penstock.guard.scope.features import Array, Places, joined, pooled, runs
from penstock.guard.scope.head import ScopeHead, Weights
from penstock.guard.scope.members import Directions, Nearest, Topics, Wording, sums_by

RECIPE: Final = 1
"""Of how a head is made, for those that are kept: to be raised with every change of what comes out."""
_MOST_KEPT: Final = 2_000
"""Examples that a question is compared with, of all topics together; of more, centres."""
_LEAST_KEPT_A_TOPIC: Final = 8
_MOST_OUTSIDE: Final = 500
_FOLDS: Final = 5
_FOLDS_OF_FEW: Final = 10
_FEW: Final = 1_000
_WORDING_WEIGHT: Final = 0.15
_OUTSIDE_WEIGHT: Final = 0.3
_KNOWN_EXAMPLES: Final = 3.0
_ALIKE: Final = 0.9
_ENOUGH_TUNING: Final = 100
_CERTAINTY: Final = 1.28
"""Of the normal distribution, nine in ten lie below."""
_LEAST_CUT: Final = 0.8


class Example(NamedTuple):
    """A question that the assistant is for.  Those without a topic count as one topic."""

    text: str
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """All examples, as the opinions want them.

    `rows` have `width` numbers, or where examples are fewer they are seen in a basis of as many.
    """

    sentences: Array
    rows: Array
    width: int
    texts: Sequence[Places]
    topics: Topics
    number: int


def fit(
    examples: Sequence[Example],
    encoded: Iterable[Encoded],
    *,
    encoder: str,
    outside: Iterable[Encoded] = (),
    tuning: Sequence[tuple[Example, Encoded]] = (),
    false_refusals: float = 0.05,
) -> ScopeHead:
    """`encoded` has each example's reading, in order; it is read once.  `outside` are readings of questions that the
    assistant is not for.  `encoder` is the identity of the model that made them.

    `tuning` are more questions that it is for, best of all real ones: no example, only to see how strange they look.
    From `_ENOUGH_TUNING` on they take the place of cross-validation.

    Raises `ConfigError` without examples, and for one that has no words.
    """
    if not examples:
        raise ConfigError("a scope needs at least one example")
    pools = np.array([pooled(each) for each in encoded], np.float32)
    if len(pools) != len(examples):
        raise ConfigError(f"{len(examples)} examples have {len(pools)} readings")
    for number, row in enumerate(pools, 1):
        if not row[0].any():
            raise ConfigError(f"example {number} has no word that the encoder knows")
    names = sorted({each.topic for each in examples}, key=lambda name: (name is not None, name or ""))
    topics = np.array([names.index(each.topic) for each in examples], np.int64)
    middle = pools.mean(axis=0)
    rows = joined(pools, middle)
    width = rows.shape[1]
    basis = np.linalg.qr(rows.T)[0] if len(rows) < width else None
    texts = [runs(each.text) for each in examples]
    own = _Rows(pools[:, 0], rows if basis is None else rows @ basis, width, texts, topics, len(names))
    weights = _weights(len(examples), len(names))
    beyond = outside_of(outside)
    held_out = _held_out(own, weights)
    strange = held_out.scores.max(axis=1)
    if beyond is not None:
        strange = strange - np.float32(weights.outside) * beyond.scores(own.sentences[held_out.rows])[:, 0]
    opinions = _opinions(own, np.arange(len(examples)))
    head = ScopeHead(
        encoder=encoder,
        topics=tuple(names),
        middle=middle,
        nearest=opinions.nearest,
        directions=_from(basis, opinions.directions),
        wording=None if opinions.wording is None else Wording(opinions.wording.weights, held_out.word_scale),
        outside=beyond,
        weights=weights,
        levels=levels(strange),
        sharpness=sharpness(held_out.scores, topics[held_out.rows]),
        cut=cut_of(false_refusals, len(strange)),
    )
    return tuned(head, tuning, also=strange, false_refusals=false_refusals) if tuning else head


def outside_of(readings: Iterable[Encoded]) -> Nearest | None:
    """What a head compares a question with that may be outside; None without any."""
    sentences = np.array([each.sentence for each in readings], np.float32)
    return Nearest.fit(sentences, np.zeros(len(sentences), np.int64), most=_MOST_OUTSIDE) if len(sentences) else None


def tuned(
    head: ScopeHead,
    tuning: Sequence[tuple[Example, Encoded]],
    *,
    also: Array | None = None,
    false_refusals: float = 0.05,
) -> ScopeHead:
    """The head with its scale made by these questions; `also` are scores that count too where they are few."""
    found = np.array([head.scores(example.text, pooled(each)) for example, each in tuning], np.float32)
    apart = np.array([head.strangeness(each.sentence) for _, each in tuning], np.float32)
    seen = found.max(axis=1) - apart
    if len(seen) < _ENOUGH_TUNING and also is not None:
        seen = np.concatenate([seen, also])
    return replace(head, levels=levels(seen), cut=cut_of(false_refusals, len(seen)))


def cut_of(false_refusals: float, number: int) -> float:
    """The share below which a question is outside, such that nine times in ten the true share is not above the stated.

    `number` scores leave that much in doubt.  With few it would be all: no more than a fifth is taken off.
    """
    doubt = float(np.sqrt(false_refusals * (1.0 - false_refusals) / max(number, 1)))
    return max(false_refusals - _CERTAINTY * doubt, _LEAST_CUT * false_refusals)


@dataclass(frozen=True, slots=True)
class _Opinions:
    nearest: Nearest
    directions: Directions | None
    wording: Wording | None


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """The scores of the examples `rows` for each topic, by heads that had not seen them."""

    rows: NDArray[np.int64]
    scores: Array
    word_scale: float


def _weights(examples: int, topics: int) -> Weights:
    """What topics are like inside is only seen with several examples of each: till then the nearest ones speak."""
    if topics == 1:
        return Weights(0.0, 0.0, _OUTSIDE_WEIGHT)
    known = (examples / topics - 1.0) / (examples / topics - 1.0 + _KNOWN_EXAMPLES)
    return Weights(known, known * _WORDING_WEIGHT, _OUTSIDE_WEIGHT)


def _opinions(own: _Rows, chosen: NDArray[np.int64], gram: NDArray[np.float64] | None = None) -> _Opinions:
    topics = own.topics[chosen]
    most = max(_MOST_KEPT // own.number, _LEAST_KEPT_A_TOPIC)
    nearest = Nearest.fit(own.sentences[chosen], topics, most=most)
    if own.number == 1:
        return _Opinions(nearest, None, None)
    rows = own.rows[chosen]
    sums = sums_by(rows, topics, own.number).astype(np.float64)
    counts = np.bincount(topics, minlength=own.number)
    directions = Directions.fit(sums, counts, _gram(rows) if gram is None else gram, width=own.width)
    return _Opinions(nearest, directions, Wording.fit([own.texts[int(at)] for at in chosen], topics))


def _from(basis: Array | None, directions: Directions | None) -> Directions | None:
    return directions if basis is None or directions is None else directions.seen_from(basis)


def _gram(rows: Array) -> NDArray[np.float64]:
    return (rows.T @ rows).astype(np.float64)


def _held_out(own: _Rows, weights: Weights) -> _HeldOut:
    fold = _folds(own)
    number = int(fold.max()) + 1
    parts = [np.flatnonzero(fold == each) for each in range(number)]
    if not any(len(part) for part in parts):
        return _HeldOut(np.zeros(0, np.int64), np.zeros((0, own.number), np.float32), 1.0)
    grams = [_gram(own.rows[part]) for part in parts] if own.number > 1 else []
    whole = _gram(own.rows) if own.number > 1 else None
    found: list[tuple[Array, Array, Array]] = []
    for at, part in enumerate(parts):
        gram = None if whole is None else whole - grams[at]
        opinions = _opinions(own, np.flatnonzero(fold != at), gram)
        near = opinions.nearest.scores(own.sentences[part])
        none = np.zeros_like(near)
        found.append(
            (
                near,
                none if opinions.directions is None else opinions.directions.scores(own.rows[part]),
                none if opinions.wording is None else opinions.wording.scores([own.texts[int(row)] for row in part]),
            )
        )
    near, far, words = (np.concatenate([each[kind] for each in found]) for kind in range(3))
    scale = 1.0 / float(words.std()) if words.any() else 1.0
    scores = near + weights.directions * far + weights.wording * scale * words
    scores = (scores / (1.0 + weights.directions + weights.wording)).astype(np.float32)
    return _HeldOut(np.concatenate(parts), scores, scale)


def _folds(own: _Rows) -> NDArray[np.int64]:
    """The fold of each example, -1 where its topic would be left without any; topics are dealt out evenly.

    Examples that nearly say the same lie in one fold: users will not repeat an example with one word changed.
    """
    most = _FOLDS_OF_FEW if len(own.topics) <= _FEW else _FOLDS
    chance = np.random.default_rng(0)
    fold = np.full(len(own.topics), -1, np.int64)
    at = 0
    for topic in range(own.number):
        rows = chance.permutation(np.flatnonzero(own.topics == topic))
        alike = _alike(own.sentences[rows])
        groups = int(alike.max()) + 1
        if groups > 1:
            fold[rows] = (alike + at) % most
            at += groups
    return fold


def _alike(sentences: Array) -> NDArray[np.int64]:
    """The number of each row's group, such that rows nearer than `_ALIKE` are of one."""
    near = sentences @ sentences.T > _ALIKE
    group = np.full(len(sentences), -1, np.int64)
    number = 0
    for begin in range(len(sentences)):
        if group[begin] >= 0:
            continue
        reached = np.zeros(len(sentences), bool)
        reached[begin] = True
        grown = near[begin].copy()
        while (grown & ~reached).any():
            reached |= grown
            grown = near[reached].any(axis=0)
        group[reached | grown] = number
        number += 1
    return group
