"""How good what was found is: names exactly right, and probabilities that mean what they say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.model import Encoded
from penstock.guard.personal.names.network import KINDS, Network
from penstock.guard.personal.names.recogniser import MOST_ODDS, Name, names_in
from penstock.guard.personal.names.surface import Surface, read
from penstock.guard.personal.names.written import words_of
from training.names.sets import LABELLED, Text

THREE = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})


@dataclass(frozen=True, slots=True)
class Score:
    right: int
    found: int
    labelled: int

    @property
    def precision(self) -> float:
        return self.right / max(self.found, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.labelled, 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(self.found + self.labelled, 1)


def labelled_in(surface: Surface, text: Text) -> set[tuple[int, int, str]]:
    """The labelled names as first and last word."""
    found: set[tuple[int, int, str]] = set()
    for span in text.spans:
        words = np.flatnonzero((surface.begins < span.end) & (surface.ends > span.begin))
        if len(words):
            found.add((int(words[0]), int(words[-1]), span.kind))
    return found


Judged = tuple[Surface, Text, Sequence[Name]]


def judged(network: Network, texts: Sequence[Text], encoded: Sequence[Encoded]) -> list[Judged]:
    """The names found in each text that has words."""
    found: list[Judged] = []
    for text, read_text in zip(texts, encoded, strict=True):
        surface = read(text.text)
        if surface is not None:
            words = words_of(text.text)
            reading = network.read(words, read_text.tokens, read_text.spans)
            found.append((surface, text, list(names_in(reading, words, network.transitions))))
    return found


def exact(texts: Iterable[Judged], kinds: frozenset[str] = THREE, *, typed: bool = True) -> Score:
    """Names count where their words are exactly those labelled, and, if `typed`, their kind as well."""
    right = found = labelled = 0
    for surface, text, names in texts:
        gold = {
            (first, last, kind if typed else "") for first, last, kind in labelled_in(surface, text) if kind in kinds
        }
        own = {
            (each.first, each.last, KINDS[each.kind] if typed else "") for each in names if KINDS[each.kind] in kinds
        }
        right, found, labelled = right + len(gold & own), found + len(own), labelled + len(gold)
    return Score(right, found, labelled)


def calibration(texts: Iterable[Judged]) -> NDArray[np.float64]:
    """For each kind slope and offset of the log-odds (Platt 1999), so that a score is how often such a name is right:
    of its kind, and at least partly where one is labelled.  A set that does not label a kind says nothing of it.
    """
    rows: list[list[tuple[float, bool]]] = [[] for _ in KINDS]
    for surface, text, names in texts:
        gold = labelled_in(surface, text)
        for name in names:
            if KINDS[name.kind] not in LABELLED[text.origin]:
                continue
            is_right = any(
                kind == KINDS[name.kind] and first <= name.last and last >= name.first for first, last, kind in gold
            )
            rows[name.kind].append((max(-MOST_ODDS, min(MOST_ODDS, name.odds)), is_right))
    return np.array([_platt(np.array(each, float)) for each in rows])


def _platt(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """By Newton's method, with a weak pull towards leaving the score as it is."""
    best: NDArray[np.float64] = np.array([1.0, 0.0])
    if len(rows) < 20:
        return best
    inputs = np.stack([rows[:, 0], np.ones(len(rows))], axis=1)
    for _ in range(100):
        odds = 1 / (1 + np.exp(-np.clip(inputs @ best, -50, 50)))
        slope: NDArray[np.float64] = inputs.T @ (odds - rows[:, 1]) + (best - np.array([1.0, 0.0]))
        curve = (inputs * (odds * (1 - odds))[:, None]).T @ inputs + np.eye(2)
        step: NDArray[np.float64] = np.linalg.solve(curve, slope).astype(np.float64)
        best = best - step * min(1.0, 0.5 / float(np.abs(step).max() + 1e-12))
    return best
