"""Judgements on answers that words alone do not tell, made for one model from its settings.

Each may be wrong, so each is recorded until its setting says that it is enforced, and has a guard's name of its own:
`policy.meaning`, `policy.prices`, `policy.refusals`, `policy.overconfidence`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from penstock.config.guards import JudgeSettings, PolicySettings, ScoredSettings
from penstock.core.errors import ConfigError
from penstock.core.exchange import Exchange
from penstock.guard.pieces import sentences
from penstock.guard.policy.confidence import overconfidence
from penstock.guard.policy.prices import unquoted_prices
from penstock.guard.policy.refusals import refusal
from penstock.guard.texts import segments_of
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ask, CannotJudge, Detect, Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.guard.policy.harm import HarmHead

_READING_S: Final = 30.0
"""A long answer that comes in one piece is hundreds of sentences."""


def answer_judges(settings: PolicySettings, encoder: "Encoder | None") -> Iterator[Ward]:
    """Raises `ConfigError`, its path below the model's `policy`."""
    if settings.mode == "off":
        return
    if settings.meaning is not None and settings.meaning.mode != "off":
        harms = _Harms(settings, settings.meaning, encoder)
        yield _ward("meaning", settings, settings.meaning, ask=harms.ask, asks_for=is_spoken, is_whole=False)
    if settings.prices is not None and settings.prices.mode != "off":
        yield _ward("prices", settings, settings.prices, ask=_prices, asks_for=is_answer)
    if settings.refusals is not None and settings.refusals.mode != "off":
        declined = _declined(settings.refusals.threshold)
        yield _ward("refusals", settings, settings.refusals, ask=declined, asks_for=is_spoken)
    if settings.overconfidence is not None and settings.overconfidence.mode != "off":
        sure = _sure(settings.overconfidence.threshold)
        yield _ward("overconfidence", settings, settings.overconfidence, detect=sure, asks_for=is_answer)


def is_answer(segment: Segment) -> bool:
    """Neither reasoning nor a tool's arguments."""
    return _channel(segment) == "answer"


def is_spoken(segment: Segment) -> bool:
    """What the reader is told: an answer, or the provider's own words for why there is none."""
    return _channel(segment) in {"answer", "refusal"}


def _channel(segment: Segment) -> str:
    return (*segment.place.split("."), "", "", "")[2]


def _ward(
    name: str,
    settings: PolicySettings,
    judge: JudgeSettings,
    *,
    asks_for: Callable[[Segment], bool],
    detect: Detect | None = None,
    ask: Ask | None = None,
    is_whole: bool = True,
) -> Ward:
    is_shadow = "shadow" in (settings.mode, judge.mode)
    action = judge.action
    return Ward(
        guard=f"policy.{name}",
        mode="shadow" if is_shadow else "enforce",
        fail=settings.fail,
        action=lambda _: action,
        detect=detect,
        ask=ask,
        asks_for=asks_for,
        is_about_whole=is_whole,
        timeout_s=_READING_S,
        stream="observe" if is_shadow else settings.stream,  # what nothing follows from holds nothing up
    )


class _Harms:
    """Reads answers sentence by sentence: in a long text one sentence is diluted."""

    def __init__(self, settings: PolicySettings, judge: ScoredSettings, encoder: "Encoder | None") -> None:
        if encoder is None:
            raise ConfigError("it needs the encoder, which is not there", path="meaning")
        from penstock.guard.policy.harm import load_harm  # noqa: PLC0415 - numpy, of an extra that not everybody has

        self._encoder = encoder
        self._head: HarmHead = load_harm()
        if self._head.encoder_sha256 != encoder.weights_sha256:
            message = "the harm head was trained on another encoder: it cannot be used with this one"
            raise ConfigError(message, path="meaning")
        self._rules = frozenset(f"policy.harm.{each}" for each in settings.harms)
        self._threshold = judge.threshold

    async def ask(self, exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        del exchange
        return [await self._found(segment.text) for segment in segments]

    async def _found(self, text: str) -> list[Finding]:
        from penstock.encoder.executor import EncoderBusy  # noqa: PLC0415 - numpy, as above

        found: list[Finding] = []
        for begin, sentence in sentences(text):
            try:
                encoded = await self._encoder.encode(sentence)
            except EncoderBusy as busy:
                raise CannotJudge("encoder_failed" if busy.__cause__ is not None else "encoder_busy") from None
            said = self._head.find(sentence, encoded, threshold=self._threshold)
            found += (
                msgspec.structs.replace(each, begin=each.begin + begin, end=each.end + begin)
                for each in said
                if each.rule in self._rules
            )
        return found


async def _prices(exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
    """What the model said itself in earlier turns is no source."""
    sources = [each.text for each in segments_of(exchange.request) if each.trust != "model"]
    return [unquoted_prices(each.text, sources) for each in segments]


def _declined(threshold: float) -> Ask:
    """Asked, since where a text stands counts too."""

    def found(segment: Segment) -> Sequence[Finding]:
        if _channel(segment) == "refusal":
            return [Finding("policy.refusal", "REFUSAL", 0, len(segment.text))]
        return [each for each in refusal(segment.text).findings if each.score >= threshold]

    async def ask(exchange: Exchange, segments: Sequence[Segment]) -> Sequence[Sequence[Finding]]:
        del exchange
        return [found(each) for each in segments]

    return ask


def _sure(threshold: float) -> Detect:
    def detect(segment: Segment, encoded: object) -> Sequence[Finding]:
        del encoded
        return [each for each in overconfidence(segment.text).findings if each.score >= threshold]

    return detect
