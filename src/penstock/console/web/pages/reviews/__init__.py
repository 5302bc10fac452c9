"""Reviews: answers that wait for a person, what was decided, and what is learned from it."""

from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.pages.reviews import groups, learned, queue, seconds
from penstock.console.web.pages.reviews.hold import one
from penstock.console.web.view import View

__all__ = ["build", "one"]

_VIEWS = (
    ("queue", "Queue", "review.read", queue.waiting),
    ("all", "All", "review.read", queue.everything),
    ("second", "Second looks", "review.write", seconds.second_looks),
    ("learned", "What is learned", "review.read", learned.learned),
    ("cases", "Cases", "review.read", learned.cases),
    ("remarks", "Remarks", "review.read", learned.remarks),
    ("groups", "Groups", "review.manage", groups.members),
)


async def build(view: View) -> None:
    seen = [each for each in _VIEWS if view.who.may(each[2])]
    current = tabs(view, [(name, words) for name, words, _, _ in seen])
    for name, _, _, draw in seen:
        if name == current:
            await draw(view)
