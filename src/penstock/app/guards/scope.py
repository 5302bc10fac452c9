"""What a model is for, learned from the examples in its settings; and in which language, and how often the same."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from penstock.app.guards.heads import KeptHeads, key_of
from penstock.config.guards import ScopeSettings
from penstock.core.errors import ConfigError
from penstock.guard.looping import Looped
from penstock.guard.scope.language import USUAL, Languages
from penstock.guard.scope.repetition import LoopSettings, loop_in, stuffing
from penstock.guard.verdict import TOPIC, Finding, Segment
from penstock.guard.ward import Detect, Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder
    from penstock.encoder.model import Encoded, Model
    from penstock.guard.scope.head import ScopeHead


class Scope:
    """One model's.  Reads every example, some milliseconds each, unless its head is kept.  Raises `ConfigError`."""

    def __init__(self, settings: ScopeSettings, encoder: "Encoder | None", heads: KeptHeads) -> None:
        self._settings = settings
        self._head: ScopeHead | None = None
        self._languages: Languages | None = None
        if settings.mode == "off":
            return
        if settings.languages:
            self._languages = languages_of(settings, "languages")
        if settings.topics:
            if encoder is None:
                raise ConfigError("it needs the encoder, which is not there", path="topics")
            self._head = _kept(settings, encoder.model, heads)

    def wards(self) -> Iterator[Ward]:
        """What people ask last is judged, as one: what was said before is history."""
        settings = self._settings
        if settings.mode == "off":
            return
        repetition = settings.repetition
        if settings.most_chars is not None or settings.languages or (repetition and "input" in repetition.on):
            yield self._ward("scope.limits", self._limits)
        if self._head is not None:
            yield self._ward("scope", self._inside, reads=True)

    def loops(self) -> Looped | None:
        """For answers; None where they may say what they like as often as they like."""
        settings = self._settings
        repetition = settings.repetition
        if settings.mode == "off" or repetition is None or "output" not in repetition.on:
            return None
        return Looped(self._ward("scope.limits", self._limits), self._loop_settings())

    def _loop_settings(self) -> LoopSettings:
        repetition = self._settings.repetition
        if repetition is None:
            return LoopSettings()
        return LoopSettings(least_times=repetition.least_times, least_chars=repetition.least_chars)

    def _limits(self, segment: Segment, encoded: object) -> Sequence[Finding]:
        """Of a question: its length, its language, and how often it says the same."""
        del encoded
        settings, text = self._settings, segment.text
        found: list[Finding | None] = []
        if settings.most_chars is not None and len(text) > settings.most_chars:
            found.append(Finding("scope.long", "LENGTH", settings.most_chars, len(text)))
        if self._languages is not None:
            language = self._languages.of(text)
            if language.code is not None and language.code not in settings.languages:
                found.append(Finding("scope.language", "LANGUAGE", 0, len(text), min(language.confidence, 1.0)))
        repetition = settings.repetition
        if repetition is not None and "input" in repetition.on:
            found.append(loop_in(text, self._loop_settings()))
            found.append(stuffing(text, least_ratio=repetition.stuffing))
        return [each for each in found if each is not None]

    def _inside(self, segment: Segment, encoded: "Encoded | None") -> Sequence[Finding]:
        head, text = self._head, segment.text
        if encoded is None or head is None or self._is_long(text):
            return ()
        said = head.judge(text, encoded)
        if not said.is_inside:
            return [Finding("scope.outside", "SCOPE", 0, len(text), 1.0 - said.score)]
        return () if said.topic is None else [Finding(TOPIC, said.topic, 0, len(text), said.confidence)]

    def _is_long(self, text: str) -> bool:
        most = self._settings.most_chars
        return most is not None and len(text) > most

    def _ward(self, guard: str, detect: Detect, *, reads: bool = False) -> Ward:
        settings = self._settings
        return Ward(
            guard=guard,
            mode="shadow" if settings.mode == "shadow" else "enforce",
            fail=settings.fail,
            action=lambda finding: "allow" if finding.rule == TOPIC else "block",
            detect=detect,
            reads=reads,
            is_about_last=True,
            stream=settings.stream,
        )


def languages_of(settings: ScopeSettings, name: str) -> Languages:
    """Tells those apart that the settings name and the usual ones.  `name` is the setting that asks for it."""
    named = set(settings.languages)
    if isinstance(settings.refusal, dict):
        named |= settings.refusal.keys()
    try:
        return Languages(sorted({*USUAL, *named}))
    except ConfigError as error:
        raise ConfigError(error.message, path=name) from None


def _kept(settings: ScopeSettings, model: "Model", heads: KeptHeads) -> "ScopeHead":
    from penstock.guard.scope.fit import RECIPE  # noqa: PLC0415 - numpy, of an extra that not everybody has

    topics = {name: list(texts) for name, texts in settings.topics.items()}
    texts = (topics, list(settings.outside), list(settings.tuning))
    key = key_of((RECIPE, model.identity, settings.false_refusals, *texts))
    return heads.head(key, model.identity, lambda: _fitted(settings, model))


def _fitted(settings: ScopeSettings, model: "Model") -> "ScopeHead":
    from penstock.guard.scope.fit import Example, fit  # noqa: PLC0415 - same

    examples = [Example(text, topic) for topic, texts in settings.topics.items() for text in texts]
    if not examples:
        raise ConfigError("it needs at least one example", path="topics")
    read = [each for topic, texts in settings.topics.items() for each in _read(texts, f"topics.{topic}", model)]
    tuning = zip((Example(text) for text in settings.tuning), _read(settings.tuning, "tuning", model), strict=True)
    return fit(
        examples,
        read,
        encoder=model.identity,
        outside=_read(settings.outside, "outside", model),
        tuning=tuple(tuning),
        false_refusals=settings.false_refusals,
    )


def _read(texts: Sequence[str], path: str, model: "Model") -> Iterator["Encoded"]:
    """Each text's reading.  Raises `ConfigError` for one that says nothing to the encoder."""
    for number, text in enumerate(texts):
        encoded = model.encode(text)
        if not encoded.sentence.any():
            raise ConfigError("it has no word that the encoder knows", path=f"{path}.{number}")
        yield encoded
