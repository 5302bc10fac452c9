"""From texts to examples: which texts there are, which of them are held out, and what the tagger is told of each."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from evaluation.personal.sets import split
from evaluation.personal.sets import synthetic as synthetic_texts
from numpy.typing import NDArray

from penstock.encoder.model import Encoded
from penstock.guard.personal.names.known import Known
from penstock.guard.personal.names.network import KINDS, mean_of
from penstock.guard.personal.names.surface import Surface, read
from training.names.fit import Example
from training.names.sets import Text, germeval, legal, synthetic, tweets
from training.names.texts import changed, filled, without_names

PARTS: Final = 5
HELD_OUT: Final = frozenset({1, 2})
"""The parts of five that nothing is learnt from until the figures are taken; 0 and 3 are what choices were made by."""
_TIMES_A_FRAME: Final = 20
_TIMES_CHANGED: Final = {"synthetic": 5, "germeval": 4, "tweets": 2, "legal": 1}
_QUESTIONS: Final = 600
_WEIGHTS: Final = {"frame": 0.5, "changed": 0.7, "cased": 0.4}


@dataclass(frozen=True, slots=True)
class Sample:
    """A text with the weight that it has, and the set it is of; `is_made` where it is not as its set has it."""

    text: Text
    weight: float
    is_made: bool


def part_of(text: Text) -> int:
    """One of `PARTS`, by the group's hash: a document's texts are in one."""
    digest = hashlib.blake2b(text.group.encode(), digest_size=4).digest()
    return int(digest.hex(), 16) % PARTS


def is_held_out(text: Text) -> bool:
    """Whether figures are taken on it: of the synthetic texts the templates that patterns are measured on as well.

    Frames are ours, and questions and code have no names: these are never held out.
    """
    if text.origin == "synthetic":
        develop, _ = split(tuple(synthetic_texts()))
        return text.group not in develop
    return text.origin in {"germeval", "tweets", "legal"} and part_of(text) in HELD_OUT


def samples(seed: int = 7) -> list[Sample]:
    """Everything there is to learn from, the same each time."""
    found = [Sample(text, _WEIGHTS["frame"], is_made=True) for text in filled(seed, _TIMES_A_FRAME)]
    for texts, german in ((synthetic(), False), (germeval(), True), (tweets(), False), (_legal(seed), True)):
        for text in texts:
            found.append(Sample(text, 1.0, is_made=False))
            for number in range(_TIMES_CHANGED[text.origin] if text.spans else 0):
                made = changed(text, seed + number, german=german)
                found.append(Sample(made, _WEIGHTS["changed"], is_made=True))
    found += [Sample(text, _WEIGHTS["changed"], is_made=True) for text in without_names(seed, _QUESTIONS)]
    return [each for each in found if each.text.text.strip()]


def _legal(seed: int) -> Iterator[Text]:
    """Every sentence with a name, and some of the many without."""
    chance = random.Random(seed)
    for text in legal():
        if text.spans or chance.random() < 0.25:
            yield text


def examples(samples: Sequence[Sample], encoded: Sequence[Encoded], known: Known, seed: int = 3) -> list[list[Example]]:
    """For each sample one example, and of some a second without capitals, all in capitals, or with one everywhere."""
    chance = random.Random(seed)
    found: list[list[Example]] = []
    for sample, read_text in zip(samples, encoded, strict=True):
        own: list[Example] = []
        plain = example(sample.text, sample.text.text, read_text, known, sample.weight)
        drawn = chance.random()
        cased = _cased(sample.text.text, chance)
        if plain is not None and not (sample.is_made and drawn < 0.12):
            own.append(plain)
        if plain is not None and drawn < (0.12 if sample.is_made else 0.2):
            other = example(sample.text, cased, read_text, known, _WEIGHTS["cased"])
            own += [other] if other is not None else []
        found.append(own)
    return found


def _cased(text: str, chance: random.Random) -> str:
    """Only as long as it was: positions stay what they are."""
    drawn = chance.random()
    made = text.lower() if drawn < 0.65 else text.upper() if drawn < 0.83 else text.title()
    return made if len(made) == len(text) else text


def example(text: Text, written: str, encoded: Encoded, known: Known, weight: float = 1.0) -> Example | None:
    surface = read(written)
    if surface is None:
        return None
    vectors = mean_of(surface.begins, surface.ends, encoded.tokens, encoded.spans).astype(np.float16)
    return Example(surface, vectors, known.hints(surface).astype(np.float16), labels_of(surface, text), weight)


def labels_of(surface: Surface, text: Text) -> NDArray[np.int64]:
    labels = np.zeros(len(surface.begins), np.int64)
    for span in text.spans:
        words = np.flatnonzero((surface.begins < span.end) & (surface.ends > span.begin))
        if len(words):
            labels[words] = 2 + 2 * KINDS.index(span.kind)
            labels[words[0]] -= 1
    return labels
