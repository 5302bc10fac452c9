"""Quality: how good answers were and by which checks, what failed, what people said, and what the judge cost.

A further view is a row in `_VIEWS` and a function that draws it.
"""

from collections.abc import Awaitable, Callable

from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.pages.quality.answers import answers
from penstock.console.web.pages.quality.failures import failures
from penstock.console.web.pages.quality.outcomes import outcomes
from penstock.console.web.pages.quality.sample import sample
from penstock.console.web.pages.quality.scores import checks, scores
from penstock.console.web.view import View

_VIEWS: tuple[tuple[str, str, str, Callable[[View], Awaitable[None]]], ...] = (
    ("scores", "Scores", "figures.read", scores),
    ("checks", "Checks", "figures.read", checks),
    ("answers", "Answers", "ledger.read", answers),
    ("failures", "Failures", "figures.read", failures),
    ("outcomes", "Feedback and outcomes", "figures.read", outcomes),
    ("sample", "Sample and judge", "figures.read", sample),
)
"""By name: its words, the permission of what it asks, and what draws it."""


async def build(view: View) -> None:
    seen = [each for each in _VIEWS if view.who.may(each[2])]
    kept = {name: view.query.get(name, "")[:300] for name in ("range", "zone", "tenant", "assistant")}
    current = tabs(view, [(name, words) for name, words, _, _ in seen], **kept)
    for name, _, _, draw in seen:
        if name == current:
            await draw(view)
