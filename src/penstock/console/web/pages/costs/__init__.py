"""Costs: what was spent and saved, by whatever it is kept by, and how the month will end.

A further view is a row in `_VIEWS` and a function that draws it.
"""

from collections.abc import Awaitable, Callable

from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.pages.costs.compare import compare
from penstock.console.web.pages.costs.forecast import forecast
from penstock.console.web.pages.costs.invoice import invoice
from penstock.console.web.pages.costs.prices import prices
from penstock.console.web.pages.costs.spending import over_time, saved, spent
from penstock.console.web.pages.costs.value import value
from penstock.console.web.view import View

_VIEWS: tuple[tuple[str, str, str, Callable[[View], Awaitable[None]]], ...] = (
    ("spent", "Spent", "figures.read", spent),
    ("saved", "Saved", "figures.read", saved),
    ("time", "Over time", "figures.read", over_time),
    ("forecast", "Forecast", "ledger.read", forecast),
    ("value", "Value", "ledger.read", value),
    ("compare", "Compare targets", "providers.read", compare),
    ("prices", "Prices", "providers.read", prices),
    ("invoice", "Invoice", "providers.read", invoice),
)
"""By name: its words, the permission of what it asks, and what draws it."""


async def build(view: View) -> None:
    seen = [each for each in _VIEWS if view.who.may(each[2])]
    kept = {name: view.query.get(name, "") for name in ("range", "zone", "by")}
    current = tabs(view, [(name, words) for name, words, _, _ in seen], **kept)
    for name, _, _, draw in seen:
        if name == current:
            await draw(view)
