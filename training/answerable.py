"""`python -m training.answerable [--write]`: fits `knowledge/index/answerable.json`, and says how often it errs.

Fitted on the training claims of SciFact and one half of the handbook's pages; measured on all others.  A question that
has no answer is one whose right documents are taken away from what was found.
"""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import psycopg
from evaluation.retrieval.enterprise import enterprise
from evaluation.retrieval.loaded import Loaded, fresh_database, load
from evaluation.retrieval.memo import Memo
from evaluation.retrieval.sets import Question, code, handbook, scifact
from numpy.typing import NDArray

import penstock.knowledge.index.search as searching
from penstock.config.texts.encoder import EncoderSettings
from penstock.encoder.load import load_model
from penstock.knowledge.index.answerable import Weights, features
from penstock.knowledge.index.bases import document_id
from penstock.knowledge.index.fusion import Candidate, fused

Floats = NDArray[np.float64]

_K: Final = 8
_MORE: Final = 40
"""Asked for in place of k, so that there is something left where the right ones are taken away."""
_SHRINK: Final = 0.01
_PLACE: Final = Path(__file__).parents[1] / "src" / "penstock" / "knowledge" / "index" / "answerable.json"
_AT: Final = (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True, slots=True)
class Examples:
    """A row for each; `has_answer` is 1 or 0."""

    rows: Floats
    has_answer: Floats


def main() -> int:
    parser = argparse.ArgumentParser(prog="training.answerable")
    parser.add_argument("--write", action="store_true")
    is_written = parser.parse_args().write
    memo = Memo(load_model(EncoderSettings(), beside=Path()))
    fitting: list[Examples] = []
    left: dict[str, Examples] = {}
    with fresh_database() as url, psycopg.connect(url, autocommit=True) as connection:
        for make in (scifact, handbook, code, partial(enterprise, "md"), partial(enterprise, "pdf")):
            of = make()
            loaded = load(connection, of, memo)
            left[of.name] = _examples(loaded, of.questions)
            if of.fitting:
                fitting.append(_examples(loaded, of.fitting))
    weights = _fit(
        Examples(np.concatenate([each.rows for each in fitting]), np.concatenate([each.has_answer for each in fitting]))
    )
    if is_written:
        _PLACE.write_bytes(msgspec.json.format(msgspec.json.encode(weights)) + b"\n")
    _report(weights, left)
    return 0


def _examples(loaded: Loaded, questions: list[Question]) -> Examples:
    rows: list[tuple[float, ...]] = []
    has: list[float] = []
    for question in questions:
        every = _candidates(loaded, question)
        right = {each.partition("#")[0] for each in question.right}
        for found, wanted in (
            (_most(every), 1.0),
            (_most([each for each in every if _key(loaded, each) not in right]), 0.0),
        ):
            best = fused(found, now=0.0, half_life_s=None)
            shown = {_key(loaded, each) for each in best[:_K]}
            if not best or (wanted and not shown & right):
                continue  # it was not found, and so there is no answer in what was found either
            rows.append(features(found))
            has.append(wanted)
    return Examples(np.array(rows), np.array(has))


def _candidates(loaded: Loaded, question: Question) -> list[Candidate]:
    """What a search has before it chooses."""
    kept: list[Candidate] = []
    choose = searching.fused

    def keep(found: list[Candidate], **more: object) -> list[Candidate]:
        kept.extend(found)
        return choose(found, **more)  # type: ignore[reportArgumentType] # handed through

    searching.fused = keep  # type: ignore[reportAttributeAccessIssue] # looked at, and put back
    try:
        loaded.search(question, k=_MORE)
    finally:
        searching.fused = choose
    return kept


def _most(found: list[Candidate], most: int = 30) -> list[Candidate]:
    """As many by each half as a search for a few passages looks at."""
    near = sorted(found, key=lambda each: -each.cosine)[:most]
    worded = sorted((each for each in found if each.lexical), key=lambda each: -each.lexical)[:most]
    return list({each.chunk: each for each in (*near, *worded)}.values())


def _key(loaded: Loaded, each: Candidate) -> str:
    return loaded.names[document_id(each.chunk >> 20)]


def _fit(of: Examples) -> Weights:
    """Newton's method, with a little shrinkage."""
    means, deviations = of.rows.mean(axis=0), of.rows.std(axis=0)
    rows = np.column_stack([(of.rows - means) / deviations, np.ones(len(of.rows))])
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rows @ weights))
        slope = (rows * (chance * (1 - chance))[:, None]).T @ rows / len(rows) + _SHRINK * np.eye(len(weights))
        weights -= np.linalg.solve(slope, rows.T @ (chance - of.has_answer) / len(rows) + _SHRINK * weights)
    rounded = [round(float(each), 4) for each in weights]
    return Weights(
        means=tuple(round(float(each), 4) for each in means),
        deviations=tuple(round(float(each), 4) for each in deviations),
        weights=tuple(rounded[:-1]),
        bias=rounded[-1],
    )


def _report(weights: Weights, left: dict[str, Examples]) -> None:
    heads = " | ".join(f"{at}: lost / let through" for at in _AT)
    sys.stdout.write(
        f"| set | with an answer | without | AUC of nearness | AUC | {heads} |\n|---|{'--:|' * (4 + len(_AT))}\n"
    )
    for name, of in left.items():
        scaled = (of.rows - np.array(weights.means)) / np.array(weights.deviations)
        chance = 1 / (1 + np.exp(-(scaled @ np.array(weights.weights) + weights.bias)))
        has = of.has_answer == 1
        errors = " | ".join(
            f"{100 * (chance[has] < at).mean():.0f} % / {100 * (chance[~has] >= at).mean():.0f} %" for at in _AT
        )
        areas = f"{_area(of.rows[:, 0], has):.2f} | {_area(chance, has):.2f}"
        sys.stdout.write(f"| {name} | {has.sum()} | {(~has).sum()} | {areas} | {errors} |\n")


def _area(scores: Floats, has: NDArray[np.bool_]) -> float:
    """Under the ROC curve: how often one with an answer has more than one without."""
    one, other = scores[has][:, None], scores[~has][None, :]
    return float(((one > other) + 0.5 * (one == other)).mean())


if __name__ == "__main__":
    raise SystemExit(main())
