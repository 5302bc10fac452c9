"""What is said in place of an error where a request is refused, made for one model from its settings."""

from penstock.app.guards.scope import languages_of
from penstock.config.guards import ScopeSettings
from penstock.core.exchange import Exchange
from penstock.guard.scope.language import Languages
from penstock.guard.scope.refusal import refusal_text
from penstock.guard.texts import segments_of


class Refusing:
    """`guard.stage.Refuse`.  Raises `ConfigError`, its path below `scope`, where the language cannot be told."""

    def __init__(self, general: str | None, scope: ScopeSettings | None) -> None:
        self._general = general
        self._own = None if scope is None else scope.refusal
        self._has_scopes = scope is not None and (scope.polite or scope.refusal is not None)
        self._languages: Languages | None = None
        if scope is not None and scope.mode == "enforce" and (scope.polite or isinstance(scope.refusal, dict)):
            self._languages = languages_of(scope, "polite" if scope.polite else "refusal")

    def __call__(self, exchange: Exchange, guard: str) -> str | None:
        """None where the error is to be told."""
        if not self._has_scopes or not guard.startswith("scope"):
            return self._general
        language = None
        if self._languages is not None:
            said = [each.text for each in segments_of(exchange.request) if each.trust == "user" and each.is_said]
            language = self._languages.of(said[-1]).code if said else None
        return refusal_text(language, self._own)
