"""`prompt_cache_key`, by which a provider finds the machine that may still have what a prompt begins with.

Of the OpenAI dialects, for vendors with the quirk of that name
(https://developers.openai.com/api/docs/guides/prompt-caching, https://docs.mistral.ai/studio-api/conversations).
"""

from collections.abc import Set as AbstractSet

from penstock.core.chat import ChatRequest
from penstock.core.json import JsonObject


def add_key(body: JsonObject, request: ChatRequest, quirks: AbstractSet[str]) -> None:
    """Send our key, unless the caller sent its own."""
    if request.caching is not None and "prompt_cache_key" in quirks:
        body.setdefault("prompt_cache_key", request.caching.key)
