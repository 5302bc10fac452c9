"""Amounts of money in a text: `€1.234,50`, `1,200 USD`, `CHF 5'000`, `2.5 million dollars`, `3 Mio. Euro`.

What a number's marks mean is told by how they stand: the last of two kinds is the decimal one, and a single one is
where it has one or two digits behind it; a bare `$` is a US dollar.  What is not clear is read as the larger, since a
person looks at it then.
"""

import re
from decimal import Decimal

_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "zł": "PLN"}
_WORDS = {
    "euro": "EUR",
    "euros": "EUR",
    "dollar": "USD",
    "dollars": "USD",
    "dólares": "USD",
    "dólar": "USD",
    "franken": "CHF",
    "francs": "CHF",
    "franchi": "CHF",
    "pfund": "GBP",
    "pounds": "GBP",
    "pound": "GBP",
    "sterling": "GBP",
    "yen": "JPY",
}
_CODES = (
    "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "PLN", "CZK", "SEK", "NOK", "DKK", "HUF", "RON", "BGN", "TRY",
    "RUB", "KRW", "CAD", "AUD", "NZD", "BRL", "MXN", "ZAR", "SGD", "HKD", "AED", "SAR", "ILS",
)  # fmt: skip
_SCALES = {
    "k": 10**3,
    "tausend": 10**3,
    "thousand": 10**3,
    "mil": 10**3,
    "mille": 10**3,
    "mila": 10**3,
    "m": 10**6,
    "mio": 10**6,
    "mln": 10**6,
    "million": 10**6,
    "millions": 10**6,
    "millionen": 10**6,
    "millones": 10**6,
    "milioni": 10**6,
    "milhões": 10**6,
    "mrd": 10**9,
    "bn": 10**9,
    "billion": 10**9,
    "milliarden": 10**9,
    "milliards": 10**9,
}

_SPACE = r"[ \u00a0\u202f]?"
_NUMBER = r"\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)*"
_SCALE = rf"(?:{_SPACE}(?P<scale{{0}}>{'|'.join(sorted(_SCALES, key=len, reverse=True))})\b\.?)?"
_MONEY = "|".join(map(re.escape, _SYMBOLS))
_NAMED = "|".join((*_CODES, *_WORDS))
_BEFORE = re.compile(
    rf"(?:(?P<mark>{_MONEY})|\b(?P<code>{'|'.join(_CODES)})){_SPACE}(?P<number>{_NUMBER}){_SCALE.format('')}",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"(?<![\d.,'\u2019])(?P<number>{_NUMBER}){_SCALE.format('')}{_SPACE}(?:de{_SPACE})?"
    rf"(?:(?P<mark>{_MONEY})|(?P<code>{_NAMED})\b)",
    re.IGNORECASE,
)
_LONGEST_CHARS = 200_000


def amounts(text: str) -> list[tuple[str, Decimal]]:
    """Currency and amount of each that is found; of a very long text, in its first 200,000 characters."""
    looked = text[:_LONGEST_CHARS]
    found: list[tuple[str, Decimal]] = []
    for pattern in (_BEFORE, _AFTER):
        for match in pattern.finditer(looked):
            currency = _currency(match["mark"] or match["code"])
            scale = _SCALES.get((match["scale"] or "").casefold(), 1)
            found.append((currency, _number(match["number"]) * scale))
    return found


def most_of(text: str, currency: str) -> Decimal | None:
    """The largest amount in one currency; None where there is none."""
    return max((amount for name, amount in amounts(text) if name == currency), default=None)


def _currency(written: str) -> str:
    lower = written.casefold()
    return _SYMBOLS.get(lower) or _WORDS.get(lower) or written.upper()


def _number(written: str) -> Decimal:
    bare = re.sub(r"[ \u00a0\u202f'\u2019]", "", written)
    dots, commas = bare.count("."), bare.count(",")
    if dots and commas:
        decimal = "." if bare.rfind(".") > bare.rfind(",") else ","
    elif dots + commas == 1 and len(bare) - 1 - max(bare.rfind("."), bare.rfind(",")) != 3:
        decimal = "." if dots else ","
    else:
        decimal = ""  # one mark before three digits, or many: thousands
    whole, _, part = bare.rpartition(decimal) if decimal else (bare, "", "")
    return Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{part or '0'}")
