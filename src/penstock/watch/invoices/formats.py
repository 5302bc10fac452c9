"""The exports that are known by the names of their columns, and one whose columns the operator names.

Seen in public code that reads these exports: OpenAI's costs (`amount_value`, `line_item`) and completions usage,
Anthropic's costs (`cost_usd`, `token_type`) and usage (`usage_input_tokens_no_cache`), AWS' Cost and Usage Report in
both spellings, of which only what names a model is looked at.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_CUR_REGION = re.compile(r"\A[A-Z]{2,4}\d?-")
_CUR_KIND = re.compile(r"(?i)-(?:mantle-)?(?:cache|input|output)[-_].*\Z")

FIELDS: Final = ("date", "model", "amount", "currency", "input", "output")
"""What a generic export's columns may be named for; several columns of tokens are joined by `+`."""


@dataclass(frozen=True, slots=True)
class Format:
    """Where an export says what.  `input` and `output` are added up; `needs` is what it is known by.

    `charge` is a column that tells charges for use (`usage`) from others.  Where `product` and `model` of a row do not
    look like a language model's (`is_ours`), the row is somebody else's.
    """

    name: str
    needs: tuple[str, ...]
    date: str
    model: str | None = None
    amount: str | None = None
    currency: str | None = None
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    charge: str | None = None
    product: str | None = None
    model_of: Callable[[str], str] = str.strip


def _line_item(text: str) -> str:
    """`gpt-5-nano, input_tokens` is about the model `gpt-5-nano`."""
    return text.partition(",")[0].strip()


def _usage_type(text: str) -> str:
    """`USE1-Claude3Sonnet-input-tokens` is about `Claude3Sonnet`."""
    return _CUR_KIND.sub("", _CUR_REGION.sub("", text.strip()))


def is_ours(product: str, usage_type: str) -> bool:
    """Whether a row of a Cost and Usage Report is about a model on Bedrock; resold ones have products of their own."""
    return "bedrock" in product.lower() or "token" in usage_type.lower()


def _cur(name: str, columns: Sequence[str]) -> Format:
    start, cost, currency, kind, usage_type, product = columns
    return Format(
        name,
        needs=(start, cost, usage_type),
        date=start,
        model=usage_type,
        amount=cost,
        currency=currency,
        charge=kind,
        product=product,
        model_of=_usage_type,
    )


_CUR_COLUMNS = (
    "line_item_usage_start_date",
    "line_item_unblended_cost",
    "line_item_currency_code",
    "line_item_line_item_type",
    "line_item_usage_type",
    "line_item_product_code",
)
KNOWN: tuple[Format, ...] = (
    Format(
        "openai-costs",
        needs=("start_time", "amount_value"),
        date="start_time",
        model="line_item",
        amount="amount_value",
        currency="amount_currency",
        model_of=_line_item,
    ),
    Format(
        "openai-usage",
        needs=("start_time", "num_model_requests", "input_tokens", "output_tokens", "model"),
        date="start_time",
        model="model",
        input=("input_tokens",),
        output=("output_tokens",),
    ),
    Format(
        "anthropic-costs",
        needs=("usage_date_utc", "model", "cost_usd"),
        date="usage_date_utc",
        model="model",
        amount="cost_usd",
    ),
    Format(
        "anthropic-usage",
        needs=("usage_date_utc", "model_version", "usage_input_tokens_no_cache", "usage_output_tokens"),
        date="usage_date_utc",
        model="model_version",
        input=(
            "usage_input_tokens_no_cache",
            "usage_input_tokens_cache_write",
            "usage_input_tokens_cache_write_5m",
            "usage_input_tokens_cache_write_1h",
            "usage_input_tokens_cache_read",
        ),
        output=("usage_output_tokens",),
    ),
    _cur("aws-cur", [f"lineitem/{each.removeprefix('line_item_').replace('_', '')}" for each in _CUR_COLUMNS]),
    _cur("aws-cur-2", _CUR_COLUMNS),
)


def known_by(columns: Sequence[str]) -> Format | None:
    """The export that has these columns, in small letters."""
    there = set(columns)
    return next((each for each in KNOWN if there.issuperset(each.needs)), None)


def own_format(columns: Mapping[str, str]) -> Format:
    """A format out of what the operator says: field to column.  Raises `ValueError`."""
    for field in columns:
        if field not in FIELDS:
            raise ValueError(f"there is no field `{field}`: name {', '.join(FIELDS)}")
    if "date" not in columns or not {"amount", "input", "output"} & columns.keys():
        raise ValueError("name at least the columns for `date` and for `amount`, `input` or `output`")
    named = {field: column.strip().lower() for field, column in columns.items()}
    tokens = {
        field: tuple(part.strip() for part in named.get(field, "").split("+") if part.strip())
        for field in ("input", "output")
    }
    single = [named[field] for field in ("date", "model", "amount", "currency") if field in named]
    return Format(
        "columns",
        needs=(*single, *tokens["input"], *tokens["output"]),
        date=named["date"],
        model=named.get("model"),
        amount=named.get("amount"),
        currency=named.get("currency"),
        input=tokens["input"],
        output=tokens["output"],
    )
