"""What becomes of an answer whose claims its sources do not support (`models.*.knowledge.grounding`)."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

Said = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SampleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The model is asked the same `count` more times, to see whether it says the same: an answer that agrees less than
    `agreement` with what comes back counts as one below `second_opinion`, `notice` and `hold`.

    With `below` only answers of less confidence are asked for again.  A request's temperature that is lower than
    `temperature` is raised to it.
    """

    agreement: Share
    count: Annotated[int, msgspec.Meta(ge=1, le=5)] = 2
    below: Share | None = None
    temperature: Annotated[float, msgspec.Meta(gt=0, le=2)] = 0.7


class ConfidenceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an answer by its confidence: below `hold` a person is asked, below `notice` it goes out with
    `text` behind it.  One that is not set asks for nothing.

    Below `second_opinion` the same is asked once of another `tier` of the model, or of another `model`, and the surer
    of the two is given, with what its own confidence asks for.  Where the provider gives log-probabilities, an answer
    whose tokens' mean is below `log_probability` counts as one below `second_opinion` and `notice`.
    """

    second_opinion: Share | None = None
    tier: Name | None = None
    model: Name | None = None
    notice: Share | None = None
    hold: Share | None = None
    log_probability: Annotated[float, msgspec.Meta(le=0)] | None = None
    samples: SampleSettings | None = None
    text: Said = "This answer may be incomplete; please check it against its sources."


class GroundingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Each claim of an answer is traced to the sources; `fail` is required.

    `action` is what follows where one is not supported: `flag` adds `notice`, `strip` leaves its sentence out,
    `ask_again` asks the model once more with the reason and then refuses, `refuse` says `refusal`, `hold` asks a
    person.  In `mode` `shadow` it is only recorded.  A stream is seen sentence by sentence (`window`) or whole
    (`buffer`), which all but the first two need.  `timeout_s` bounds the tracing of one answer.
    """

    fail: Literal["closed", "open"]
    mode: Literal["enforce", "shadow"] = "enforce"
    action: Literal["flag", "strip", "ask_again", "refuse", "hold"] = "flag"
    stream: Literal["window", "buffer"] = "buffer"
    notice: Said = "Some of this could not be found in the sources."
    refusal: Said = "I could not find a reliable answer in the documents."
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    confidence: ConfidenceSettings | None = None


def broken_grounding(grounding: GroundingSettings | None) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    if grounding is None:
        return
    confidence = grounding.confidence
    if confidence is not None:
        named = [each for each in (confidence.tier, confidence.model) if each is not None]
        if confidence.second_opinion is not None and len(named) != 1:
            yield "confidence.second_opinion", "say whose: a `tier` of the model, or another `model`"
        if confidence.second_opinion is None and named:
            yield "confidence.second_opinion", "say below which confidence it is asked for"
        if confidence.log_probability is not None and confidence.second_opinion is None and confidence.notice is None:
            yield "confidence.log_probability", "it asks for nothing: set `second_opinion` or `notice` too"
        yield from _broken_samples(confidence)
    if grounding.stream != "window":
        return
    if grounding.mode == "enforce" and grounding.action not in {"flag", "strip"}:
        yield "stream", f"`{grounding.action}` needs the whole answer: `buffer`"
    if confidence is not None and confidence.hold is not None:
        yield "stream", "`confidence.hold` needs the whole answer: `buffer`"
    if confidence is not None and confidence.second_opinion is not None:
        yield "stream", "`confidence.second_opinion` needs the whole answer: `buffer`"
    if confidence is not None and confidence.samples is not None:
        yield "stream", "`confidence.samples` needs the whole answer: `buffer`"


def _broken_samples(confidence: ConfidenceSettings) -> Iterator[tuple[str, str]]:
    """What they would ask for is already asked for by the confidence alone, or by nobody."""
    samples = confidence.samples
    if samples is None:
        return
    last = confidence.notice if confidence.hold is None else confidence.hold
    edges = [each for each in (confidence.second_opinion, last) if each is not None]
    if not edges:
        yield "confidence.samples", "they ask for nothing: set `second_opinion`, `notice` or `hold` too"
    elif samples.below is not None and samples.below <= min(edges):
        yield (
            "confidence.samples.below",
            f"they ask for nothing: below {min(edges):g} the confidence alone asks for as much",
        )


def asked_second(grounding: GroundingSettings | None) -> ConfidenceSettings | None:
    """The settings where answers of less than some confidence get a second opinion; None where none do."""
    if grounding is None or grounding.mode == "shadow" or grounding.confidence is None:
        return None
    return grounding.confidence if grounding.confidence.second_opinion is not None else None


def asked_same(grounding: GroundingSettings | None) -> SampleSettings | None:
    """The settings where a model is asked the same again; None where it is not."""
    if grounding is None or grounding.mode == "shadow" or grounding.confidence is None:
        return None
    return grounding.confidence.samples
