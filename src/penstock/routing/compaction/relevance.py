"""How much each piece of a conversation has to do with a question.

Answers stand in passages, not in single lines: what surrounds a line says more about it than the line itself.  So
every piece is judged by what stands around it, weighed down by distance with a half-life of some 800 tokens:

* by words: for each word of the question the density of its occurrences around the piece, saturated and weighed by how
  rare it is, as BM25 does it for documents (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
  What is named is then talked about: an occurrence counts twice as far for what comes after it as for what came before;
* by meaning: the cosine of the question's telling words with the mean of the passages around the piece, where they were
  read.

Both are standardised over the pieces and added; recency, numbers and names decide between equals.  Time is linear in
the number of pieces.  The constants were chosen on half of a public set (docs/compaction.md).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from penstock.routing.compaction.words import compared, spelled

Floats: TypeAlias = NDArray[np.float64]

WORD_REACH: Final = 1_200.0
"""Tokens after a word over which its weight falls to 1/e."""
WORD_REACH_BACK: Final = 600.0
"""The same before a word."""
MEANING_REACH: Final = 1_200.0
SATURATION: Final = 4.0
MEANING_WEIGHT: Final = 1.0
RECENCY_WEIGHT: Final = 0.05
DETAIL_WEIGHT: Final = 0.03
_DETAIL: Final = re.compile(r"[0-9]+|[A-Z](?<=[a-z,;] [A-Z])[a-z]+")
_MOST_DETAILS: Final = 3
_LEAST_SPREAD: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring pieces that were read at once: those from `begin` to before `end`.  `vector` has unit length."""

    begin: int
    end: int
    vector: NDArray[np.float32]


def by_words(texts: Sequence[str], tokens: Floats, terms: Mapping[str, float]) -> Floats:
    """A score for each text.  `terms` are the question's words with their weights."""
    if not terms or not texts:
        return np.zeros(len(texts))
    counts = _counted(texts, {name: at for at, name in enumerate(terms)})
    holding = (counts > 0).sum(axis=0)
    rarity = np.log1p((len(texts) - holding + 0.5) / (holding + 0.5)) * (holding > 0)
    density = _spread(counts, np.cumsum(tokens) - tokens / 2, back=WORD_REACH_BACK, reach=WORD_REACH)
    weights = np.array(list(terms.values()))
    return (density / (density + SATURATION)) @ (rarity * weights)


def _counted(texts: Sequence[str], columns: Mapping[str, int]) -> Floats:
    """How often each text has each term; each spelling is looked at once."""
    counts = np.zeros((len(texts), len(columns)))
    seen: set[str] = set()
    wanted: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        words = spelled(text)
        new = set(words) - seen
        seen |= new
        for word in new:
            if found := [columns[form] for form in compared(word) if form in columns]:
                wanted[word] = found
        for word in filter(wanted.__contains__, words):
            for column in wanted[word]:
                counts[at, column] += 1
    return counts


def by_meaning(passages: Sequence[Passage], tokens: Floats, question: NDArray[np.float32]) -> Floats:
    """A score for each piece; NaN for those that no passage holds."""
    scores = np.full(len(tokens), np.nan)
    if not passages:
        return scores
    sizes = np.array([tokens[each.begin : each.end].sum() for each in passages])
    ends = np.cumsum(tokens)
    places = np.array([(ends[each.begin] - tokens[each.begin] + ends[each.end - 1]) / 2 for each in passages])
    vectors = np.array([each.vector for each in passages], np.float64) * sizes[:, None]
    smooth = _spread(vectors, places, back=MEANING_REACH, reach=MEANING_REACH)
    norms = np.maximum(np.linalg.norm(smooth, axis=1), _LEAST_SPREAD)
    for each, score in zip(passages, smooth @ question.astype(np.float64) / norms, strict=True):
        scores[each.begin : each.end] = score
    return scores


def joined(words: Floats, meaning: Floats, texts: Sequence[str]) -> Floats:
    """One score out of both, with what decides between equals."""
    scores = _standardised(words)
    known = ~np.isnan(meaning)
    if known.sum() > 1:
        scores[known] += MEANING_WEIGHT * _standardised(meaning[known])
    scores += RECENCY_WEIGHT * np.linspace(0.0, 1.0, len(texts))
    details = np.array([min(_MOST_DETAILS, len(_DETAIL.findall(text))) for text in texts], np.float64)
    return scores + DETAIL_WEIGHT * details / _MOST_DETAILS


def _spread(values: Floats, places: Floats, *, back: float, reach: float) -> Floats:
    """For each row the sum of all rows, weighed by exp(-distance / `reach`) those before it, by `back` those after.

    Two passes, not all pairs.
    """
    distances = np.diff(places)
    before = values.copy()
    for at, fade in enumerate(np.exp(-distances / reach).tolist()):
        before[at + 1] += before[at] * fade
    after = values.copy()
    fades = np.exp(-distances / back).tolist()
    for at in range(len(fades) - 1, -1, -1):
        after[at] += after[at + 1] * fades[at]
    return before + after - values


def _standardised(values: Floats) -> Floats:
    spread = float(values.std()) if len(values) else 0.0
    return (values - values.mean()) / spread if spread > _LEAST_SPREAD else np.zeros(len(values))
