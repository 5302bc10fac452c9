"""The overview itself: filters in the address, and three parts that keep themselves up to date."""

from dataclasses import replace
from typing import Any

from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.span import Span, pick_span
from penstock.console.web.layout.parts.text import Text, box
from penstock.console.web.pages.overview.asking import Asked, Found, find
from penstock.console.web.pages.overview.drawing import Drawn, draw
from penstock.console.web.pages.overview.standing import first_steps, now, show_first_steps, show_now
from penstock.console.web.view import View


async def build(view: View) -> None:
    if view.who.may("status.read"):
        await Region(view, lambda: now(view), show_now, every_s=LIVE_S).open()
    if view.who.may("figures.read"):
        await _Traffic(view).open()
    await Region(view, lambda: first_steps(view), show_first_steps).open()


class _Traffic:
    """What was asked, in a time that the viewer picks, of a tenant or an assistant if they say so."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Asked.read(view.query)
        self._drawn: tuple[Asked, Drawn | None] = self._asked, None

    async def open(self) -> None:
        with box("div", "tools", role="search"):
            Text("h2", "Exchanges")
            pick_span(self._asked.span, self._view.clock.now(), self._turn_span)
            if self._view.who.tenant is None:
                self._word("tenant", "Tenant")
            self._word("assistant", "Assistant")
        self._region = Region(self._view, self._read, self._show, every_s=2 * LIVE_S, renew=self._renew)
        await self._region.open()

    def _word(self, name: str, label: str) -> None:
        async def take(event: Any) -> None:
            word = str(event.args).strip()[:300].replace("\0", "")
            await self._turn(replace(self._asked, **{name: word}))

        field = box("input", "field short", type="search", defaultValue=getattr(self._asked, name), placeholder=label)
        field.props["aria-label"] = label
        field.on("input", take, js_handler="(e) => emit(e.target.value)", throttle=0.3, leading_events=False)

    async def _turn_span(self, span: Span) -> None:
        await self._turn(replace(self._asked, span=span))

    async def _turn(self, asked: Asked) -> None:
        self._asked = asked
        self._view.used()
        self._view.remember(asked.query())
        await self._region.refresh()

    async def _read(self) -> Found:
        return await find(self._view, self._asked)

    def _show(self, found: Found) -> None:
        self._body = box()
        self._draw(found)

    def _renew(self, found: Found) -> None:
        asked, drawn = self._drawn
        if asked != self._asked or drawn is None or not drawn.renew(found):
            self._draw(found)

    def _draw(self, found: Found) -> None:
        self._body.clear()
        with self._body:
            self._drawn = self._asked, draw(self._view, self._asked, found)
