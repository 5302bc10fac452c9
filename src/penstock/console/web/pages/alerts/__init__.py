"""Alerts: what was noticed and who knows, the rules it comes from, what nobody is told of, and who is told.

A further view is a row in `_VIEWS` and a function that draws it.
"""

from collections.abc import Awaitable, Callable

from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.pages.alerts.channels import channels, deliveries
from penstock.console.web.pages.alerts.rules import rules
from penstock.console.web.pages.alerts.silences import silences
from penstock.console.web.pages.alerts.told import told
from penstock.console.web.view import View

_VIEWS: tuple[tuple[str, str, Callable[[View], bool], Callable[[View], Awaitable[None]]], ...] = (
    ("told", "Alerts", lambda _: True, told),
    ("rules", "Rules", lambda _: True, rules),
    ("silences", "Silences", lambda _: True, silences),
    ("deliveries", "Deliveries", lambda view: view.who.tenant is None, deliveries),
    ("channels", "Channels", lambda view: view.who.may("webhooks.write") and view.who.may("config.read"), channels),
)
"""By name: its words, who sees it beyond those who see the page, and what draws it."""


async def build(view: View) -> None:
    seen = [each for each in _VIEWS if each[2](view)]
    current = tabs(view, [(name, words) for name, words, _, _ in seen])
    for name, _, _, draw in seen:
        if name == current:
            await draw(view)
