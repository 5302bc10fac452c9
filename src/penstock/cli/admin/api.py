"""The admin API as the commands call it: which control plane, with which token, and what its errors look like."""

import http.client
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import typer

from penstock.cli.settings import EXIT_BAD_CONFIG, EXIT_FAILED, config_file, load, with_options
from penstock.config.datadir import DataDir

_TIMEOUT_S = 15.0
_MAX_BODY_BYTES = 64 * 1024 * 1024

ConfigFile = Annotated[Path | None, typer.Option("--config", envvar="PENSTOCK_CONFIG", show_default=False)]
DataDirPath = Annotated[
    Path | None, typer.Option("--data-dir", help="Where the admin token lies (.penstock).", show_default=False)
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="PENSTOCK_CONTROL_URL",
        help="The control plane; otherwise that of the configuration.  Its token: PENSTOCK_ADMIN_TOKEN.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's own answer.")]


class Away(Exception):
    """The control plane cannot be reached; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that is an error."""

    status: int
    message: str


class AdminApi:
    """One command's calls.  Every failure ends the command, with the reason on standard error."""

    def __init__(self, *, url: str | None, data_dir: Path | None, config: Path | None) -> None:
        token = os.environ.get("PENSTOCK_ADMIN_TOKEN")
        if url is None or not token:
            settings = load(config_file(config), with_options({"data_dir": data_dir}))
            host = "127.0.0.1" if settings.control.host in ("0.0.0.0", "::") else settings.control.host  # noqa: S104 - whom to call
            url = url or f"http://{host}:{settings.control.port}"
            token = token or _token(DataDir(Path(settings.data_dir).resolve()))
        self._url = urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            _end(f"{url} is no address of a control plane", EXIT_BAD_CONFIG)
        self._token = token

    def call(
        self, method: str, path: str, body: object = None, *, query: Mapping[str, object | None] | None = None
    ) -> dict[str, Any]:
        """The JSON of a good answer, `{}` where it has none.  `path` is below `/admin/v1`; its parts are `quoted`.

        Bytes are sent as they are, as CSV; anything else as JSON.
        """
        try:
            answer = self.fetch(method, path, body, query=query)
        except Away as away:
            _end(str(away), EXIT_FAILED)
        if isinstance(answer, Refused):
            _end(answer.message, EXIT_FAILED)
        return answer

    def ask(self, path: str, query: Mapping[str, object | None] | None = None) -> "dict[str, Any] | Refused":
        """As `call`, for what the command can do without."""
        try:
            return self.fetch("GET", path, query=query)
        except Away as away:
            _end(str(away), EXIT_FAILED)

    def fetch(
        self, method: str, path: str, body: object = None, *, query: Mapping[str, object | None] | None = None
    ) -> "dict[str, Any] | Refused":
        """As `call`, for a command that goes on whatever comes back.  Raises `Away`."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self._url.path.rstrip('/')}/admin/v1{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        payload = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        if isinstance(body, bytes):
            headers["content-type"] = "text/csv"
        connection = self._connection()
        try:
            connection.request(method, target, payload, headers)
            response = connection.getresponse()
            status, data = response.status, response.read(_MAX_BODY_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Away(f"the control plane at {self._url.geturl()} does not answer ({error})") from None
        finally:
            connection.close()
        if status >= 300:
            return Refused(status, _message(status, data))
        return cast("dict[str, Any]", msgspec.json.decode(data)) if data else {}

    def items(self, method: str, path: str, body: object = None) -> list[dict[str, Any]]:
        """As `call`, of an answer that is a list."""
        return cast("list[dict[str, Any]]", self.call(method, path, body))

    def pages(self, path: str, query: Mapping[str, object | None]) -> list[dict[str, Any]]:
        """The items of every page of a list."""
        items: list[dict[str, Any]] = []
        after: object = None
        while True:
            page = self.call("GET", path, query={**query, "after": after, "limit": 1000})
            items += page["items"]
            after = page.get("next")
            if after is None:
                return items

    def _connection(self) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, self._url.port, timeout=_TIMEOUT_S)
        return http.client.HTTPConnection(host, self._url.port, timeout=_TIMEOUT_S)


def quoted(part: str) -> str:
    """One part of a path: an id with a slash in it must not become another path."""
    return quote(part, safe="")


def show(answer: object, *, as_json: bool, text: Callable[[], str]) -> None:
    """Print the answer, as JSON or as `text` puts it."""
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")
        sys.stdout.buffer.flush()
    else:
        print(text())


def table(items: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """Columns of text, each as wide as its widest value."""
    rows = [columns, *(tuple(_cell(item.get(column)) for column in columns) for item in items)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case list():
            return ",".join(str(item) for item in cast("list[object]", value)) or "-"
        case _:
            # Names are other people's: what a terminal would take for a command is shown, not sent.
            return "".join(char if char.isprintable() else "?" for char in str(value))


def _token(data_dir: DataDir) -> str:
    try:
        return data_dir.admin_token.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        _end(f"cannot read the admin token in {data_dir.admin_token}: {error}", EXIT_BAD_CONFIG)


def _message(status: int, data: bytes) -> str:
    try:
        error = msgspec.json.decode(data)["error"]
        return f"{error['message']} [{error['code']}]"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the control plane answered {status}"


def _end(message: str, code: int) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)
