"""Lists of words as patterns: banned terms and topics, and the names of competitors.

Called when a configuration is loaded.  Found are whole words, in any case, with the endings that English and German
words take, in texts and in streams alike.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from penstock.core.errors import ConfigError
from penstock.guard.patterns.expressions import quoted
from penstock.guard.patterns.pattern import Pattern

_ENDINGS: Final = r"['\x{2019}]?s|es|e|en|n|er|ern|em|ers|ed|d|ing|ings|ly|t|te|ten|et|st"
"""Of English and German words: plurals, cases, tenses and degrees."""
_GENITIVE: Final = r"['\x{2019}]?s"
_INSTEAD: Final = MappingProxyType(
    {
        "en": r"en|ens|end|ends|ende|enden|e|t|te|ten|test|st|et",
        "e": r"e|eing|['\x{2019}]?es|e['\x{2019}]s|ed|er|ers|ing|ings|en|ern|ely|es",
        "y": r"y|['\x{2019}]?ys|y['\x{2019}]s|ies|ied|ying",
    }
)
"""What may stand in the place of a word's own ending."""
_STEM_CHARS: Final = 4
"""The least that is left of a word when its ending is dropped; shorter words are taken as they are, or with an s."""
_BETWEEN: Final = r"[\s_\-]{1,3}"
_AT_ONCE: Final = 25
_MOST_CHARS: Final = 200
_ENDING_CHARS: Final = 6


def term_patterns(name: str, terms: Sequence[str]) -> tuple[Pattern, ...]:
    """A list of words that must not be said, of which `name` becomes the rule `policy.term.<name>`.

    A term of several words is found with blanks, hyphens or line breaks between them.  Raises `ConfigError` for a term
    without a letter or a digit, and for one that is too long.
    """
    return _patterns(f"policy.term.{name}", "TERM", "(?i)", [_inflected(each) for each in _checked(terms)])


def competitor_patterns(competitors: Mapping[str, Sequence[str]]) -> tuple[Pattern, ...]:
    """Names of others with what else they are called; `policy.competitor.<number>` in the order of the mapping.

    Names are found as they are written or in capitals, and with a genitive: “Target's” for “Target”, but not “target”.
    """
    found: list[Pattern] = []
    for number, (name, aliases) in enumerate(competitors.items(), 1):
        expressions = [_named(each) for each in _checked((name, *aliases))]
        found += _patterns(f"policy.competitor.{number}", "COMPETITOR", "", expressions)
    return tuple(found)


def _patterns(rule: str, kind: str, flags: str, expressions: Sequence[tuple[str, int]]) -> tuple[Pattern, ...]:
    return tuple(
        Pattern(
            rule,
            kind,
            f"{flags}(?:{'|'.join(each for each, _ in part)})",
            most_chars=max(chars for _, chars in part),
        )
        for part in (expressions[at : at + _AT_ONCE] for at in range(0, len(expressions), _AT_ONCE))
    )


def _checked(terms: Sequence[str]) -> Iterator[str]:
    for term in terms:
        plain = unicodedata.normalize("NFC", " ".join(term.split()))
        if not any(char.isalnum() for char in plain):
            raise ConfigError(f"the term {term!r} has no letter and no digit")
        if len(plain) > _MOST_CHARS:
            raise ConfigError(f"the term {term[:40]!r}… has more than {_MOST_CHARS} characters")
        yield plain


def _inflected(term: str) -> tuple[str, int]:
    *words, last = term.replace("-", " ").split()
    before = "".join(_quoted(each) + _inner(each) + _BETWEEN for each in map(_stem, words))
    stem = _stem(last)
    expression = f"{_edge(term[0])}{before}{_quoted(stem)}{_ended(stem, _endings(stem))}"
    return expression, len(term) + (_ENDING_CHARS + 3) * (len(words) + 1)


def _named(name: str) -> tuple[str, int]:
    """As it is written, or in capitals: many a name is a word too."""
    words = name.split()
    plain, loud = (_BETWEEN.join(quoted(each) for each in spelled) for spelled in (words, name.upper().split()))
    either = plain if plain == loud else f"(?:{plain}|{loud})"
    expression = f"{_edge(name[0])}{either}{_ended((name, ''), _GENITIVE)}"
    return expression, len(name) + 3 * len(words) + 2


def _stem(word: str) -> tuple[str, str]:
    """The word in two parts: what stays, and an ending that others may stand in for."""
    for ending in _INSTEAD:
        stem = word.removesuffix(ending)
        if stem != word and word.isalpha() and len(stem) >= _STEM_CHARS:
            return stem, ending
    return word, ""


def _quoted(stem: tuple[str, str]) -> str:
    return quoted(stem[0])


def _endings(stem: tuple[str, str]) -> str:
    word, ending = stem
    if ending:
        return _INSTEAD[ending]
    if not word.isalpha():
        return ""
    return _ENDINGS if len(word) >= _STEM_CHARS else _GENITIVE


def _inner(stem: tuple[str, str]) -> str:
    """The endings where another word follows."""
    endings = _endings(stem)
    return f"(?:{endings}){'' if stem[1] else '?'}" if endings else ""


def _ended(stem: tuple[str, str], endings: str) -> str:
    r"""The endings with an edge behind them.

    RE2's `\b` is one between ASCII letters and others: behind another letter `\B` is what holds beside a blank.
    """
    word, ending = stem
    if ending:
        return f"(?:{endings})\\b"
    bare = _edge(word[-1])
    return f"(?:(?:{endings})\\b|{bare})" if endings else bare


def _edge(char: str) -> str:
    if char.isascii() and (char.isalnum() or char == "_"):
        return r"\b"
    return r"\B" if char.isalnum() else ""
