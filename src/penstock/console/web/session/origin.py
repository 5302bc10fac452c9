"""Where a browser's request comes from, and the cookie that its session's id lies in.

Whether browsers reach us over https is what `public_url` says, or else the connection itself.  Over https the cookie's
name begins with `__Host-`: browsers then take it from this host alone, for all of it, and send it over https only.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from penstock.config.console import ConsoleSettings

SESSION = "penstock-session"
FLOW = "penstock-sign-in"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Origin:
    """What is ours: scheme, host and port as browsers see them."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._fixed = None if settings.public_url is None else settings.public_url.rstrip("/")

    def of(self, scope: Scope) -> str:
        if self._fixed is not None:
            return self._fixed
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        return f"{scheme}://{Headers(scope=scope).get('host', '')}"

    def is_secure(self, scope: Scope) -> bool:
        return urlsplit(self.of(scope)).scheme == "https"

    def cookie(self, scope: Scope, name: str) -> str:
        return f"__Host-{name}" if self.is_secure(scope) else name

    def read(self, scope: Scope, name: str) -> str | None:
        """The cookie's value; None where there is none, or two of them."""
        wanted = self.cookie(scope, name)
        lines = Headers(scope=scope).getlist("cookie")
        found: list[str] = []
        for line in lines:
            for part in line.split(";"):
                key, _, value = part.strip().partition("=")
                if key == wanted:
                    found.append(value)
        return found[0] if len(found) == 1 else None

    def write(self, scope: Scope, response: Response, name: str, value: str, *, max_age_s: int | None = None) -> None:
        """For the browser's session, or so long; gone at once where that is zero.  No script can read it."""
        response.set_cookie(
            self.cookie(scope, name),
            value,
            max_age=max_age_s,
            path="/",
            secure=self.is_secure(scope),
            httponly=True,
            samesite="lax",
        )

    def is_own(self, scope: Scope) -> bool:
        """Whether a request that may change something, or opens a socket, was made by one of our own pages.

        Beside `SameSite=Lax`, which other ports and subdomains of the same site pass.
        """
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and origin != self.of(scope):
            return False
        is_changing = scope["type"] == "websocket" or scope["method"] not in _SAFE
        site = headers.get("sec-fetch-site")
        return not is_changing or site in (None, "same-origin", "none")


def local_path(wanted: str | None, prefix: str) -> str:
    """Where to go after sign-in: a path of the console and nothing else, whatever the query said."""
    text = wanted or ""
    is_ours = text == prefix or text.startswith((f"{prefix}/", f"{prefix}?"))
    if not is_ours or not text.isprintable() or "\\" in text or "//" in text.partition("?")[0]:
        return f"{prefix}/"
    if text.partition("?")[0].startswith((f"{prefix}/sign-in", f"{prefix}/sign-out")):
        return f"{prefix}/"
    return text
