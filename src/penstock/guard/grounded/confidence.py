# ruff: noqa: E501, RUF001 - tables of expressions read best as one line each
"""How likely an answer is right and whole: one number of whatever is known of it.

Each thing that is known moves the number; what is not known moves nothing, so that it works with any of them missing.
It is no more certain than its parts: an answer that is well covered by sources which are wrong is wrong.
"""

import re
from importlib.resources import files
from math import exp, log
from typing import Final

import msgspec

from penstock.core.errors import ConfigError
from penstock.core.sources import Confidence

_HEDGES: Final = re.compile(
    r"(?i)\b(?:might|perhaps|possibly|probably|maybe|unclear|not (?:entirely |completely |quite )?(?:sure|certain|clear)|i (?:think|believe|guess|assume)|it (?:seems|appears)|as far as i know|may or may not"
    r"|vielleicht|möglicherweise|vermutlich|wahrscheinlich|ich (?:glaube|vermute|denke)|soweit ich weiß|unklar|nicht (?:ganz )?sicher)\b"
)
_UNKNOWING: Final = re.compile(
    r"(?i)\b(?:i (?:do not|don't|cannot|can't|could not|couldn't) (?:have|know|find|answer|say|tell|provide|determine)|(?:documents?|sources?|context|passages?|text|information)(?: provided)? (?:do(?:es)? not|don't|doesn't) (?:mention|contain|say|include|specify|provide|state)|no information|not (?:mentioned|specified|stated|provided)"
    r"|unable to (?:answer|find|help)|sorry|ich (?:weiß|kann|finde|habe) (?:\w+ ){0,3}(?:nicht|keine)|leider|keine (?:informationen|angaben))\b"
)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an answer; None is not known.

    `coverage` is the share of its claims that are supported, `support` their mean chance, `alignment` the likeness of
    prompt and answer, `log_probability` the mean of its tokens'.  `hedging` and `unknowing` are the shares of its
    sentences with such words.
    """

    coverage: float | None = None
    support: float | None = None
    alignment: float | None = None
    log_probability: float | None = None
    hedging: float | None = None
    unknowing: float | None = None


class Term(msgspec.Struct, frozen=True):
    """What one thing is worth: `weight` for each step of its value, or of its logit, from `middle`."""

    weight: float
    middle: float
    is_logit: bool = False


class Weights(msgspec.Struct, frozen=True):
    """What everything is worth together.

    Shipped as `confidence.json`, made by `python -m training.grounded_confidence`; the card is `grounded.md`.
    """

    bias: float
    terms: dict[str, Term]

    def confidence(self, known: Known) -> Confidence:
        """A number from 0 to 1; where nothing is known, how often answers are right on average."""
        total = self.bias
        for name, term in self.terms.items():
            value: float | None = getattr(known, name)
            if value is not None:
                total += term.weight * (step(value, is_logit=term.is_logit) - term.middle)
        return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, total))))


def load_weights() -> Weights:
    """The weights that are shipped.  Raises `ConfigError` where they are not there or not whole."""
    try:
        data = files("penstock.guard.grounded").joinpath("confidence.json").read_bytes()
        return msgspec.json.decode(data, type=Weights)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"the weights of confidence cannot be loaded: {str(error)[:200]}") from None


def step(value: float, *, is_logit: bool) -> float:
    """The value as it is weighed."""
    if not is_logit:
        return value
    bounded = min(max(value, 0.02), 0.98)
    return log(bounded / (1.0 - bounded))


def words_of(answer: str) -> tuple[float, float]:
    """The shares of sentences that hedge, and that say that something is not known."""
    said = [each for each in re.split(r"(?<=[.!?])\s+|\n+", answer.replace("’", "'")) if each.strip()]
    if not said:
        return 0.0, 0.0
    hedged = sum(_HEDGES.search(each) is not None for each in said)
    unknown = sum(_UNKNOWING.search(each) is not None for each in said)
    return hedged / len(said), unknown / len(said)
