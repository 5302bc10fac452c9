"""Numbers as people read them.  Money is exact until it is rounded here, once, for the eye."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

NONE: Final = "–"  # noqa: RUF001 - a dash is meant
AT_LEAST: Final = "≥\N{NO-BREAK SPACE}"
"""Before a sum in which something is missing that nobody knows."""
_NANO: Final = Decimal(10) ** 9
_FINE_BELOW: Final = 10**9
"""A dollar: what is below is told in hundredths of a cent."""


def money(nanousd: int, *, of: int | None = None) -> str:
    """In US dollars; `of` is the sum beside it, whose decimals its parts have too, so that they line up."""
    decimals = 4 if abs(nanousd if of is None else of) < _FINE_BELOW else 2
    amount = (Decimal(nanousd) / _NANO).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    return f"{'−' if amount < 0 else ''}${abs(amount):,}"  # noqa: RUF001 - a minus is meant


def count(number: int) -> str:
    return f"{number:,}"


def share(of: float | None, *, decimals: int = 1) -> str:
    """A share, 0 to 1, in percent; never rounded up to the whole, nor down to nothing."""
    if of is None:
        return NONE
    said = f"{of:.{decimals}%}"
    if of < 1 and said == f"{1:.{decimals}%}":
        said = f"< {said}"
    if of > 0 and said == f"{0:.{decimals}%}":
        said = f"> {said}"
    return said.replace("%", " %")


def seconds(of: float | None) -> str:
    if of is None:
        return NONE
    return f"{of * 1000:.0f} ms" if of < 1 else f"{of:.2f} s" if of < 100 else f"{of:,.0f} s"


def change(now: float | None, before: float | None) -> str:
    """Against what was before, in percent; nothing where there was nothing."""
    if now is None or not before:
        return ""
    grown = now / before - 1
    if abs(grown) >= 10:
        return f"× {now / before:,.0f}"  # noqa: RUF001 - a sign of multiplication is meant
    return f"{'+' if grown >= 0 else '−'}{abs(grown):.1%}".replace("%", " %")  # noqa: RUF001


def points(now: float | None, before: float | None) -> str:
    """The difference of two shares, in percentage points."""
    if now is None or before is None:
        return ""
    return f"{'+' if now >= before else '−'}{abs(now - before) * 100:.2f} pp"  # noqa: RUF001


def name(of: str) -> str:
    """A name that somebody else gave: in one line, with what no reader shows left out."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in of)
    return shown or "(none)"


def day(of: date) -> str:
    return f"{of.day} {of:%B}"


def month(of: date) -> str:
    return f"{of:%B %Y}"
