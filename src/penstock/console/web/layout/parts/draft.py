"""A text that somebody writes over some time: nothing of it is lost where the page is drawn anew meanwhile."""

from collections.abc import Callable

from nicegui import ui

from penstock.console.web.layout.parts.text import Text, attach


class _Draft(ui.element, component="draft.js"):
    pass


def draft(label: str, given: str, on_text: Callable[[str], None], *, hint: str = "", rows: int = 5) -> ui.element:
    """A field of several lines with its label; `on_text` is told each letter, so that no click comes before the last.

    Give it another text by setting the prop `given`.
    """
    words = Text("label", label)
    made = _Draft()
    attach(words, for_=made.html_id)
    made.props["given"] = given
    made.props["hint"] = hint
    made.props["rows"] = rows
    made.on("typed", lambda event: on_text(str(event.args)))
    return made
