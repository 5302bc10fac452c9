"""One page in one browser: who looks, what was asked for, and the way to the admin API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from nicegui import ui

from penstock.console.web.api_client import AdminApi, ApiRefused
from penstock.console.web.session.routes import PREFIX
from penstock.console.web.session.store import Session, Sessions
from penstock.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Who:
    """As `/admin/v1/whoami` says."""

    id: str
    tenant: str | None
    roles: tuple[str, ...]
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        return permission in self.permissions


@dataclass(slots=True, kw_only=True)
class View:
    """Made for each page load.  `who` decides what is offered; what is done the API decides again, each time.

    `path` is encoded, as it stands in the address; `parts` are those of it that the page's own names in braces.
    `aside` is what of the address does not belong to a table: it stays there whatever the table remembers.
    """

    api: AdminApi
    sessions: Sessions
    session: Session
    path: str
    query: Mapping[str, str]
    region: str | None
    clock: Clock
    pace: float = 1.0
    """How much slower than usual what is live is read again."""
    data_plane: tuple[str, int] = ("127.0.0.1", 8080)
    who: Who = Who("", None, (), frozenset())
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    aside: dict[str, str] = field(default_factory=dict[str, str])

    async def identify(self) -> None:
        """Find out who looks.  Raises `ApiRefused`."""
        found = await self.read("/whoami")
        self.who = Who(found["id"], found["tenant"], tuple(found["roles"]), frozenset(found["permissions"]))

    async def read(self, path: str, **query: object) -> Any:
        """What the API shows.  Raises `ApiRefused`; after a 401 the session is over."""
        return await self._call("GET", path, query=query)

    async def act(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """Have the API change something, because the user said so.  Raises `ApiRefused`."""
        self.sessions.touch(self.session)
        return await self._call(method, path, query=query, body=body)

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None
    ) -> Any:
        if not self.sessions.lives(self.session):
            raise ApiRefused(401, "session_over", "Your session is over: sign in again.")
        try:
            return await self.api.call(self.session.credential, method, path, query=query, body=body)
        except ApiRefused as refused:
            if refused.is_signed_out:
                self.sessions.end(self.session)
            raise

    def used(self) -> None:
        """The user did something that the API is not asked for."""
        self.sessions.touch(self.session)

    def remember(self, query: Mapping[str, str]) -> None:
        """Put the state of the page into its address, which can then be sent to somebody."""
        self.query = dict(query)
        ui.navigate.history.replace(self.here())

    def here(self) -> str:
        """The address of the page as it is now."""
        return link(self.path, **{**self.aside, **self.query})

    def keep_aside(self, **said: str) -> None:
        """Put something of the page itself into its address; a blank takes it out."""
        self.used()
        self.aside = {name: value for name, value in {**self.aside, **said}.items() if value}
        kept = {name: value for name, value in self.query.items() if name not in said}
        self.remember(kept)


def link(path: str, **query: str) -> str:
    """The address of a page of the console.  `path` is encoded already: `api_client.path_of` does it."""
    return PREFIX + path + (f"?{urlencode(query)}" if query else "")


def sign_in_link(then: str) -> str:
    return f"{PREFIX}/sign-in?then={quote(then, safe='')}"
