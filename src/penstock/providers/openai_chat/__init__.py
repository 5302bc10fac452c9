"""OpenAI's chat completions and embeddings towards providers: OpenAI itself, Azure, and every server that speaks alike.

Deviations are data: an endpoint's `quirks` (see `providers.vendors`).
"""

from penstock.providers.openai_chat.dialect import OpenAIChatUpstream
from penstock.providers.openai_chat.errors import map_error

__all__ = ["OpenAIChatUpstream", "map_error"]
