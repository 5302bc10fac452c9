"""Which language a text is in: by its script where that is enough, else by py3langid among the languages chosen.

Needs the extra `language`.  What is too short, or hardly made of letters, has no language: a guard must not refuse
“OK”.  Called by the scope guard.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from penstock.core.errors import ConfigError

USUAL: Final = (
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "it", "ja", "ko",
    "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "zh",
)  # fmt: skip
"""Whose choice is made where none is: the languages of the EU's states and the most spoken ones."""

_READ_CHARS: Final = 1_000
_LEAST_LETTERS: Final = 12
_LEAST_WORDS: Final = 3
_LEAST_SURE: Final = 0.7
_ALONE: Final = MappingProxyType(
    {
        "HIRAGANA": "ja",
        "KATAKANA": "ja",
        "HANGUL": "ko",
        "THAI": "th",
        "HEBREW": "he",
        "GREEK": "el",
        "GEORGIAN": "ka",
        "ARMENIAN": "hy",
        "TAMIL": "ta",
        "TELUGU": "te",
        "BENGALI": "bn",
        "KHMER": "km",
        "LAO": "lo",
    }
)
"""Scripts in which one language is written, of those that people write to assistants in."""
_DENSE: Final = frozenset({"HIRAGANA", "KATAKANA", "HANGUL", "CJK", "THAI"})
"""In these a letter says as much as several of others, or words are not apart."""


class Language(NamedTuple):
    """`code` is ISO 639-1, None where it cannot be said; then `confidence` is 0."""

    code: str | None
    confidence: float


_UNKNOWN: Final = Language(None, 0.0)


class Languages:
    """Tells the chosen languages apart, and takes any other for the nearest of them, but for other scripts.

    Immutable, safe in any thread; 20 to 200 µs a text.  Raises `ConfigError` for a code that is not known, and where
    the extra is not installed.
    """

    def __init__(self, codes: Sequence[str] = USUAL) -> None:
        self._codes = tuple(dict.fromkeys(codes))
        self._identifier = _identifier(self._codes)

    def of(self, text: str) -> Language:
        """Looks at the first thousand characters."""
        letters = [char for char in text[:_READ_CHARS] if char.isalpha()]
        scripts = Counter(map(_script, letters))
        if not scripts:
            return _UNKNOWN
        script, number = scripts.most_common(1)[0]
        if scripts["HIRAGANA"] + scripts["KATAKANA"] > len(letters) // 10:
            script = "HIRAGANA"  # Japanese has many letters of Chinese
        elif number * 2 < len(letters):
            return _UNKNOWN
        if len(letters) < (_LEAST_LETTERS // 4 if script in _DENSE else _LEAST_LETTERS):
            return _UNKNOWN
        if script in _ALONE:
            return Language(_ALONE[script], number / len(letters))
        if script == "CJK":
            return Language("zh", number / len(letters))
        if len(text[:_READ_CHARS].split()) < _LEAST_WORDS:
            return _UNKNOWN
        code, sure = self._identifier.classify(text[:_READ_CHARS].lower())
        return Language(str(code), float(sure)) if sure >= _LEAST_SURE else _UNKNOWN


@lru_cache(maxsize=4_096)
def _script(char: str) -> str:
    return unicodedata.name(char, "?").split(" ", 1)[0].split("-", 1)[0]


@lru_cache(maxsize=8)
def _identifier(codes: tuple[str, ...]) -> Any:
    """py3langid's own object, which is only read once its languages are set."""
    try:
        langid: Any = import_module("py3langid.langid")  # of an extra that not everybody has, and without types
    except ImportError:
        raise ConfigError(
            "telling languages apart needs the extra `language`: pip install 'penstock[language]'"
        ) from None
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    try:
        identifier.set_languages(list(codes))
    except ValueError as error:
        raise ConfigError(f"a language is not known: {error}") from None
    return identifier
