"""What is measured of the scope head: one function for each table of docs/guards/scope.md."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.scope.readings import Questions
from penstock.guard.scope.calibrate import levels
from penstock.guard.scope.features import pooled
from penstock.guard.scope.fit import cut_of, fit, outside_of
from penstock.guard.scope.head import ScopeHead, ScopeVerdict

FALSE_REFUSALS: Final = (0.02, 0.03, 0.05)
HALVINGS: Final = 20
DRAWS: Final = 4
_JUDGED: Final = 300


@dataclass(frozen=True, slots=True)
class Kept:
    """`right` is the share of questions inside with the right topic, refused or not; `answered` of those let through
    with it; `refused` the share inside that was refused, `found` the share outside that was.
    """

    name: str
    stated: float
    right: float
    answered: float
    refused: float
    found: float
    found_low: float = 0.0


@dataclass(frozen=True, slots=True)
class Speed:
    fit_s: float
    judge_us: float
    kept_mb: float


@dataclass(frozen=True, slots=True)
class Few:
    """`near` is the share found of the set's other topics, `far` of CLINC150's questions out of scope."""

    set_name: str
    topics: int
    is_named: bool
    examples: int
    right: float
    refused: float
    most_refused: float
    near: float | None
    far: float


def judged(head: ScopeHead, questions: Questions) -> list[ScopeVerdict]:
    return [head.judge(text, each) for text, each in zip(questions.texts, questions.readings, strict=True)]


def full(sets: dict[str, Questions]) -> tuple[list[Kept], Speed]:
    """Fitted on CLINC150's train; its scale by cross-validation, or by one half of val with the other half judged."""
    train, val = sets["clinc_train"], sets["clinc_val"]
    outside = _both(sets["clinc_oos_train"], sets["clinc_oos_val"])
    began = time.process_time()
    head = fit(train.examples(), train.readings, encoder="")
    fit_s = time.process_time() - began
    inside, strange = _Raw.of(head, val), _Raw.of(head, outside)
    number = len(train)
    found = [
        _kept("train alone, by cross-validation", share, inside, strange, scale=head.levels, cut=cut_of(share, number))
        for share in FALSE_REFUSALS
    ]
    found += [_halvings("one half of val, reported on the other", share, inside, strange) for share in FALSE_REFUSALS]
    for name, other in (("clinc_oos_train", "clinc_oos_val"), ("clinc_oos_val", "clinc_oos_train")):
        told = replace(head, outside=outside_of(sets[name].readings))
        part = f"the same, told 100 of the questions outside ({name.rsplit('_')[-1]})"
        found.append(_halvings(part, 0.05, _Raw.of(told, val), _Raw.of(told, sets[other])))
    return found, Speed(fit_s, _judge_us(head, val), len(head.to_bytes()) / 1e6)


def few(sets: dict[str, Questions]) -> list[Few]:
    """Assistants of some topics with some examples of each, drawn from the train part and judged on the other."""
    outside = _both(sets["clinc_oos_train"], sets["clinc_oos_val"])
    found: list[Few] = []
    for set_name, train, test in (
        ("CLINC150", "clinc_train", "clinc_val"),
        ("BANKING77", "banking_train", "banking_test"),
    ):
        most = len(set(sets[train].topics))
        for topics, is_named in ((most, True), (15, True), (15, False), (3, True), (1, True)):
            for examples in (1, 5, 20, 100):
                if not is_named and examples == 100:
                    continue
                seeds = range(1 if topics > 20 else DRAWS)
                runs = [
                    _drawn(
                        sets[train],
                        sets[test],
                        outside,
                        topics=topics,
                        examples=examples,
                        seed=seed,
                        named=is_named,
                    )
                    for seed in seeds
                ]
                near = [run[2] for run in runs if run[2] is not None]
                found.append(
                    Few(
                        set_name,
                        topics,
                        is_named,
                        examples,
                        right=float(np.mean([run[0] for run in runs])),
                        refused=float(np.mean([run[1] for run in runs])),
                        most_refused=float(np.max([run[1] for run in runs])),
                        near=float(np.mean(near)) if near else None,
                        far=float(np.mean([run[3] for run in runs])),
                    )
                )
    return found


