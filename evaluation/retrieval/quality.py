"""How good what is found is: each set searched through the database, beside its two halves alone."""

from dataclasses import dataclass
from math import log2
from statistics import mean
from typing import Final

import psycopg

from evaluation.retrieval.loaded import by_half, load
from evaluation.retrieval.memo import Memo
from evaluation.retrieval.sets import Question, RetrievalSet

_K: Final = 40
_ALL: Final = 200
AT: Final = (5, 10, 20)


@dataclass(frozen=True, slots=True)
class Quality:
    """`recall` at each of `AT`; of a set of chunks this is what is called Pass@k there."""

    of: str
    way: str
    questions: int
    ndcg: float
    recall: tuple[float, ...]


def measure(connection: psycopg.Connection, of: RetrievalSet, memo: Memo) -> list[Quality]:
    """Fused, and each half alone; the set's questions, and those that were fitted on where it has such."""
    loaded = load(connection, of, memo)
    rows: list[Quality] = []
    for part, questions in (("", of.questions), (" (fitted on)", of.fitting)):
        if not questions:
            continue
        ways: dict[str, list[list[str]]] = {"BM25": [], "vectors": [], "hybrid": []}
        for question in questions:
            every = loaded.search(question, k=_ALL)
            ways["BM25"].append(loaded.keys(by_half(every, "lexical")))
            ways["vectors"].append(loaded.keys(by_half(every, "cosine")))
            ways["hybrid"].append(loaded.keys(loaded.search(question, k=_K)))
        rows += [_quality(of.name + part, way, questions, found) for way, found in ways.items()]
    return rows


def _quality(of: str, way: str, questions: list[Question], found: list[list[str]]) -> Quality:
    pairs = list(zip(questions, found, strict=True))
    return Quality(
        of,
        way,
        len(questions),
        mean(_ndcg(keys, question.right) for question, keys in pairs),
        tuple(mean(len(question.right & set(keys[:k])) / len(question.right) for question, keys in pairs) for k in AT),
    )


def _ndcg(keys: list[str], right: frozenset[str], k: int = 10) -> float:
    gained = sum(1 / log2(at + 2) for at, key in enumerate(keys[:k]) if key in right)
    return gained / sum(1 / log2(at + 2) for at in range(min(k, len(right))))
