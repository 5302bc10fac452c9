"""Whose figures are looked at, and by what: a time, a dimension to group by, and values, all in the page's address."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.layout.parts.period import Period
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.view import View

NONE: Final = "(none)"
"""What a group is called that has no value: an answer of no release."""
_WRITTEN: Final[Mapping[str, str]] = {"tenant": "Tenant", "assistant": "Assistant"}
"""Dimensions that are written into a field; others are chosen in a table, and shown as buttons that drop them."""
_LONGEST: Final = 300


class Narrowing:
    """`draw` the picker; what it says then is asked for with `query`.  `groups` are the dimensions to group by."""

    def __init__(self, view: View, dimensions: Sequence[str], *, groups: Sequence[str] = ()) -> None:
        self._view = view
        self._dimensions = [name for name in dimensions if name != "tenant" or view.who.tenant is None]
        self._groups = [name for name in groups if name in self._dimensions]
        self.period = Period(view)
        by = view.query.get("by", "")
        self.by = by if by in self._groups else next(iter(self._groups), "")
        self._is_default = not self._groups or self.by == self._groups[0]
        self.only = {name: text for name in self._dimensions if (text := _clean(view.query.get(name, "")))}
        view.aside |= self.only | ({} if self._is_default else {"by": self.by})

    def query(self, *, before: int = 0, by_step: bool = False) -> dict[str, Any]:
        return {**self.period.query(before=before, by_step=by_step), **self.only}

    def exchanges(self) -> dict[str, str]:
        """The same time, tenant and assistant, for a link to the page of exchanges."""
        names = {"tenant": "tenant", "assistant": "model", "target": "target"}
        said = {names[name]: value for name, value in self.only.items() if name in names}
        if self.period.name in ("24h", "7d", "30d"):
            return {**said, "range": self.period.name}
        since, until = self.period.window()
        return {**said, "range": "custom", "since": since.isoformat(), "until": until.isoformat()}

    def said(self) -> dict[str, str]:
        """What of it stands in the address."""
        return {**self.period.said(), **self.only, "by": "" if self._is_default else self.by}

    def may_narrow(self, value: str) -> bool:
        return bool(value) and self.by != "" and self.only.get(self.by) != value

    async def narrow(self, value: str) -> None:
        """To one of what is grouped by."""
        await self._turn({**self.only, self.by: value})
        self._draw_values()

    def draw(self, changed: Callable[[], Awaitable[None]]) -> None:
        """`changed` is called after each choice."""
        self._changed = changed
        if self._groups:
            pick("Group by", self.by, [(name, f"By {name}") for name in self._groups], self._group)
        self.period.draw(changed)
        self._values = box("div", "row")
        self._draw_values()

    async def _group(self, by: str) -> None:
        if by in self._groups:
            self.by = by
            self._is_default = by == self._groups[0]
            self._view.keep_aside(by="" if self._is_default else by, sort="", q="", page="")
            await self._changed()

    async def _turn(self, only: Mapping[str, str]) -> None:
        gone = dict.fromkeys(self.only, "")
        self.only = dict(only)
        self._view.keep_aside(**{**gone, **self.only}, page="")
        await self._changed()

    async def _write(self, name: str, text: str) -> None:
        value = _clean(text)
        kept = {each: of for each, of in self.only.items() if each != name}
        await self._turn({**kept, name: value} if value else kept)

    async def _drop(self, name: str) -> None:
        await self._turn({each: value for each, value in self.only.items() if each != name})
        self._draw_values()

    def _draw_values(self) -> None:
        self._values.clear()
        with self._values:
            for name in self._dimensions:
                value = self.only.get(name, "")
                if name in _WRITTEN:
                    typed(_WRITTEN[name], value, lambda text, name=name: self._write(name, text)).classes("short")
                elif value:
                    button(f"{name}: {value}", lambda name=name: self._drop(name), kind="small", icon="close")


def _clean(text: str) -> str:
    return text.strip().replace("\0", "")[:_LONGEST]
