"""Patterns and names together, on the synthetic set's held-out templates, all seventeen of its kinds.

Words count with kinds ignored, as in `patterns`.  Spans count with their kind: exactly, and as Presidio's own evaluator
counts them (spans of one kind that only blanks and marks divide are one; nine tenths of the letters in common suffice;
https://github.com/microsoft/presidio-research, `SpanEvaluator`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from training.names.encoded import Memo
from training.names.scores import Score

from evaluation.personal.names import likely
from evaluation.personal.patterns import Find, Tokens, by_token, label_of
from evaluation.personal.sets import Labelled, synthetic
from penstock.encoder.model import Encoded
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.masking import apart
from penstock.guard.personal.names.recogniser import Recogniser
from penstock.guard.personal.patterns.catalogue import catalogue

_Span = tuple[int, int, str]
_OVERLAP = 0.9


@dataclass(frozen=True, slots=True)
class Together:
    texts: int
    templates: int
    tokens: Tokens
    exact: Score
    joined: Score


def together(recogniser: Recogniser, memo: Memo) -> Together:
    texts = synthetic("held_out")
    every = [each.text for each in texts]
    find = _both(recogniser, dict(zip(every, memo.encode(every), strict=True)))
    return Together(
        len(texts),
        len({each.template for each in texts}),
        by_token(find, texts),
        _typed(find, texts, joined=False),
        _typed(find, texts, joined=True),
    )


def _both(recogniser: Recogniser, encoded: Mapping[str, Encoded]) -> Find:
    patterns = PatternSet(catalogue())
    return lambda text: apart([*patterns.find(text), *likely(recogniser.find(text, encoded[text]))])


def _typed(find: Find, texts: Sequence[Labelled], *, joined: bool) -> Score:
    right = found = labelled = 0
    for text in texts:
        gold = [(each.begin, each.end, each.kind) for each in text.spans]
        own = [(each.begin, each.end, _label(each.kind)) for each in find(text.text)]
        if joined:
            gold, own = _joined(gold, text.text), _joined(own, text.text)
        right += sum(any(_agree(each, other, joined=joined) for other in own) for each in gold)
        found, labelled = found + len(own), labelled + len(gold)
    return Score(right, found, labelled)


def _label(kind: str) -> str:
    return "GPE" if kind == "LOCATION" else label_of(kind)


def _agree(gold: _Span, own: _Span, *, joined: bool) -> bool:
    if not joined:
        return gold == own
    common = min(gold[1], own[1]) - max(gold[0], own[0])
    return gold[2] == own[2] and common >= _OVERLAP * (max(gold[1], own[1]) - min(gold[0], own[0]))


def _joined(spans: Iterable[_Span], text: str) -> list[_Span]:
    found: list[_Span] = []
    ordered = sorted(spans)
    apart_from_last = [True] + [
        last[2] != each[2] or re.fullmatch(r"[\W_]*", text[last[1] : each[0]]) is None
        for last, each in pairwise(ordered)
    ]
    for each, is_apart in zip(ordered, apart_from_last, strict=False):
        if is_apart:
            found.append(each)
        else:
            found[-1] = (found[-1][0], max(found[-1][1], each[1]), each[2])
    return found
