"""What the admin API shows of a comparison, with what it takes for granted said beside it."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from penstock.watch.tokens import family_of

ASSUMPTIONS = (
    "Token counts are those that the exchange had at its own target; another tokenizer makes more or fewer of them.",
    "Tokens of a provider's cache are priced so here too, where there is a price; `uncached_nanousd` has none of it.",
    "Answers are taken to be as long, and to think as long, elsewhere.",
    "One-hour cache writes, audio and web searches are in no column of the ledger: priced as other tokens, or not.",
)
_OPENAI = ("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-")


class TokenDifference(BaseModel):
    """How many tokens the one makes of what the other counts as one."""

    known: Literal["same", "about", "unknown"]
    factor: str | None = Field(description="A mean over recorded answers, where `known` is `about`.")


class Measured(BaseModel):
    """Of the target's own exchanges in this time.  Calls that failed and went on elsewhere are not among them."""

    exchanges: int
    failed: int = Field(description="Ended as `upstream_failed` or `deadline`.")
    median_s: float | None
    p95_s: float | None
    first_event_median_s: float | None
    first_event_p95_s: float | None


class RecordedTarget(BaseModel):
    target: str
    exchanges: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    recorded_nanousd: int = Field(description="What the ledger says.")
    recomputed_nanousd: int | None = Field(
        description="The same by the prices that are used here: how far they can be trusted.  Null: no price known."
    )
    measured: Measured | None


class CandidateLine(BaseModel):
    """What the exchanges of one target would have cost."""

    target: str
    recorded_nanousd: int
    nanousd: int | None
    uncached_nanousd: int | None
    tokens: TokenDifference


class Candidate(BaseModel):
    target: str
    nanousd: int | None = Field(description="The sum of the lines; null where a price is not known.")
    uncached_nanousd: int | None
    difference_nanousd: int | None = Field(description="Against what was recorded; negative where it is cheaper.")
    reason: str | None
    lines: list[CandidateLine]
    measured: Measured | None = Field(description="Null where it had no traffic: nothing is known of its speed.")


class LeftOutView(BaseModel):
    reason: str = Field(description="unknown_cost, parts_exceed_whole or several_calls.")
    exchanges: int
    nanousd: int


class Comparison(BaseModel):
    """Of one tenant and model, or of all; embeddings too."""

    since: datetime
    until: datetime
    tenant: str | None
    model: str | None
    prices: Literal["then", "now"]
    exchanges: int
    recorded_nanousd: int
    recorded: list[RecordedTarget]
    candidates: list[Candidate]
    left_out: list[LeftOutView] = Field(description="Exchanges that are in no sum here, and what they cost.")
    assumptions: list[str] = list(ASSUMPTIONS)


def tokens_of(model: str, other: str) -> TokenDifference:
    """What is known of the two models' tokenizers."""
    first, second = family_of(model), family_of(other)
    if model == other or (first == second and all(_is_openai(each) for each in (model, other))):
        return TokenDifference(known="same", factor=None)
    is_known = all(_is_openai(name) or family.names for name, family in ((model, first), (other, second)))
    if not is_known or first.encoding != second.encoding:
        return TokenDifference(known="unknown", factor=None)
    factor = Decimal(str(second.factor)) / Decimal(str(first.factor))
    return TokenDifference(known="about", factor=f"{factor:.2f}")


def _is_openai(model: str) -> bool:
    return model.startswith(_OPENAI)
