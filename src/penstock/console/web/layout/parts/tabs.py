"""Views within a page: links, so that each has an address of its own, as `tab`."""

from collections.abc import Sequence

from penstock.console.web.layout.parts.text import Text, attach, box
from penstock.console.web.view import View, link


def tabs(view: View, options: Sequence[tuple[str, str]], **kept: str) -> str:
    """Draws them and says which is looked at; the first is what an address without one means.  `kept` stays."""
    names = [name for name, _ in options]
    wanted = view.query.get("tab", "")
    current = wanted if wanted in names else names[0]
    if current != names[0]:
        view.aside["tab"] = current
    said = {name: value for name, value in kept.items() if value}
    with box("nav", "tabs", aria_label="Views"):
        for name, words in options:
            address = link(view.path, **({} if name == names[0] else {"tab": name}), **said)
            made = Text("a", words, href=address)
            if name == current:
                attach(made, aria_current="page")
    return current
