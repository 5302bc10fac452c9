"""Native form fields with labels, and the dialog that asks for a few of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from nicegui import ui

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.region import to_sign_in
from penstock.console.web.layout.parts.text import Text, attach, box, button, note
from penstock.console.web.view import View

_VALUE = "(e) => emit(e.target.value)"
_CHECKED = "(e) => emit(e.target.checked)"
_numbers = count()


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form.  `options` are values and words; a `many` field's answer is a list."""

    name: str
    label: str
    kind: Literal["text", "number", "choice", "many", "moment"] = "text"
    hint: str = ""
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    is_required: bool = False


def typed(label: str, value: str, on_value: Callable[[str], Any], *, kind: str = "text") -> ui.element:
    """A field without a visible label, for toolbars; told a third of a second after the last letter."""
    made = box("input", "field", type=kind, defaultValue=value, aria_label=label, placeholder=label)
    return made.on("input", lambda e: on_value(str(e.args)), js_handler=_VALUE, throttle=0.3, leading_events=False)


def pick(label: str, value: str, options: Sequence[tuple[str, str]], on_value: Callable[[str], Any]) -> ui.element:
    """A native choice without a visible label."""
    made = box("select", "field short", aria_label=label)
    _options(made, value, options)
    return made.on("change", lambda e: on_value(str(e.args)), js_handler=_VALUE)


def _options(select: ui.element, value: str, options: Sequence[tuple[str, str]]) -> None:
    with select:
        for each, words in options:
            option = Text("option", words, value=each)
            if each == value:
                option.props["selected"] = True


def _draw(field: Field, answers: dict[str, Any]) -> None:
    name = f"field-{next(_numbers)}"

    def take(event: Any) -> None:
        answers[field.name] = str(event.args)

    if field.kind == "many":
        _draw_many(field, answers)
        return
    answers[field.name] = field.value
    Text("label", field.label, for_=name)
    if field.kind == "choice":
        made = box("select", "field", id=name)
        _options(made, field.value, field.options)
        made.on("change", take, js_handler=_VALUE)
    else:
        kind = {"number": "number", "moment": "datetime-local"}.get(field.kind, "text")
        made = box("input", "field", id=name, type=kind, defaultValue=field.value, autocomplete="off")
        attach(made, **({"step": "any"} if field.kind == "number" else {}))
        made.on("input", take, js_handler=_MOMENT if field.kind == "moment" else _VALUE)
    if field.is_required:
        made.props["required"] = True
    if field.hint:
        Text("p", field.hint, "hint")


_MOMENT = "(e) => emit(e.target.value ? new Date(e.target.value).toISOString() : '')"
"""The browser's own zone into UTC."""


def _draw_many(field: Field, answers: dict[str, Any]) -> None:
    chosen: list[str] = []
    answers[field.name] = chosen

    def mark(option: str, is_marked: bool) -> None:  # noqa: FBT001 - what the box says
        if is_marked and option not in chosen:
            chosen.append(option)
        elif not is_marked and option in chosen:
            chosen.remove(option)

    with box("fieldset"):
        Text("legend", field.label)
        for option, words in field.options:
            with box("label", "choice"):
                made = box("input", type="checkbox")
                made.on("change", lambda e, option=option: mark(option, bool(e.args)), js_handler=_CHECKED)
                Text("span", words)
        if field.hint:
            Text("p", field.hint, "hint")


Submit = Callable[[dict[str, Any]], Awaitable[None]]


def ask(
    view: View,
    title: str,
    fields: Sequence[Field],
    submit: Submit,
    *,
    label: str,
    text: str = "",
    before: Callable[[], None] | None = None,
) -> None:
    """A dialog with a form.  What the API refuses is said in it, and it stays open.

    `before` draws what is no plain field, ahead of the others.
    """
    answers: dict[str, Any] = {}
    with _sheet(title, text) as dialog:
        if before is not None:
            before()
        for field in fields:
            _draw(field, answers)
        said = box("div", role="alert")

        async def send() -> None:
            said.clear()
            missing = [each.label for each in fields if each.is_required and not answers[each.name]]
            if missing:
                with said:
                    note(f"Still missing: {', '.join(missing)}.", "bad")
                return
            try:
                await submit(answers)
            except ApiRefused as refused:
                if refused.is_signed_out:
                    to_sign_in(view)
                    return
                with said:
                    note(refused.message, "bad")
                return
            dialog.close()

        with box("div", "ends"):
            button("Cancel", dialog.close)
            button(label, send, kind="main")


def confirm(title: str, text: str, label: str, action: Callable[[], Awaitable[Any]]) -> None:
    """Ask before something is lost."""
    with _sheet(title, text) as dialog:

        async def go() -> None:
            dialog.close()
            await action()

        with box("div", "ends"):
            button("Cancel", dialog.close)
            button(label, go, kind="danger")


def reveal(title: str, text: str, secret: str) -> None:
    """Show something once, until it is put away."""
    with _sheet(title, text, is_persistent=True) as dialog:
        Text("code", secret, "secret")
        with box("div", "ends"):
            button("Copy", lambda: ui.clipboard.write(secret), icon="content_copy")
            button("I have kept it", dialog.close, kind="main")


class _sheet:  # noqa: N801 - reads as a block
    """A dialog with a heading, open when the block ends; gone from the page when it is closed."""

    def __init__(self, title: str, text: str, *, is_persistent: bool = False) -> None:
        name = f"dialog-{next(_numbers)}"
        with ui.context.client.layout:  # NiceGUI ends a dialog with whatever it was opened from
            self.dialog = ui.dialog()
        self.dialog.props["aria-labelledby"] = name
        if is_persistent:
            self.dialog.props["persistent"] = True
        self.dialog.on("hide", self.dialog.delete)
        with self.dialog:
            self._inner = box("div", "sheet-dialog")
        with self._inner:
            Text("h2", title, id=name)
            if text:
                Text("p", text)

    def __enter__(self) -> ui.dialog:
        self._inner.__enter__()
        return self.dialog

    def __exit__(self, *ended: object) -> None:
        self._inner.__exit__(*ended)  # pyright: ignore[reportUnknownMemberType] - NiceGUI's
        self.dialog.open()


def without_blanks(answers: Mapping[str, Any]) -> dict[str, Any]:
    """A body without the fields that nobody filled in: the API's own defaults hold for them."""
    return {name: value for name, value in answers.items() if value not in ("", [], None)}
