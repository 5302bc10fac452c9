"""Sentences that an answer must carry: added at its end where they are missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.core.errors import ConfigError
from penstock.guard.patterns.expressions import Expression, compiled, quoted, sound
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.pattern_set import PatternSet

_MOST_SAID: int = 2_000


@dataclass(frozen=True, slots=True)
class Disclaimer:
    """`text` must stand in each answer in which one of `when` is found, in all where it is empty.

    It counts as said where its own words stand there, whatever the blanks and the case, or where one of `said` is
    found: expressions in RE2's syntax, for other wordings.
    """

    text: str
    when: tuple[Pattern, ...] = ()
    said: tuple[str, ...] = ()


class Disclaimers:
    """Immutable, safe in any thread.  Raises `ConfigError` for an empty text, and for what RE2 does not take."""

    def __init__(self, disclaimers: Sequence[Disclaimer]) -> None:
        self._rules = tuple(_Rule.of(each) for each in disclaimers)

    def missing(self, answer: str) -> list[str]:
        """What is to be added, in order, each once."""
        plain = sound(answer)
        return list(dict.fromkeys(rule.text for rule in self._rules if rule.is_missing(plain)))

    def added(self, answer: str) -> str:
        """The answer with what it lacks, each in a paragraph of its own."""
        missing = self.missing(answer)
        return "\n\n".join([answer.rstrip(), *missing]) if missing else answer


@dataclass(frozen=True, slots=True)
class _Rule:
    text: str
    when: PatternSet | None
    said: tuple[Expression, ...]

    @classmethod
    def of(cls, disclaimer: Disclaimer) -> "_Rule":
        words = disclaimer.text.split()
        if not words or len(disclaimer.text) > _MOST_SAID:
            raise ConfigError(f"a disclaimer has between one word and {_MOST_SAID} characters")
        own = r"\s+".join(quoted(word) for word in words)
        said = tuple(compiled(each, ignores_case=True) for each in (own, *disclaimer.said))
        return cls(disclaimer.text, PatternSet(disclaimer.when) if disclaimer.when else None, said)

    def is_missing(self, answer: str) -> bool:
        if self.when is not None and not self.when.find(answer):
            return False
        return all(each.search(answer) is None for each in self.said)
