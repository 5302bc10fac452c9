"""Tokens and money, with how well each is known.

Token counts follow one convention whatever the provider's: `input_tokens` counts everything that went in, cached and
cache-writing tokens included; `output_tokens` everything that came out, reasoning included.  (OpenAI and Gemini count
the input so; Anthropic and Bedrock leave cached tokens out, and their decoders add them.)
Money is an integer of nano-US-dollars: 1 USD = 1_000_000_000.  It is never a float.
"""

from typing import Literal, NewType

import msgspec

from penstock.core.chat import Dialect
from penstock.core.json import JsonObject

Accuracy = Literal["exact", "estimated", "unknown"]
"""`exact`: the provider said so.  `estimated`: we counted.  `unknown`: nobody can say; never read it as zero."""

NanoUsd = NewType("NanoUsd", int)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer used.  `native` is the provider's own usage object, shown to clients of the same dialect."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    accuracy: Accuracy = "exact"
    native_dialect: Dialect | None = None
    native: JsonObject | None = None


UNKNOWN_USAGE = Usage(accuracy="unknown")


class Cost(msgspec.Struct, frozen=True):
    """`amount_nanousd` is None exactly when `accuracy` is `unknown`."""

    amount_nanousd: NanoUsd | None
    accuracy: Accuracy


UNKNOWN_COST = Cost(None, "unknown")
