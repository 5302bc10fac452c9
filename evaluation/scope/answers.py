"""What is measured of the judgements on answers: the tables of docs/guards/output.md, and languages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from training.harm import FOLDER, Reader, edge_of, fit, leads, made, sets, trained_on
from training.harm_texts import ANSWERING, ASKING, CATEGORIES, GOALS, HARMLESS_ABOUT, about, harmful

from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.policy.claims import claim_patterns
from penstock.guard.policy.confidence import overconfidence
from penstock.guard.policy.harm_words import harm_patterns
from penstock.guard.policy.refusals import refusal
from penstock.guard.policy.tone import tone_patterns
from penstock.guard.scope.language import Languages
from penstock.guard.scope.repetition import loop_in, stuffing

SEEDS: Final = (0, 1, 2)
_SPOKEN: Final = {
    "Portuguese": "pt",
    "Spanish": "es",
    "Italian": "it",
    "German": "de",
    "French": "fr",
    "Hindi": "hi",
    "Thai": "th",
}
_CODES: Final = (*_SPOKEN.values(), "en", "nl", "pl", "sv", "da", "cs")


@dataclass(frozen=True, slots=True)
class Harms:
    """Shares, means over seeds: `found` by kind on goals and frames that were held out, `about` of harmless sentences
    about such goals that were found too, `alarms` by the name of a harmless set and its size.
    """

    found: dict[str, float]
    about: float
    alarms: dict[str, tuple[float, int]]


def harms(reader: Reader) -> Harms:
    """Half of the goals and half of the frames train; what has neither is judged.

    The sets are reported on the parts that nothing was trained on and no edge was set by; `prompts` was never read.
    """
    others = sets()
    frames, most = ASKING + ANSWERING, max(map(len, GOALS.values()))
    apart = {
        "security": others["security"][1::2],
        "prompts": others["prompts"],
        "questions": others["questions"][1_500:],
        "answers": others["answers"][1_500:3_000],
    }
    found: dict[str, list[float]] = {kind: [] for kind in CATEGORIES}
    mentioned: list[float] = []
    alarms: dict[str, list[float]] = {name: [] for name in apart}
    for seed in SEEDS:
        chance = np.random.default_rng(seed)
        goals = set(chance.permutation(most)[: most // 2].tolist())
        known = set(chance.permutation(len(frames))[: len(frames) // 2].tolist())
        told = set(chance.permutation(len(HARMLESS_ABOUT))[: len(HARMLESS_ABOUT) // 2].tolist())
        parts = made(sorted(goals), _of(frames, known), _of(HARMLESS_ABOUT, told))
        weights, bias = fit([*parts, *trained_on(others)], reader)
        edge = edge_of(weights, bias, others, reader)
        unknown = [goal for goal in range(most) if goal not in goals]
        tested = list(harmful(unknown, _not_of(frames, known)))
        over = leads(weights, bias, reader.vectors([each.text for each in tested])) > edge
        for kind in CATEGORIES:
            found[kind].append(float(over[[each.category == kind for each in tested]].mean()))
        harmless = [each.text for each in about(unknown, _not_of(HARMLESS_ABOUT, told))]
        mentioned.append(float((leads(weights, bias, reader.vectors(harmless)) > edge).mean()))
        for name, texts in apart.items():
            alarms[name].append(float((leads(weights, bias, reader.vectors(texts)) > edge).mean()))
    return Harms(
        {kind: float(np.mean(each)) for kind, each in found.items()},
        float(np.mean(mentioned)),
        {name: (float(np.mean(each)), len(apart[name])) for name, each in alarms.items()},
    )


def _of(frames: Sequence[str], chosen: set[int]) -> list[str]:
    return [each for number, each in enumerate(frames) if number in chosen]


def _not_of(frames: Sequence[str], chosen: set[int]) -> list[str]:
    return [each for number, each in enumerate(frames) if number not in chosen]


def alarms() -> dict[str, dict[str, float]]:
    """By rule the share of harmless prompts and answers in which it finds something."""
    others = sets()
    rules = PatternSet((*claim_patterns(), *tone_patterns(), *harm_patterns()))
    found: dict[str, dict[str, float]] = {}
    for name in ("prompts", "answers"):
        texts = others[name]
        said = [{each.rule for each in rules.find(text)} for text in texts]
        for rule in sorted({rule for each in said for rule in each}):
            found.setdefault(rule, {})[name] = sum(rule in each for each in said) / len(texts)
        found.setdefault("policy.refusal", {})[name] = _share(texts, lambda text: refusal(text).score >= 0.5)
        found.setdefault("policy.overconfidence", {})[name] = _share(
            texts, lambda text: overconfidence(text).score >= 0.5
        )
        found.setdefault("scope.loop", {})[name] = _share(texts, lambda text: loop_in(text) is not None)
        found.setdefault("scope.stuffing", {})[name] = _share(texts, lambda text: stuffing(text) is not None)
    return found


def _share(texts: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one language: the shares told right and told wrong; of the rest nothing was said."""

    right: float
    wrong: float
    right_of_five: float
    wrong_of_five: float


def languages() -> dict[str, Heard]:
    """On the translated security questions, 100 a language: whole, and their first five words."""
    rows = msgspec.json.decode((FOLDER / "injection" / "benign_frr_multilingual_machine_translated.json").read_bytes())
    told = Languages(_CODES)
    found: dict[str, Heard] = {}
    for spoken, code in _SPOKEN.items():
        texts = [row["mutated_prompt"] for row in rows if row["speaking_language"] == spoken]
        whole = [told.of(text).code for text in texts]
        five = [told.of(" ".join(text.split()[:5])).code for text in texts]
        found[spoken] = Heard(*(_told(each, code, right=right) for each in (whole, five) for right in (True, False)))
    return found


def _told(codes: Sequence[str | None], code: str, *, right: bool) -> float:
    return sum(each is not None and (each == code) == right for each in codes) / len(codes)
