"""Where traces of exchanges go, as frozen values.  `console` hands them to `watch.traces`."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from penstock.config.secret import Secret, Text

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_OURS = frozenset({"content-type", "content-encoding", "content-length", "transfer-encoding", "host", "connection"})


class TraceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Without an `endpoint` (the whole URL, as `https://collector:4318/v1/traces`) there are none.

    `sample` is the share of ordinary exchanges that is sent.  Those that took `slow_s` or longer, failed, were refused,
    blocked or held are sent whatever it is.  `resource` are attributes of all that is sent.  At most `most_waiting`
    exchanges wait for the collector, in memory; what comes on top is dropped and counted.
    """

    endpoint: Text | None = None
    headers: dict[str, Secret] = {}
    ca_file: _Word | None = None
    sample: _Share = 0.1
    slow_s: _Seconds = 10.0
    resource: dict[str, _Word] = {}
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    most_waiting: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 5000


def broken_traces(traces: TraceSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    if traces.endpoint is not None:
        yield from _endpoint(traces.endpoint.reveal())
    elif traces.headers or traces.resource or traces.ca_file is not None:
        yield "traces", "there is no `endpoint` to send any to"
    seen: set[str] = set()
    for name, value in traces.headers.items():
        path = f"traces.headers.{name}"
        if not _HEADER_NAME.match(name):
            yield path, "it is not a header name"
        elif name.lower() in _OURS:
            yield path, "this header is Penstock's own"
        elif name.lower() in seen:
            yield path, "it is named twice"
        elif not (value.reveal().isascii() and value.reveal().isprintable()):
            yield path, "a header's value has printable ASCII characters only"
        seen.add(name.lower())
    for name in traces.resource:
        if not name or len(name) > 200:
            yield f"traces.resource.{name[:200]}", "an attribute's name has 1 to 200 characters"
    if traces.ca_file is not None and not Path(traces.ca_file).is_absolute():
        yield "traces.ca_file", "it must be an absolute path"
    elif traces.ca_file is not None:
        try:
            ssl.create_default_context(cafile=traces.ca_file)
        except OSError as error:  # `SSLError` is one
            yield "traces.ca_file", f"it holds no certificates that can be read: {error.strerror or error}"


def _endpoint(text: str) -> Iterator[tuple[str, str]]:
    path = "traces.endpoint"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        yield path, "it is not a URL"
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield path, "it must begin with http:// or https:// and name a host"
    elif parts.username is not None or parts.fragment:
        yield path, "it must not have a user or a fragment"
    elif not (text.isascii() and text.isprintable()) or " " in text:
        yield path, "it has characters that a URL has not"
    elif parts.path in {"", "/"}:
        yield path, "it must be the whole URL, with the path: collectors take traces at /v1/traces"
