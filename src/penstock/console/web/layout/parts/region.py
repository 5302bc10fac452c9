"""A part of a page that is read from the API, shown, and read again: with one place for everything that goes wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.text import Text, box, button
from penstock.console.web.view import View, sign_in_link
from penstock.core.json import dumps

LIVE_S = 5.0
Read = Callable[[], Awaitable[Any]]


class Region:
    """`await open()` once.  With `every_s` it reads again by itself, and is drawn anew where something changed.

    `renew`, if given, is called then in place of `show`, and changes what is there: what is drawn anew loses the
    focus, and a click that is on its way.
    """

    def __init__(
        self,
        view: View,
        read: Read,
        show: Callable[[Any], None],
        *,
        every_s: float | None = None,
        renew: Callable[[Any], None] | None = None,
    ) -> None:
        self._view = view
        self._read = read
        self._show = show
        self._renew = renew
        self._every_s = every_s
        self._seen: object = None
        self._box = box()
        self._notice = ""
        self._reads = 0
        self._under_way = 0

    async def open(self) -> None:
        await self.refresh()
        if self._every_s is not None:
            with self._box.parent_slot or self._box:
                ui.timer(self._every_s * self._view.pace, self.tick, immediate=False)

    async def tick(self) -> None:
        """Refresh, unless that is under way: what is slow is not overtaken by the clock for ever."""
        if not self._under_way:
            await self.refresh()

    async def refresh(self) -> None:
        """Read and, if anything is different, show; of reads that overlap the last that was begun counts."""
        self._reads += 1
        number = self._reads
        try:
            self._under_way += 1
            found = await self._read()
        except ApiRefused as refused:
            if number == self._reads and not self._box.is_deleted:
                self._show_refusal(refused)
            return
        finally:
            self._under_way -= 1
        if number != self._reads or self._box.is_deleted:  # somebody has left while it was read
            return
        if not self._notice and found == self._seen and self._seen is not None:
            return
        is_there = not self._notice and self._seen is not None
        self._notice, self._seen = "", found
        if self._renew is not None and is_there:
            self._renew(found)
            return
        self._box.clear()
        with self._box:
            self._show(found)

    def _show_refusal(self, refused: ApiRefused) -> None:
        if refused.is_signed_out:
            to_sign_in(self._view)
        elif refused.message != self._notice:
            self._notice = refused.message
            self._box.clear()
            with self._box:
                refusal(refused, retry=self.refresh)


def refusal(refused: ApiRefused, *, retry: Read | None = None) -> None:
    """What the API said, and what can be done about it."""
    with box("section", "card empty", role="alert"):
        match refused.status:
            case 403:
                ui.icon("lock")
                Text("h2", "You may not see this")
                Text("p", refused.message)
                Text("p", "Ask whoever administers this installation for a role that allows it.")
                return
            case 404:
                ui.icon("search_off")
                Text("h2", "It is not there")
            case 503 | 504:
                ui.icon("cloud_off")
                Text("h2", "This cannot be read at the moment")
            case _:
                ui.icon("error_outline")
                Text("h2", "That did not work")
        Text("p", refused.message)
        if retry is not None:
            button("Try again", retry, icon="refresh")


def to_sign_in(view: View) -> None:
    ui.run_javascript(f"window.location.assign({dumps(sign_in_link(view.here())).decode()})")


async def attempt(view: View, action: Callable[[], Awaitable[Any]], done: str) -> bool:
    """Do what the user asked for, and say how it went; `done` may be nothing.  Whether it did.

    In the page's own slot: what the button stood in may be drawn anew, and be gone, before the answer is there.
    """
    with ui.context.client:
        try:
            await action()
        except ApiRefused as refused:
            if refused.is_signed_out:
                to_sign_in(view)
            else:
                toast(refused.message, "bad")
            return False
        if done:
            toast(done)
        return True


def toast(text: str, tone: str = "ok") -> None:
    """A short word at the page's edge; read out by screen readers."""
    kind = "negative" if tone == "bad" else "warning" if tone == "warn" else "positive"
    ui.notify(text, type=kind, position="bottom-right", timeout=5000)
