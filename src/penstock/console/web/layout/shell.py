"""What is around each page: header, navigation, theme, user menu, and the states that keep a page from being shown."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from nicegui import ui

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.region import refusal, to_sign_in
from penstock.console.web.layout.parts.text import Text, attach, box
from penstock.console.web.layout.theme import TOKENS
from penstock.console.web.session.routes import PREFIX
from penstock.console.web.view import View, link

_HERE = Path(__file__).parent
THEME_COOKIE = "penstock-theme"
_THEMES = (("light", "light_mode", False), ("auto", "contrast", None), ("dark", "dark_mode", True))
_ALIVE_S = 5.0
HEAD = (
    f"<style>{TOKENS}{(_HERE / 'style.css').read_text('utf-8')}</style>"
    f"<script>{(_HERE / 'page.js').read_text('utf-8')}</script>"
)


class Shown(Protocol):
    """What the frame needs of a page; `registry.Page` is one."""

    @property
    def path(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def permission(self) -> str: ...
    @property
    def group(self) -> str: ...


async def draw(
    view: View,
    page: Shown | None,
    pages: Sequence[Shown],
    build: Callable[[], Awaitable[None]],
    *,
    theme: str,
    lead: str,
) -> int:
    """A whole page; the status to send it with."""
    refused = await _identified(view)
    _frame(view, page, pages, theme)
    status = 200
    with box("main", "page", id="main", tabindex="-1"):
        Text("h1", "There is no such page" if page is None else page.title)
        Text("p", lead, "lead")
        if page is not None and refused is None and not view.who.may(page.permission):
            refused = ApiRefused(403, "forbidden", f"This credential may not do that: it needs `{page.permission}`.")
        if refused is not None:
            status = refused.status
            refusal(refused, retry=_reload)
        elif page is None:
            status = 404
        else:
            await build()
    ui.timer(_ALIVE_S * view.pace, lambda: _still_there(view), immediate=False)
    return status


async def _identified(view: View) -> ApiRefused | None:
    try:
        await view.identify()
    except ApiRefused as refused:
        return refused
    return None


async def _reload() -> None:
    ui.navigate.reload()


async def _still_there(view: View) -> None:
    """Whose session has ended, or whose credential was revoked, does not keep looking at what is shown."""
    if await _identified(view) is not None and view.session.is_over:
        to_sign_in(view)


def _frame(view: View, page: Shown | None, pages: Sequence[Shown], theme: str) -> None:
    dark = ui.dark_mode(next(value for name, _, value in _THEMES if name == theme))
    Text("a", "Skip to content", "skip", href="#main")
    with box("header", "top"):
        menu = box("button", "icon-button menu-button", type="button", aria_label="Menu", aria_expanded="false")
        with menu:
            ui.icon("menu")
        menu.on("click", js_handler="() => window.penstock.nav(true)")
        with box("a", "brand", href=link("/"), aria_label="Penstock, overview"):
            box("i")
            Text("span", "Penstock")
        box("div", "space")
        with box("div", "where"):
            Text("span", "Tenant")
            Text("b", view.who.tenant or "all")
            if view.region is not None:
                Text("span", "in")
                Text("b", view.region)
        _themes(dark, theme)
        _user(view)
    _navigation(view, page, pages)
    veil = box("button", "veil", type="button", aria_label="Close the menu", tabindex="-1")
    veil.on("click", js_handler="() => window.penstock.nav(false)")


def _themes(dark: ui.dark_mode, theme: str) -> None:
    buttons: dict[str, ui.element] = {}

    def choose(name: str) -> None:
        for each, made in buttons.items():
            made.props["aria-pressed"] = str(each == name).lower()
        dark.value = next(value for each, _, value in _THEMES if each == name)
        ui.run_javascript(f"document.cookie = '{THEME_COOKIE}={name}; path={PREFIX}; max-age=31536000; samesite=lax'")

    with box("div", "theme", role="group", aria_label="Theme"):
        for name, icon, _ in _THEMES:
            made = box(
                "button",
                "icon-button",
                type="button",
                aria_label=f"{name} theme",
                aria_pressed=str(name == theme).lower(),
            )
            made.on("click", partial(choose, name), [])
            with made:
                ui.icon(icon)
            buttons[name] = made


def _user(view: View) -> None:
    with box("details", "user"):
        with box("summary", aria_label=f"Account: {view.who.id}"):
            ui.icon("account_circle", size="20px")
            Text("span", view.who.id)
        with box("div", "sheet"):
            Text("p", view.who.id, "mono")
            roles = ", ".join(view.who.roles) or ("everything" if view.who.permissions else "none")
            Text("p", f"May do: {roles}")
            with box("form", method="post", action=f"{PREFIX}/sign-out"):
                Text("button", "Sign out", "button", type="submit")


def _navigation(view: View, page: Shown | None, pages: Sequence[Shown]) -> None:
    seen = [each for each in pages if view.who.may(each.permission) and "{" not in each.path]
    here = "" if page is None else page.path.partition("/{")[0]
    with box("nav", "side", aria_label="Pages"):
        for group in dict.fromkeys(each.group for each in seen):
            Text("h2", group)
            with box("ul"):
                for each in seen:
                    if each.group == group:
                        _item(each, is_current=each.path == here)


def _item(page: Shown, *, is_current: bool) -> None:
    with box("li"), box("a", href=link(page.path)) as item:
        if is_current:
            attach(item, aria_current="page")
        ui.icon(page.icon)
        Text("span", page.title)
