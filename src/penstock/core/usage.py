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

_FROM_BEST: tuple[Accuracy, ...] = ("exact", "estimated", "unknown")

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

    def plus(self, other: "Usage") -> "Usage":
        """Both together, known as well as the less well known of them; the providers' own figures are left out."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            input_audio_tokens=self.input_audio_tokens + other.input_audio_tokens,
            output_audio_tokens=self.output_audio_tokens + other.output_audio_tokens,
            accuracy=worse(self.accuracy, other.accuracy),
        )


UNKNOWN_USAGE = Usage(accuracy="unknown")


class Cost(msgspec.Struct, frozen=True):
    """`amount_nanousd` is None exactly when `accuracy` is `unknown`."""

    amount_nanousd: NanoUsd | None
    accuracy: Accuracy

    def plus(self, other: "Cost") -> "Cost":
        """Both together; unknown where either is."""
        if self.amount_nanousd is None or other.amount_nanousd is None:
            return UNKNOWN_COST
        return Cost(NanoUsd(self.amount_nanousd + other.amount_nanousd), worse(self.accuracy, other.accuracy))


UNKNOWN_COST = Cost(None, "unknown")


def worse(first: Accuracy, second: Accuracy) -> Accuracy:
    """The accuracy of what is made of both."""
    return first if _FROM_BEST.index(first) >= _FROM_BEST.index(second) else second
