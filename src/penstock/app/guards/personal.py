"""The guard of personal data, made for one model: what it looks for, and what becomes of what it finds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from penstock.config.guards import GuardAction, ListSettings, PersonalDataSettings
from penstock.core.errors import ConfigError
from penstock.core.exchange import Exchange
from penstock.guard.answer import Windowed
from penstock.guard.patterns.expressions import quoted
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.plain import find_plain
from penstock.guard.patterns.shared import set_of, window_of
from penstock.guard.personal.escapes import with_escapes
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.patterns.kinds import KINDS
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Detect, Ward

NAMES: Final = frozenset({"PERSON", "LOCATION", "ORGANIZATION", "NRP"})
"""What the recogniser finds; the others have a form of their own."""
_NOBODY: Final = frozenset(
    {"DATE_TIME", "URL", "DOMAIN_NAME", "TITLE", "AGE", "POSTAL_CODE", "LOCATION", "ORGANIZATION", "NRP"}
)
"""Of nobody in particular: looked for where they are named."""


def kinds_of(settings: PersonalDataSettings, lists: Mapping[str, ListSettings]) -> frozenset[str]:
    """The kinds that are looked for.  Raises `ConfigError` where one is unknown."""
    own = {each.kind for each in lists.values()}
    known = KINDS | NAMES | own
    for place, kind in enumerate(settings.kinds):
        if kind not in known:
            raise ConfigError(f"no rule finds {kind}: it is one of {', '.join(sorted(known))}", path=f"kinds.{place}")
    for kind in settings.actions:
        if kind not in known:
            raise ConfigError(f"no rule finds {kind}: it is one of {', '.join(sorted(known))}", path=f"actions.{kind}")
    return frozenset(settings.kinds) or (KINDS | NAMES | own) - _NOBODY


def listed(name: str, settings: ListSettings) -> tuple[Pattern, ...]:
    """The patterns of a list: terms stand as words of their own, in either case."""
    rule = f"personal.list.{name}"
    terms = tuple(Pattern(rule, settings.kind, _as_words(term), most_chars=len(term) + 1) for term in settings.terms)
    return (*terms, *(Pattern(rule, settings.kind, each) for each in settings.patterns))


def _as_words(term: str) -> str:
    """RE2 knows the borders of ASCII words alone."""
    before, after = (r"\b" if each.isascii() and each.isalnum() else "" for each in (term[0], term[-1]))
    return f"{before}(?i:{quoted(term)}){after}"


class PersonalData:
    """One model's wards.  `names` finds names with the encoder's help; None where nobody asked for it."""

    def __init__(self, settings: PersonalDataSettings, lists: Mapping[str, ListSettings], names: Detect | None) -> None:
        """Raises `ConfigError`, its path below the guard's or `guards.lists`."""
        self._settings = settings
        self._kinds = kinds_of(settings, lists)
        self._names = names
        if names is None and settings.names and settings.mode != "off" and not self._kinds.isdisjoint(NAMES):
            raise ConfigError("names are found with the encoder, which is not there", path="names")
        wanted = {name: each for name, each in lists.items() if each.kind in self._kinds}
        everybodys = (listed(name, each) for name, each in wanted.items() if not each.tenants)
        self.patterns = (*catalogue(self._kinds & KINDS), *(pattern for each in everybodys for pattern in each))
        self.tenants = tuple((each.tenants, listed(name, each)) for name, each in wanted.items() if each.tenants)

    def wards(self) -> Iterator[Ward]:
        """For requests, the cheap ones first."""
        if self._settings.mode == "off":
            return
        yield self._ward(_finding(self.patterns))
        for tenants, patterns in self.tenants:
            yield self._ward(_finding(patterns), tenants=tenants)
        if self._names is not None and self._settings.names and not self._kinds.isdisjoint(NAMES):
            yield self._ward(self._of_kinds(self._names), reads=True)

    def windows(self) -> Iterator[Windowed]:
        """For answers as they stream: what has a form of its own."""
        settings = self._settings
        if settings.mode == "off" or settings.answers == "allow":
            return
        for tenants, patterns in ((), self.patterns), *self.tenants:
            ward = replace(self._ward(_nothing, tenants=tenants), action=self.action_on_answer)
            yield Windowed(window_of(patterns), {each.rule: ward for each in patterns}, settings.stream)

    def asked(self) -> Iterator[Ward]:
        """For answers, sentence by sentence: names."""
        settings = self._settings
        if settings.mode == "off" or settings.answers == "allow" or not settings.names_in_answers:
            return
        if self._names is not None and not self._kinds.isdisjoint(NAMES):
            ward = self._ward(self._of_kinds(self._names), reads=True)
            yield replace(ward, action=self.action_on_answer)

    def action(self, finding: Finding) -> GuardAction:
        """What becomes of what a caller wrote."""
        return self._settings.actions.get(finding.kind, "mask")

    def action_on_answer(self, finding: Finding) -> GuardAction:
        """What becomes of what a model says: its tokens are no values, and so are never found."""
        said = self._settings.actions.get(finding.kind)
        return said if said in {"allow", "block"} else self._settings.answers

    def _of_kinds(self, detect: Detect) -> Detect:
        kinds, least = self._kinds, self._settings.least_score
        return lambda segment, encoded: [
            each for each in detect(segment, encoded) if each.kind in kinds and each.score >= least
        ]

    def _ward(self, detect: Detect, *, reads: bool = False, tenants: Sequence[str] = ()) -> Ward:
        settings = self._settings

        def holds_for(exchange: Exchange) -> bool:
            return not tenants or exchange.principal.tenant in tenants

        return Ward(
            guard="personal_data.names" if reads else "personal_data",
            mode="shadow" if settings.mode == "shadow" else "enforce",
            fail=settings.fail,
            action=self.action,
            detect=detect,
            reads=reads,
            holds_for=holds_for,
            reads_on=not reads,
            sees_all=not reads and not tenants and settings.unreadable == "block",
            stream=settings.stream,
        )


def _nothing(segment: Segment, encoded: object) -> Sequence[Finding]:
    """Where a window finds."""
    del segment, encoded
    return ()


def _finding(patterns: Sequence[Pattern]) -> Detect:
    found = set_of(tuple(patterns))

    def within_escapes(text: str) -> Sequence[Finding]:
        return with_escapes(found.find, text)

    def detect(segment: Segment, encoded: object) -> Sequence[Finding]:
        del encoded
        return find_plain(within_escapes, segment.text)

    return detect
