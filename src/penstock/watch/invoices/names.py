"""Under which name a model of an invoice is the same as one of the ledger.

An invoice says `Claude Haiku 4.5`, `gpt-4o-mini-2024-07-18` or `Claude3Sonnet` for what is called as
`claude-haiku-4-5-20251001`, `gpt-4o-mini` or `anthropic.claude-3-sonnet-20240229-v1:0`.  Dates, versions of Bedrock and
makers' names are left out, and of the rest the words and numbers count, in any order.  Both names are shown.
"""

import re
from collections.abc import Mapping

_MAKER = re.compile(
    r"\A(?:[a-z]{2,6}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai|nvidia|openai"
    r"|qwen|stability|writer|xai|zai)\."
)
_VERSION = re.compile(r"-v\d+:\d+\w*\Z")
_DAY = re.compile(r"[-@]20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])\Z")
_SHORT_DAY = re.compile(r"-(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z")
_WORDS = re.compile(r"[a-z]+|\d+")


def model_key(name: str) -> str:
    """The same for two names of one model; a name of other characters alone is its own."""
    rest = name.strip().lower().rpartition("/")[2]
    rest = _VERSION.sub("", _MAKER.sub("", rest)).removesuffix("-latest")
    rest = _SHORT_DAY.sub("", _DAY.sub("", rest))
    return " ".join(sorted(_WORDS.findall(rest))) or name.strip().lower()


def keys(aliases: Mapping[str, str]) -> Mapping[str, str]:
    """Aliases (a name of the invoice to a model of the ledger) by their keys."""
    return {model_key(invoice): model_key(ledger) for invoice, ledger in aliases.items()}
