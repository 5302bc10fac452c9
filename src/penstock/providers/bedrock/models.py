"""What the model families on Bedrock need beyond the common body, as data.

Converse is one API, but fields that it has no name for go into `additionalModelRequestFields`, where each family reads
its own words (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html).
"""

import re
from typing import Final, Literal

Family = Literal["anthropic", "nova", "openai", "qwen", "cohere", "mistral", "deepseek", "other"]

_FAMILIES: Final[tuple[tuple[str, Family], ...]] = (
    ("anthropic.", "anthropic"),
    ("claude", "anthropic"),
    ("amazon.nova", "nova"),
    ("openai.", "openai"),
    ("qwen.", "qwen"),
    ("cohere.", "cohere"),
    ("mistral.", "mistral"),
    ("deepseek.", "deepseek"),
)
REASONING_FIELDS: Final[tuple[tuple[Family, str], ...]] = (("openai", "reasoning_effort"), ("qwen", "reasoning_config"))
"""Families that take an effort as one word, and the field they read it from."""
WORD_EFFORTS: Final = ("low", "medium", "high")
NOVA_EFFORTS: Final = ("low", "medium", "high")


def family_of(model: str) -> Family:
    """The family of a model id, an inference profile or an ARN; `other` where the id does not say."""
    for mark, family in _FAMILIES:
        if mark in model:
            return family
    return "other"


def takes_cache_points(family: Family) -> bool:
    return family in {"anthropic", "nova"}


_KEEPS_PROMPTS: Final = re.compile(
    r"claude-3-7|claude-3-5-haiku|claude-(?:[a-z]+-)?(?:[4-9]|\d\d)(?!\d)|amazon\.nova-(?!canvas|reel|sonic)"
)
"""https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: any other refuses a request with a mark."""


def keeps_prompts(model: str) -> bool:
    """Whether the model is known to take cache points; an ARN that does not name its model is not."""
    return _KEEPS_PROMPTS.search(model) is not None
