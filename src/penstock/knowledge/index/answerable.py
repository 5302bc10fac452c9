"""How likely it is that what was found holds the answer: one number of how the best stand out from the rest.

What a question is about is found nearly always, whether or not its answer is there: so the best cosine tells little.
Where a document answers it, that one stands above the others.  Measured in docs/knowledge/retrieval.md, what it was
fitted on is in answerable.md.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import exp
from statistics import mean
from typing import Final

import msgspec

from penstock.knowledge.index.fusion import Candidate, relevance

_BESIDE: Final = 5
_ORDINAL_BITS: Final = 20


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Of a logistic regression over `features`, each less its mean and in units of its deviation."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float


def features(found: Sequence[Candidate]) -> tuple[float, ...]:
    """The best cosine, the best share of BM25, the best of both, and by how much its document leads the next five.

    `found` is not empty.  Age counts for nothing here.
    """
    of_document: dict[int, float] = {}
    for each in found:
        document, score = each.chunk >> _ORDINAL_BITS, relevance(each)
        of_document[document] = max(score, of_document.get(document, score))
    first, *rest = sorted(of_document.values(), reverse=True)
    lead = first - mean(rest[:_BESIDE]) if rest else first
    return max(each.cosine for each in found), max(each.lexical for each in found), first, lead


def chance(found: Sequence[Candidate]) -> float:
    """Between 0 and 1, as if every second question had an answer among the documents that the asker may read."""
    if not found:
        return 0.0
    fitted = _weights()
    terms = zip(features(found), fitted.means, fitted.deviations, fitted.weights, strict=True)
    logit = fitted.bias + sum(weight * (value - mean_) / deviation for value, mean_, deviation, weight in terms)
    return 1.0 / (1.0 + exp(-max(-40.0, min(40.0, logit))))


@cache
def _weights() -> Weights:
    return msgspec.json.decode(files("penstock.knowledge.index").joinpath("answerable.json").read_bytes(), type=Weights)
