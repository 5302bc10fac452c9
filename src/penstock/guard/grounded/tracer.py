"""Traces each claim of an answer to the passages: first to those that it cites, then to any that were found.

Blocking: about three milliseconds a claim beside what the encoder takes for the answer and for each passage, once.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from penstock.core.errors import ConfigError
from penstock.core.sources import Passage
from penstock.guard.grounded.claims import Answer, Claim
from penstock.guard.grounded.differ import state
from penstock.guard.grounded.evidence import Array, Evidence, Tokens, between, gather
from penstock.guard.grounded.judge import Judge
from penstock.guard.grounded.measure import Found, measure

Verdict = Literal["supported", "contradicted", "not_found"]
Read = Callable[[str], Tokens]
"""What one pass of the encoder gives of a text: `encoder.Model.encode`, or what was read before."""

_MOST_KEPT: Final = 4_096
_SUPPORTED: Final = 0.5
_UNSAID: Final = "unsaid"


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of a claim.

    `chance` is the estimated chance that its sources support it, from one half on it is taken for supported;
    `likeness` is the chance before the checks of single words.  `passage` is the one that comes nearest, and `begin` to
    `end` what of its text was compared; None where there are no passages.  `is_cited` says that the claim cites it.
    `reasons` are the checks that it failed, and `words` those of the claim that are said otherwise or nowhere.
    """

    claim: Claim
    verdict: Verdict
    chance: float
    likeness: float
    passage: Passage | None = None
    begin: int = 0
    end: int = 0
    is_cited: bool = False
    reasons: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Tracer:
    """Safe in any thread, given a `read` that is."""

    def __init__(self, judge: Judge, read: Read, *, encoder_sha256: str) -> None:
        """Raises `ConfigError` where the encoder is not the one that the judge was fitted on."""
        if encoder_sha256 != judge.encoder_sha256:
            raise ConfigError("the judge of grounded claims was fitted on another encoder")
        self._judge = judge
        self._read = read
        self._short = _Short(read)

    def judge(self, answer: Answer, passages: Sequence[Passage]) -> tuple[Traced, ...]:
        """A verdict for each claim of the answer, in order.  Raises what `read` raises."""
        if not answer.claims:
            return ()
        encoded = self._read(answer.text)
        parts: dict[tuple[str, ...] | None, Evidence] = {}

        def among(cited: tuple[str, ...] | None) -> Evidence:
            if cited not in parts:
                shown = [each for each in passages if cited is None or each.label in cited]
                parts[cited] = gather(shown, [self._read(each.text) for each in shown])
            return parts[cited]

        found: list[Traced] = []
        labels = {each.label for each in passages}
        for claim in answer.claims:
            traced: Traced | None = None
            cited = tuple(label for label in claim.cited if label in labels)
            if cited and len(cited) < len(passages):
                traced = self._trace(claim, encoded, among(cited))
            if traced is None or traced.verdict != "supported":
                anywhere = self._trace(claim, encoded, among(None))
                traced = anywhere if traced is None or anywhere.chance > traced.chance else traced
            found.append(traced)
        return tuple(found)

    def _trace(self, claim: Claim, encoded: Tokens, evidence: Evidence) -> Traced:
        stated = state(claim.text, claim.at[0], encoded)
        if not evidence.told or not stated.content:
            return Traced(claim, "not_found", 0.0, 0.0)
        found = measure(stated, evidence, self._short)
        chance, likeness = (float(each[0]) for each in self._judge.chances(found.features[np.newaxis]))
        first, last = found.told[0], found.told[-1]
        passage = evidence.passages[first.passage]
        verdict = "supported" if chance >= _SUPPORTED else _unsupported(found)
        return Traced(
            claim,
            verdict,
            chance,
            likeness,
            passage,
            first.begin,
            last.end,
            passage.label in claim.cited,
            found.refuted if verdict != "supported" else (),
            tuple(dict.fromkeys((*found.contrary, *found.absent))) if verdict != "supported" else (),
        )


class _Short:
    """Of a few words; the last few thousand are kept."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: OrderedDict[tuple[str, ...], Array] = OrderedDict()

    def alone(self, words: str) -> Array:
        return self._kept((words,), lambda: self._read(words).sentence)

    def between(self, before: str, words: str, after: str) -> Array:
        return self._kept((before, words, after), lambda: between(self._read, before, words, after))

    def _kept(self, key: tuple[str, ...], make: Callable[[], Array]) -> Array:
        known = self._known.get(key)
        if known is None:
            known = make()
            self._known[key] = known
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return known


def support(traced: Sequence[Traced]) -> float | None:
    """How far an answer as a whole is supported: the mean chance of its claims by likeness; None without a claim."""
    return sum(each.likeness for each in traced) / len(traced) if traced else None


def coverage(traced: Sequence[Traced]) -> float | None:
    """The share of an answer's claims that are supported; None where it states nothing."""
    return sum(each.verdict == "supported" for each in traced) / len(traced) if traced else None


def _unsupported(found: Found) -> Verdict:
    return "contradicted" if any(each != _UNSAID for each in found.refuted) else "not_found"
