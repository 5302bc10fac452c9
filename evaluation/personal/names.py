"""The recogniser of names on texts that it did not learn from, in English and German, and against the clock.

What is measured is the one of the two that was fitted without the held-out texts (`python -m training.names` keeps it);
the one that is shipped was fitted the same way on these as well, so that figures of it would say nothing.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from training.names.encoded import Memo
from training.names.examples import is_held_out
from training.names.scores import THREE, Judged, Score, exact, judged
from training.names.sets import Text, germeval, legal, synthetic, tweets

from evaluation.personal.sets import benign
from penstock.encoder.model import Encoded, Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.personal.names.network import Network
from penstock.guard.personal.names.recogniser import Recogniser
from penstock.guard.verdict import Finding

_LEAST_SCORE: Final = 0.5
"""What the guard of personal data asks for where nothing else is configured."""
_ROUNDS: Final = 200
_LOOKED_AT: Final = 250
"""Of so many prompts the findings were looked at, to see of what sort they are."""
SHORT: Final = (
    "Hi, my name is Anna Müller and I live in Hamburg. Could you please tell me when my parcel from Zalando arrives?"
)


@dataclass(frozen=True, slots=True)
class Names:
    """Of one set: exact names of a person, place or organisation, with their kind and without."""

    name: str
    texts: int
    typed: Score
    untyped: Score
    lower_case: Score
    kinds: tuple[tuple[str, Score], ...]


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Prompts have no labels: how many have a finding at all, and the findings by kind.  `later` are those after whose
    findings no frame was written.
    """

    prompts: int
    with_any: int
    by_kind: tuple[tuple[str, int], ...]
    later: int
    later_with_any: int


@dataclass(frozen=True, slots=True)
class Times:
    """CPU time, medians: the recogniser beside the encoder's pass, for a short text and for 2 kB, both read before; and
    means over prompts that are read for the first time, and again.
    """

    tokens: int
    find_us: float
    encode_us: float
    long_tokens: int
    long_find_us: float
    long_encode_us: float
    prompt_tokens: float
    first_us: float
    again_us: float


def measured(network: Network, memo: Memo) -> list[Names]:
    return [
        _names("Presidio's synthetic texts", [each for each in synthetic() if is_held_out(each)], network, memo),
        _names("GermEval 2014", [each for each in germeval() if is_held_out(each)], network, memo),
        _names("WNUT 2017", [each for each in tweets() if is_held_out(each)], network, memo),
        _names("German court decisions", [each for each in legal() if is_held_out(each)], network, memo),
    ]


def _names(name: str, texts: Sequence[Text], network: Network, memo: Memo) -> Names:
    encoded = memo.encode([each.text for each in texts])
    found = judged(network, texts, encoded)
    return Names(
        name,
        len(texts),
        exact(found),
        exact(found, typed=False),
        exact(_in_lower_case(texts, encoded, network)),
        tuple((kind, exact(found, frozenset({kind}))) for kind in sorted(THREE)),
    )


def _in_lower_case(texts: Sequence[Text], encoded: Sequence[Encoded], network: Network) -> list[Judged]:
    """As people type; the encoder reads no case, so that what it said of the text holds."""
    pairs = [
        (Text(each.text.lower(), each.spans, each.group, each.origin), read)
        for each, read in zip(texts, encoded, strict=True)
        if len(each.text.lower()) == len(each.text)
    ]
    return judged(network, [each for each, _ in pairs], [read for _, read in pairs])


def alarms(recogniser: Recogniser, memo: Memo) -> FalseAlarms:
    prompts = benign()
    kinds = Counter[str]()
    with_any: list[bool] = []
    for prompt, encoded in zip(prompts, memo.encode(prompts), strict=True):
        said = [each.kind for each in likely(recogniser.find(prompt, encoded))]
        kinds.update(said)
        with_any.append(bool(said))
    later = with_any[_LOOKED_AT:]
    return FalseAlarms(len(prompts), sum(with_any), tuple(kinds.most_common()), len(later), sum(later))


def likely(findings: Sequence[Finding]) -> list[Finding]:
    return [each for each in findings if each.score >= _LEAST_SCORE]


def times(data: bytes, model: Model, memo: Memo) -> Times:
    """Of a recogniser that has read nothing yet."""
    recogniser = Recogniser.load(WEIGHTS_SHA256, data)
    prompts = benign()
    encoded = memo.encode(prompts)
    first, again = (_mean(recogniser, prompts, encoded) for _ in range(2))
    text = (SHORT + " ") * 18
    short, long = model.encode(SHORT), model.encode(text)
    return Times(
        len(short.spans),
        _microseconds(lambda: recogniser.find(SHORT, short)),
        _microseconds(lambda: model.encode(SHORT)),
        len(long.spans),
        _microseconds(lambda: recogniser.find(text, long)),
        _microseconds(lambda: model.encode(text)),
        statistics.mean(len(each.spans) for each in encoded),
        first,
        again,
    )


def _mean(recogniser: Recogniser, texts: Sequence[str], encoded: Sequence[Encoded]) -> float:
    begin = time.thread_time_ns()
    for text, read in zip(texts, encoded, strict=True):
        recogniser.find(text, read)
    return (time.thread_time_ns() - begin) / 1000.0 / len(texts)


def _microseconds(call: Callable[[], object]) -> float:
    taken: list[int] = []
    for _ in range(_ROUNDS):
        begin = time.thread_time_ns()
        call()
        taken.append(time.thread_time_ns() - begin)
    return statistics.median(taken) / 1000.0
