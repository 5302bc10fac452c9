"""The smallest parts.  What they are given is always written as text, never as HTML."""

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement


class Text(TextElement):
    """An element with a text: `Text("h2", "Keys")`."""

    def __init__(self, tag: str, text: str = "", classes: str = "", **attributes: str) -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)
        attach(self, **attributes)


def box(tag: str = "div", classes: str = "", **attributes: str) -> ui.element:
    """An element that holds others."""
    return attach(ui.element(tag).classes(classes), **attributes)


def attach(element: Any, **attributes: str) -> Any:
    """Set attributes; `_` in a name stands for `-` (`aria_label`), one at the end for nothing (`for_`).

    What a field begins with is its `defaultValue`: a `value` would be written into it again whenever anything on the
    page changes, over what somebody is typing.
    """
    for name, value in attributes.items():
        element.props[name.rstrip("_").replace("_", "-")] = value
    return element


class Moment(ui.element, component="moment.js"):
    """A time (ISO 8601), written in the zone of whoever looks; to the second, if `exactly`."""

    def __init__(self, at: str, *, exactly: bool = False) -> None:
        super().__init__()
        self.props["at"] = at
        self.props["exactly"] = exactly


def badge(text: str, tone: str = "") -> Text:
    return Text("span", text, f"badge {tone}")


def button(label: str, on_click: Callable[[], Any], *, kind: str = "", icon: str | None = None) -> ui.element:
    """`kind` is `main`, `danger`, `small` or nothing.  `on_click` may be awaited."""
    client = ui.context.client

    async def press() -> None:
        with client:  # the page and not the button: that may be gone before what it began has an end to tell
            under_way = on_click()
            if iscoroutine(under_way):  # a dialog can be awaited too, which is not meant
                await under_way

    made = box("button", f"button {kind}", type="button")
    with made:
        if icon is not None:
            ui.icon(icon)
        Text("span", label)
    made.on("click", press, [])
    return made


def tile(label: str, value: str, note: str = "") -> None:
    """A figure with its name, inside `tiles()`."""
    with box("div", "tile"):
        Text("dt", label)
        Text("dd", value)
        if note:
            Text("dd", note, "small")


def tiles() -> ui.element:
    return box("dl", "tiles")


def card(title: str | None = None) -> ui.element:
    made = box("section", "card")
    if title is not None:
        with made, box("div", "head"):
            Text("h2", title)
    return made


def note(text: str, tone: str = "info", items: tuple[str, ...] = ()) -> None:
    with box("div", f"note {tone}"):
        Text("div", text)
        if items:
            with box("ul"):
                for item in items:
                    Text("li", item)


def facts(*pairs: tuple[str, str]) -> None:
    with box("dl", "facts"):
        for label, value in pairs:
            Text("dt", label)
            Text("dd", value or "\N{EN DASH}")


def empty(icon: str, title: str, text: str) -> None:
    """Nothing is here: say what to do next."""
    with box("div", "empty"):
        ui.icon(icon)
        Text("h2", title)
        Text("p", text)
