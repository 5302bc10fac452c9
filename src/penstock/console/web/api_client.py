"""Asks our own admin API in process: an ASGI call with a session's credential, no socket.

The call passes through the same routes, the same `authorize` and the same mapping of errors as one over HTTP does:
what the console shows is what the API says, and what it may not say the console cannot show.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, unquote, urlencode

import structlog
from starlette.types import ASGIApp, Message

from penstock.core.json import dumps, loads

PREFIX = "/admin/v1"
_PATIENCE_S = 15.0
_LINES = b"application/x-ndjson"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ApiRefused(Exception):
    """The API said no, or could not be asked.  `status` is its own; 504 where it did not answer in time."""

    status: int
    code: str
    message: str

    @property
    def is_signed_out(self) -> bool:
        return self.status == 401


class AdminApi:
    """The admin API of one control plane."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def call(
        self,
        credential: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> Any:
        """The decoded answer; None where it has no body.  Raises `ApiRefused`.

        `path` is below `/admin/v1`.  A list in `query` is said once for each; a body of bytes is sent as it is.
        JSON lines are a list.
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status, kind, data = await self._ask(_scope(credential, method, path, query), body)
        except TimeoutError:
            raise ApiRefused(504, "timeout", f"The control plane has not answered for {_PATIENCE_S:g} s.") from None
        if kind == _LINES and status < 400:
            return [loads(line) for line in data.splitlines()]
        decoded = loads(data) if data else None
        if status < 400:
            return decoded
        raise _refusal(status, decoded)

    async def _ask(self, scope: dict[str, Any], body: object) -> tuple[int, bytes, bytes]:
        sent: list[Message] = []
        unread = [b"" if body is None else body if isinstance(body, bytes) else dumps(body)]

        async def receive() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            await asyncio.Event().wait()  # this caller never goes away
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - the request's edge: Starlette answers 500, and leaves the log to the server
            _log.exception("console_call_failed", method=scope["method"], path=scope["path"])
        start = next((each for each in sent if each["type"] == "http.response.start"), None)
        if start is None:
            return 500, b"", b""
        kind = dict(start.get("headers", ())).get(b"content-type", b"")
        return (
            start["status"],
            kind,
            b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body"),
        )


def path_of(*parts: str) -> str:
    """A path of parts that may hold anything."""
    return "".join("/" + quote(part, safe="") for part in parts)


def _scope(credential: str, method: str, path: str, query: Mapping[str, object] | None) -> dict[str, Any]:
    raw = PREFIX + path
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode("ascii"),
        "root_path": "",
        "query_string": urlencode(given, doseq=True).encode("ascii"),
        "headers": [
            (b"host", b"console"),
            (b"authorization", b"Bearer " + credential.encode("utf-8", "replace")),
            (b"content-type", b"application/json"),
        ],
        "client": None,
        "server": ("console", 0),
        "state": {},
    }


def _refusal(status: int, decoded: object) -> ApiRefused:
    error = cast("dict[str, Any]", decoded).get("error") if isinstance(decoded, dict) else None
    if isinstance(error, dict):
        said = cast("dict[str, Any]", error)
        return ApiRefused(status, str(said.get("code")), str(said.get("message")))
    return ApiRefused(status, "internal_error", "An unexpected error; it is in the control plane's log.")
