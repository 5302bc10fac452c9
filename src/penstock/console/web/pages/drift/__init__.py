"""Drift: what has changed in what assistants are asked and answer, week by week, and what is watched.

A further view is a row in `_VIEWS` and a function that draws it.
"""

from collections.abc import Awaitable, Callable, Mapping

from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.pages.drift.course import course
from penstock.console.web.pages.drift.findings import findings
from penstock.console.web.pages.drift.watched import watched
from penstock.console.web.pages.drift.weeks import weeks
from penstock.console.web.view import View

_VIEWS: Mapping[str, tuple[str, Callable[[View], Awaitable[None]]]] = {
    "findings": ("Findings", findings),
    "weeks": ("Week by week", weeks),
    "feature": ("One feature", course),
    "watched": ("What is watched", watched),
}


async def build(view: View) -> None:
    current = tabs(view, [(name, words) for name, (words, _) in _VIEWS.items()])
    await _VIEWS[current][1](view)
