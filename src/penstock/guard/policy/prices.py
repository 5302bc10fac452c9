"""Prices that an answer states and nobody told it.

An amount of money in an answer must stand in the prompt, a document or a tool's result: a model that makes one up
makes an offer.  Whole answers only.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.verdict import Finding

_CURRENCIES: Final = MappingProxyType(
    {
        "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
        "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
        "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP",
        "chf": "CHF", "franken": "CHF", "francs": "CHF",
        "¥": "JPY", "jpy": "JPY", "yen": "JPY", "₹": "INR", "inr": "INR", "zł": "PLN", "pln": "PLN",
    }
)  # fmt: skip
_SIGN: Final = r"us\$|[$€£¥₹]|usd|eur|gbp|chf|jpy|inr|pln"
_WORD: Final = r"[$€£¥₹]|zł|usd|eur|gbp|chf|jpy|inr|pln|euros?|dollars?|pounds?|yen|franken|francs"
_NUMBER: Final = r"\d{1,3}(?:[.,' \x{2019}]\d{3}){0,4}(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?"
_MONEY: Final = compiled(rf"(?i)(?:({_SIGN})\s?({_NUMBER})|({_NUMBER})\s?({_WORD}))(?:\W|\z)")


def unquoted_prices(answer: str, sources: Sequence[str]) -> list[Finding]:
    """The amounts in the answer that stand in none of the sources, in the same currency; `policy.price`."""
    told = {amount for source in sources for amount, _, _ in _amounts(source)}
    return [
        Finding("policy.price", "PRICE", begin, end) for amount, begin, end in _amounts(answer) if amount not in told
    ]


def _amounts(text: str) -> Iterator[tuple[tuple[str, Decimal], int, int]]:
    for match in _MONEY.finditer(sound(text)):
        sign, number = (1, 2) if match.group(1) is not None else (4, 3)
        amount = _amount(match.group(number) or "")
        if amount is not None:
            currency = _CURRENCIES[(match.group(sign) or "").lower()]
            yield (
                (currency, amount),
                min(match.start(sign), match.start(number)),
                max(match.end(sign), match.end(number)),
            )


def _amount(number: str) -> Decimal | None:
    """1,299.00 and 1.299,00 are the same; three digits after the only sign are thousands."""
    plain = number.replace(" ", "").replace("'", "").replace("\u2019", "")
    at = max(plain.rfind("."), plain.rfind(","))
    if at >= 0 and len(plain) - at - 1 != 3:
        plain = f"{plain[:at].replace('.', '').replace(',', '')}.{plain[at + 1 :]}"
    else:
        plain = plain.replace(".", "").replace(",", "")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None
