"""What the checks of answers read words with: the guard's own, so that both mean the same by a refusal."""

from collections.abc import Callable

from penstock.config.quality import quality_of
from penstock.config.types import Config
from penstock.guard.policy.refusals import refusal
from penstock.guard.scope.language import Languages
from penstock.guard.scope.repetition import loop_in
from penstock.watch.quality.checks import Words


def words_of(config: Config) -> Words:
    """Raises `ConfigError` where languages are to be told apart and nothing here can."""
    policies = [quality_of(config.quality, model.quality) for model in (None, *config.models.values()) if model]
    policies.append(quality_of(config.quality, None))
    is_told = any("language" in each.checks and each.sample > 0 for each in policies)
    language: Callable[[str], str | None] = _of(Languages()) if is_told else _unknown
    return Words(
        refusal=lambda text: refusal(text).score, is_loop=lambda text: loop_in(text) is not None, language=language
    )


def _of(languages: Languages) -> Callable[[str], str | None]:
    return lambda text: languages.of(text).code


def _unknown(text: str) -> str | None:
    del text
    return None
