"""What is known of Claude models, as data: how much they can write and how they are told to think.

The Messages API demands `max_tokens`; a caller of another dialect may leave it out and means "as much as the model
can".  Used by the encoders of this package and of Bedrock, which serves the same models under longer names.
Source: the model pages of platform.claude.com, as of November 2026.
"""

import re
from typing import Final, Literal

FALLBACK_MAX_TOKENS: Final = 4096
"""For a model that is not in the table: every Claude model can write this much."""

ThinkingStyle = Literal["none", "budget", "adaptive"]
"""How a model is told to think: not at all, by a number of tokens, or by an effort."""

_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_MAX_OUTPUT: Final = (  # the first row that is not newer than the model: (version, family or "", tokens)
    ((4, 6), "", 128_000),
    ((4, 5), "", 64_000),
    ((4, 0), "opus", 32_000),
    ((4, 0), "", 64_000),
    ((3, 7), "", 64_000),
    ((3, 5), "", 8_192),
    ((0, 0), "", FALLBACK_MAX_TOKENS),
)
_USUAL_LEAST_CACHED: Final = 1_024
_LEAST_CACHED: Final = (  # (from version, to version, family, tokens): platform.claude.com, prompt caching
    ((3, 0), (3, 5), "haiku", 2_048),
    ((4, 5), (4, 5), "haiku", 4_096),
    ((4, 5), (4, 7), "opus", 4_096),
    ((5, 0), (5, 9), "opus", 512),
)
_EFFORT_BUDGETS: Final = (
    ("minimal", 1_024),
    ("low", 2_048),
    ("medium", 8_192),
    ("high", 16_384),
    ("xhigh", 24_576),
    ("max", 31_999),
)
MIN_BUDGET_TOKENS: Final = 1_024
EFFORTS: Final = tuple(name for name, _ in _EFFORT_BUDGETS)


def _version(model: str) -> tuple[int, int] | None:
    found = _VERSION.search(model)
    return None if found is None else (int(found[1]), int(found[2] or 0))


def max_output_tokens(model: str) -> int:
    """The most that `model` can write in one answer; `FALLBACK_MAX_TOKENS` where that is not known."""
    version = _version(model)
    if version is None:
        return FALLBACK_MAX_TOKENS
    return next(most for since, family, most in _MAX_OUTPUT if version >= since and family in model)


def thinking_style(model: str) -> ThinkingStyle:
    """How `model` takes a wish for thinking.  Other vendors' models behind this API take a budget."""
    version = _version(model)
    if version is None:
        return "adaptive" if "claude" in model else "budget"
    if version >= (4, 6):
        return "adaptive"
    return "budget" if version >= (3, 7) else "none"


def least_cached_tokens(model: str) -> int:
    """From which length on the provider keeps what a prompt begins with; the usual length for a stranger."""
    version = _version(model)
    if version is None:
        return _USUAL_LEAST_CACHED
    return next(
        (least for since, until, family, least in _LEAST_CACHED if since <= version <= until and family in model),
        _USUAL_LEAST_CACHED,
    )


def budget_of(effort: str) -> int:
    """Tokens of thinking for an effort on OpenAI's scale, for models that take a budget."""
    return next(tokens for name, tokens in _EFFORT_BUDGETS if name == effort)
