"""Amounts as people read them: money, times, counts and shares, each always with the same number of digits."""

NANO = 1_000_000_000


def usd(nanousd: float | None, *, digits: int = 2) -> str:
    """Billionths of a dollar in dollars; an en dash where nobody knows."""
    if nanousd is None:
        return "\N{EN DASH}"
    amount = nanousd / NANO
    least = 10**-digits
    if 0 < abs(amount) < least / 2:
        return f"< ${least:.{digits}f}" if amount > 0 else f"> \N{MINUS SIGN}${least:.{digits}f}"
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{sign}${abs(amount):,.{digits}f}"


def seconds(value: float | None) -> str:
    if value is None:
        return "\N{EN DASH}"
    if abs(value) < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:,.2f} s"


def count(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """Near to all or nothing it has more digits: 99.95 % is not 100 %."""
    if value is None:
        return "\N{EN DASH}"
    percent = 100 * value
    return f"{percent:.2f} %" if 99 < percent < 100 or 0 < percent < 1 else f"{percent:.1f} %"
