"""Stands before everything of the console: who is let in, what is stripped, and the headers that every page has.

Closed by default: without a session there is the sign-in page and nothing else, no script and no socket.
"""

import re
from collections.abc import Awaitable, Callable
from secrets import token_urlsafe
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.console.web.session.origin import SESSION, Origin
from penstock.console.web.session.routes import PREFIX
from penstock.console.web.session.store import Session, Sessions

SESSION_KEY = "penstock.session"
"""Where in the ASGI scope the session of a request stands."""

_SCRIPT = re.compile(rb"<script(?=[\s>])")
_OPEN = frozenset({"/sign-in", "/sign-out", "/favicon.ico"})
_STRIPPED = frozenset({b"x-forwarded-prefix"})
"""NiceGUI would build the page's addresses with it, whoever sent it."""
_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self'; style-src 'self' 'unsafe-inline';"
    " form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
_FIXED = (
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
)


class Gate:
    """An ASGI application around NiceGUI's."""

    def __init__(self, app: ASGIApp, *, entrance: ASGIApp, sessions: Sessions, origin: Origin) -> None:
        self._app = app
        self._entrance = entrance
        self._sessions = sessions
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(PREFIX)
        if not self._origin.is_own(scope) or (".." in path):
            await _refuse(scope, receive, send, "This request did not come from the console.")
            return
        if path in _OPEN or path.startswith("/sign-in/"):
            await self._entrance(scope, receive, _with_headers(send, scope, nonce=None))
            return
        session = self._session(scope)
        if session is None:
            await self._turn_away(scope, receive, send, path)
            return
        inner = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in _STRIPPED]}
        inner[SESSION_KEY] = session
        if scope["type"] == "websocket":
            await self._app(inner, receive, send)
            return
        if "/_nicegui" in path:
            await self._app(inner, receive, _with_headers(send, scope, nonce=None))
            return
        self._sessions.touch(session)
        inner["headers"] = [pair for pair in inner["headers"] if pair[0] != b"accept-encoding"]  # its text is changed
        await self._app(inner, receive, _with_headers(send, scope, nonce=token_urlsafe(18)))

    def _session(self, scope: Scope) -> Session | None:
        session_id = self._origin.read(scope, SESSION)
        return None if session_id is None else self._sessions.find(session_id)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        if scope["type"] == "websocket" or scope["method"] != "GET" or "/_nicegui" in path:
            await _refuse(scope, receive, send, "Sign in first.", status=401)
            return
        query = scope["query_string"].decode("latin-1")
        then = PREFIX + (path or "/") + (f"?{query}" if query else "")
        response = RedirectResponse(f"{PREFIX}/sign-in?then={quote(then, safe='')}", 303)
        await response(scope, receive, _with_headers(send, scope, nonce=None))


async def _refuse(scope: Scope, receive: Receive, send: Send, text: str, *, status: int = 403) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await PlainTextResponse(text, status)(scope, receive, _with_headers(send, scope, nonce=None))


def _with_headers(send: Send, scope: Scope, *, nonce: str | None) -> Callable[[Message], Awaitable[None]]:
    """Adds the headers; with a nonce also to the page's own scripts, which then run and no others do.

    NiceGUI writes no text of ours into the page as HTML: elements travel as JSON with `<` escaped.  It compiles
    templates and runs handlers by `eval`, hence `unsafe-eval`.
    """
    started: list[Message] = []
    is_page = False

    async def sending(message: Message) -> None:
        nonlocal is_page
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in _FIXED:
                headers[name] = value
            is_page = nonce is not None and headers.get("content-type", "").startswith("text/html")
            scripts = "" if nonce is None else f"; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'"
            headers["content-security-policy"] = _POLICY + scripts
            if "/_nicegui" not in scope["path"]:
                headers["cache-control"] = "no-store"
            if is_page:
                started.append(message)
                return
        elif is_page and nonce is not None:
            started.append(message)
            if message.get("more_body"):
                return
            body = b"".join(each.get("body", b"") for each in started[1:])
            body = _SCRIPT.sub(b'<script nonce="' + nonce.encode("ascii") + b'"', body)
            MutableHeaders(raw=started[0]["headers"])["content-length"] = str(len(body))
            await send(started[0])
            await send({"type": "http.response.body", "body": body})
            return
        await send(message)

    return sending


def session_of(scope: Scope) -> Session:
    """The session that the gate found."""
    session: Session = scope[SESSION_KEY]
    return session


def asked_with(scope: Scope) -> str:
    """The path and query of a page's request, as it can be gone back to."""
    query = scope["query_string"].decode("latin-1")
    return scope["path"] + (f"?{query}" if query else "")
