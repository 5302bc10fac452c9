"""A number of days and a tenant: what value and comparison are asked of."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.view import View

_SPANS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days", "365": "Last 365 days"}
_DEFAULT = "30"


class Spanned:
    """Both are kept in the address."""

    def __init__(self, view: View) -> None:
        self._view = view
        days = view.query.get("days", _DEFAULT)
        self._days = days if days in _SPANS else _DEFAULT
        self._tenant = view.query.get("tenant", "")[:300]
        view.aside |= {name: each for name, each in self._said().items() if each}

    def query(self) -> dict[str, Any]:
        until = datetime.fromtimestamp(self._view.clock.now(), UTC)
        since = until - timedelta(days=int(self._days))
        return {"since": since.isoformat(), "until": until.isoformat(), "tenant": self._tenant}

    def draw(self, changed: Callable[[], Awaitable[None]]) -> None:
        async def turn(**said: str) -> None:
            self._days = said["days"] if said.get("days") in _SPANS else self._days
            self._tenant = said.get("tenant", self._tenant)[:300]
            self._view.keep_aside(**self._said())
            await changed()

        pick("Time range", self._days, list(_SPANS.items()), lambda days: turn(days=days))
        if self._view.who.tenant is None:
            typed("Tenant, or all together", self._tenant, lambda text: turn(tenant=text.strip())).classes("short")

    def _said(self) -> dict[str, str]:
        return {"days": "" if self._days == _DEFAULT else self._days, "tenant": self._tenant}
