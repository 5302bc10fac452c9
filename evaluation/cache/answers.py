"""Whether two answers are told apart as they should be: paraphrases agree, changed and other answers do not.

GPTCache's texts are statements, as answers are.  Those at even places were looked at to choose the threshold
(`checks.answers_agree`), those at odd places are what is reported.
"""

import random
import re
from typing import Final

import numpy as np

from evaluation.cache import sets
from evaluation.cache.memo import Memo
from evaluation.cache.twins.denials import negations
from penstock.cache.semantic.checks import answers_agree

_NUMBER: Final = re.compile(r"\b\d+\b")
_NAME: Final = re.compile(r"(?<=[a-z,] )[A-Z][A-Za-z]{3,}\b")

Case = tuple[str, str]


def cases(memo: Memo, *, half: int, seed: int) -> dict[str, list[Case]]:
    """Pairs of answers by kind: `paraphrase` says the same, all others do not.  `half` is 0 or 1."""
    pairs = sets.pairs()[half::2]
    chance = random.Random(seed)  # noqa: S311 - a simulation
    texts = list(dict.fromkeys(pair.origin for pair in pairs))
    names = sorted({name for text in texts for name in _NAME.findall(text)})
    found: dict[str, list[Case]] = {"paraphrase": [(pair.origin, pair.similar) for pair in pairs]}
    found["another number"] = [
        (text, _NUMBER.sub(lambda match: str(int(match.group()) + chance.randrange(1, 9)), text, count=1))
        for text in texts
        if _NUMBER.search(text)
    ]
    found["another name"] = [
        (text, _NAME.sub(chance.choice([name for name in names if name not in text]), text, count=1))
        for text in texts
        if _NAME.search(text)
    ]
    found["denied"] = [(twin.question, twin.twin) for twin in negations(texts, chance)]
    vectors = np.array([each.sentence for each in memo.encode(texts)])
    alike = vectors @ vectors.T - 2.0 * np.eye(len(texts), dtype=np.float32)
    found["the most similar other"] = [(text, texts[int(alike[at].argmax())]) for at, text in enumerate(texts)]
    return found


def agreeing(given: list[Case], memo: Memo) -> int:
    """How many agree."""
    texts = list(dict.fromkeys(text for case in given for text in case))
    vectors = dict(zip(texts, (each.sentence for each in memo.encode(texts)), strict=True))
    return sum(answers_agree(one, other, vectors=(vectors[one], vectors[other])) for one, other in given)
