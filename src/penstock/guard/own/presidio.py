"""Microsoft's Presidio as a guard of its own, beside ours or in place of it: the extra `presidio`.

It finds what Presidio's English recognisers find, and people, places and the like where one of spaCy's English models
is installed; nothing is fetched.  Its kinds stay Presidio's own (`US_SSN`, `IBAN_CODE`).
"""

from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from typing import Any, Final

from penstock.core.errors import ConfigError
from penstock.guard.own.opinion import Inquiry, Opinion, Questions, Span
from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.personal.masking import apart
from penstock.guard.verdict import Finding

LEAST_SCORE: Final = 0.4
"""Below it are patterns that Presidio itself takes for nothing without words around them that speak for them."""
NOBODYS: Final = frozenset({"DATE_TIME", "URL"})
"""Of nobody in particular: a text without its dates and addresses says little."""
_MODELS: Final = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm")
_TOKEN: Final = compiled(r"<[A-Z][A-Z_]{0,31}_[0-9]{1,9}>")


class Presidio:
    """`guard.own.opinion.GuardPlugin`.  Raises `ConfigError` where the extra is not installed.

    Entry points are called without arguments: for another `least_score`, or more kinds, offer one of your own.
    """

    def __init__(self, *, least_score: float = LEAST_SCORE, without: Collection[str] = NOBODYS) -> None:
        self._engine = analyzer(installed_model())
        self._least_score = least_score
        self._without = frozenset(without)

    def judge(self, questions: Questions) -> Sequence[Opinion]:
        """Masks what it finds; blocks nothing."""
        return [self._opinion(each) for each in questions.texts]

    def _opinion(self, inquiry: Inquiry) -> Opinion:
        found = apart(self._found(inquiry.text))
        if not found:
            return Opinion()
        spans = tuple(Span(begin=each.begin, end=each.end, kind=each.kind) for each in found)
        return Opinion(action="mask", rule="presidio", score=max(each.score for each in found), spans=spans)

    def _found(self, text: str) -> Iterator[Finding]:
        if not text.strip():
            return
        # What our own guards have replaced stands for a value already.
        tokens = [(match.start(), match.end()) for match in _TOKEN.finditer(sound(text))]
        for each in self._engine.analyze(text, language="en", score_threshold=self._least_score):
            is_token = any(each.start < end and begin < each.end for begin, end in tokens)
            if each.entity_type not in self._without and each.start < each.end and not is_token:
                yield Finding("presidio", each.entity_type, each.start, each.end, min(float(each.score), 1.0))


def installed_model() -> str | None:
    """The largest of spaCy's English models that is installed."""
    util = _imported("spacy.util")
    return next((name for name in _MODELS if util.is_package(name)), None)


def analyzer(model: str | None) -> Any:
    """Presidio's engine with every English recogniser that comes with it; without a model it knows no names.

    Raises `ConfigError`.
    """
    presidio, engines, spacy = (
        _imported(name) for name in ("presidio_analyzer", "presidio_analyzer.nlp_engine", "spacy")
    )
    language = spacy.blank("en") if model is None else spacy.load(model)
    # Given its model: by itself it would fetch one.
    engine = engines.SpacyNlpEngine(models=[{"lang_code": "en", "model_name": model or "blank"}])
    engine.nlp = {"en": language}
    registry = presidio.RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    return presidio.AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])


def _imported(name: str) -> Any:
    try:
        return import_module(name)  # of an extra that not everybody has
    except ImportError as error:
        raise ConfigError(f"it needs the extra `presidio` ({error}): pip install 'penstock[presidio]'") from None
