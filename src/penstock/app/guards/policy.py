"""What a model's answers may say, made from its settings: patterns for the stream, and what must be added."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.app.guards.judges import answer_judges, is_answer
from penstock.config.guards import PolicySettings
from penstock.core.errors import ConfigError
from penstock.guard.answer import Windowed
from penstock.guard.closing import Closing
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.window import PatternWindow
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.patterns.kinds import GROUPS
from penstock.guard.policy.claims import claim_patterns
from penstock.guard.policy.disclaimers import Disclaimer, Disclaimers
from penstock.guard.policy.harm_words import harm_patterns
from penstock.guard.policy.length import Length
from penstock.guard.policy.terms import competitor_patterns, term_patterns
from penstock.guard.policy.tone import tone_patterns
from penstock.guard.verdict import Action, Finding, Segment
from penstock.guard.ward import Ward

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder


class Policy:
    """One model's.  `encoder` is for what is judged by its meaning.

    Raises `ConfigError` for a word that cannot be looked for, and where the encoder is not there or another.
    """

    def __init__(self, settings: PolicySettings, encoder: "Encoder | None" = None) -> None:
        self._settings = settings
        self._patterns = tuple(_patterns(settings))
        self._judges = tuple(answer_judges(settings, encoder))

    def windows(self) -> Iterator[Windowed]:
        """For answers as they stream."""
        if self._settings.mode != "off" and self._patterns:
            ward = self._ward()
            yield Windowed(PatternWindow(self._patterns), {each.rule: ward for each in self._patterns}, ward.stream)

    def asked(self) -> Iterator[Ward]:
        """For what only a whole answer can tell."""
        settings = self._settings
        yield from self._judges
        length = Length(
            least_chars=settings.least_chars, most_chars=settings.most_chars, most_words=settings.most_words
        )
        if settings.mode == "off" or length == Length():
            return

        def detect(segment: Segment, encoded: object) -> Sequence[Finding]:
            del encoded
            return length.find(segment.text)

        ward = self._ward()
        stream = "observe" if ward.mode == "shadow" else ward.stream
        yield replace(ward, detect=detect, asks_for=is_answer, is_about_whole=True, stream=stream)

    def closing(self) -> Closing | None:
        """None where nothing is to be added."""
        settings = self._settings
        if settings.mode != "enforce" or not settings.disclaimers:
            return None
        rules: list[Disclaimer] = []
        for number, each in enumerate(settings.disclaimers):
            with _about(f"disclaimers.{number}"):
                when = term_patterns("disclaimer", each.when) if each.when else ()
                rules.append(Disclaimer(each.text, when, each.said))
                Disclaimers(rules[-1:])  # each by itself, to say which is wrong
        return Closing(Disclaimers(rules))

    def _ward(self) -> Ward:
        settings = self._settings
        action: Action = settings.action

        def detect(segment: Segment, encoded: object) -> Sequence[Finding]:
            del segment, encoded
            return ()

        return Ward(
            guard="policy",
            mode="shadow" if settings.mode == "shadow" else "enforce",
            fail=settings.fail,
            action=lambda _: action,
            detect=detect,
            stream=settings.stream,
        )


@contextmanager
def _about(path: str) -> Generator[None]:
    """What is wrong here is wrong at `path`."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(error.message, path=path) from None


def _patterns(settings: PolicySettings) -> Iterator[Pattern]:
    for topic, words in settings.terms.items():
        with _about(f"terms.{topic}"):
            yield from term_patterns(topic, words)
    competitors: Mapping[str, Sequence[str]] = settings.competitors
    if competitors:
        with _about("competitors"):
            yield from competitor_patterns(competitors)
    if settings.claims:
        yield from claim_patterns(settings.claims)
    if settings.tones:
        yield from tone_patterns(settings.tones)
    yield from (each for each in harm_patterns() if each.kind.lower() in settings.harms)
    if settings.secrets:
        yield from catalogue(GROUPS["secrets"])