def _drawn(
    train: Questions, test: Questions, outside: Questions, *, topics: int, examples: int, seed: int, named: bool
) -> tuple[float, float, float | None, float]:
    """Right topics, refused, found of other topics, found of what is out of scope."""
    chance = np.random.default_rng(seed)
    chosen = {str(each) for each in chance.permutation(sorted(set(train.topics)))[:topics]}
    rows: list[int] = []
    for topic in sorted(chosen):
        of_topic = [row for row, each in enumerate(train.topics) if each == topic]
        rows += chance.permutation(of_topic)[:examples].tolist()
    own = train.some(rows)
    head = fit(own.examples(named=named), own.readings, encoder="")
    inside = test.some(
        chance.permutation([row for row, each in enumerate(test.topics) if each in chosen])[:_JUDGED].tolist()
    )
    others = [row for row, each in enumerate(test.topics) if each not in chosen]
    near = test.some(chance.permutation(others)[:_JUDGED].tolist()) if others else None
    verdicts = judged(head, inside)
    return (
        float(np.mean([each.topic == topic for each, topic in zip(verdicts, inside.topics, strict=True)])),
        _refused(verdicts),
        None if near is None else _refused(judged(head, near)),
        _refused(judged(head, outside)),
    )


def _refused(verdicts: Sequence[ScopeVerdict]) -> float:
    return float(np.mean([not each.is_inside for each in verdicts]))


@dataclass(frozen=True, slots=True)
class _Raw:
    """What a head says before it is read on a scale: once for all scales."""

    scores: NDArray[np.float32]
    is_right: NDArray[np.bool_]

    @classmethod
    def of(cls, head: ScopeHead, questions: Questions) -> "_Raw":
        found = [
            head.scores(text, pooled(each)) for text, each in zip(questions.texts, questions.readings, strict=True)
        ]
        apart = np.array([head.strangeness(each.sentence) for each in questions.readings], np.float32)
        topics = [head.topics[int(np.argmax(each))] for each in found]
        right = np.array([each == topic for each, topic in zip(topics, questions.topics, strict=True)])
        return cls(np.array([each.max() for each in found], np.float32) - apart, right)


def _halvings(name: str, share: float, inside: _Raw, outside: _Raw) -> Kept:
    """The scale by one half of the questions inside, reported on the other; means of many halvings."""
    runs: list[Kept] = []
    for seed in range(HALVINGS):
        order = np.random.default_rng(seed).permutation(len(inside.scores))
        known, rest = np.split(order, [len(order) // 2])
        scale = levels(inside.scores[known])
        reported = _Raw(inside.scores[rest], inside.is_right[rest])
        runs.append(_kept("", share, reported, outside, scale=scale, cut=cut_of(share, len(known))))
    return Kept(
        name,
        share,
        right=float(np.mean([each.right for each in runs])),
        answered=float(np.mean([each.answered for each in runs])),
        refused=float(np.mean([each.refused for each in runs])),
        found=float(np.mean([each.found for each in runs])),
        found_low=float(np.min([each.found for each in runs])),
    )


def _kept(name: str, share: float, inside: _Raw, outside: _Raw, *, scale: NDArray[np.float32], cut: float) -> Kept:
    own, strange = _read(inside.scores, scale), _read(outside.scores, scale)
    return Kept(
        name,
        share,
        right=float(inside.is_right.mean()),
        answered=float((inside.is_right & (own >= cut)).mean()),
        refused=float((own < cut).mean()),
        found=float((strange < cut).mean()),
    )


def _read(scores: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.interp(scores, scale, np.linspace(0.0, 1.0, len(scale)))


def _both(one: Questions, other: Questions) -> Questions:
    return Questions(one.texts + other.texts, one.topics + other.topics, one.readings + other.readings)


def _judge_us(head: ScopeHead, questions: Questions) -> float:
    """CPU time of one verdict, the encoder's pass left out; the median."""
    taken: list[int] = []
    for text, reading in zip(questions.texts[:500], questions.readings, strict=False):
        begin = time.thread_time_ns()
        head.judge(text, reading)
        taken.append(time.thread_time_ns() - begin)
    return float(np.median(taken)) / 1000.0
