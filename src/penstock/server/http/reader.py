"""Bytes of one connection into its requests.

Parsing is llhttp's (httptools), in its strict mode; what it lets through and two readers could read in two ways is
refused in `_check_framing`.  `Connection` makes one reader, feeds it, and hears of every request as soon as its head is
in.
"""

from typing import NoReturn, Protocol

import httptools
import structlog

from penstock.core.errors import InternalError, MalformedRequest, PenstockError, RequestTooLarge
from penstock.server.http.head import HeaderNames, Headers
from penstock.server.http.request import Link, Request
from penstock.server.http.response import HeadWriter

MAX_TARGET_BYTES = 8 * 1024
MAX_HEADERS = 128

_ONCE = frozenset({b"host", b"authorization", b"x-api-key", b"api-key"})
"""Of two of these a proxy before us may have believed the one that we do not."""

_METHODS = {name.encode(): name for name in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH")}


class Requests(Link, Protocol):
    """Who hears of the requests.  `on_broken` is the last that it hears."""

    def on_request(self, request: Request) -> None: ...
    def on_broken(self, error: PenstockError) -> None: ...


class _StoppedError(Exception):
    """Ends parsing from within; the reason is in `_refusal`, or `is_deaf` says that there is none."""


class RequestReader:
    """`is_deaf`: what comes from now on is not read.  `arriving` is the request whose body is under way."""

    __slots__ = (
        "_head_bytes",
        "_header_limit_bytes",
        "_heads",
        "_last",
        "_names",
        "_owner",
        "_pairs",
        "_parser",
        "_read_bytes",
        "_refusal",
        "_target",
        "arriving",
        "is_deaf",
    )

    def __init__(self, owner: Requests, heads: HeadWriter, names: HeaderNames, *, header_limit_bytes: int) -> None:
        self._owner: Requests | None = owner
        self._heads = heads
        self._names = names
        self._header_limit_bytes = header_limit_bytes
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._pairs: list[tuple[bytes, bytes]] | None = None  # a list while a head is under way
        self._target = b""
        self._head_bytes = 0  # of that head, before this read; or of a body's framing since the body last grew
        self._read_bytes = 0
        self._last: Request | None = None
        self._refusal: PenstockError | None = None
        self.arriving: Request | None = None
        self.is_deaf = False

    @property
    def is_in_head(self) -> bool:
        """Part of a head has come."""
        return self._pairs is not None

    def close(self) -> None:
        """Read nothing more, and let go of everything: the parser and this object hold each other."""
        self.is_deaf = True
        self._owner = self._parser = self._pairs = self._last = self.arriving = None

    def feed(self, data: bytes) -> None:
        parser = self._parser
        if self.is_deaf or parser is None:
            return
        self._read_bytes = len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay_on_http(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._break(error)
        if self._pairs is not None or self.arriving is not None:
            self._goes_on(len(data))

    # --- what the parser calls ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.is_deaf:
            raise _StoppedError
        self._pairs = []
        self._target = b""
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._pairs is not None:  # else a trailer, which nobody reads
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        pairs, parser, owner = self._pairs, self._parser, self._owner
        if pairs is None or parser is None or owner is None:
            return
        self._pairs = None
        is_large = self._head_bytes + self._read_bytes > self._header_limit_bytes
        if is_large or len(pairs) > MAX_HEADERS or len(self._target) > MAX_TARGET_BYTES:
            self._check_size(pairs)
        self._head_bytes = 0
        names = self._names
        values = {names[name]: value for name, value in reversed(pairs)}  # the first of a name is kept
        version = parser.get_http_version()
        if version != "1.1" or "host" not in values or "transfer-encoding" in values or len(values) != len(pairs):
            self._check_framing(version, values, pairs)
        sent = parser.get_method()
        method = _METHODS.get(sent) or sent.decode("latin-1")
        request = Request(owner, self._heads, method, _path(self._target), Headers(values), query=_query(self._target))
        if version != "1.1":
            request.speak_old_http()
        request.is_last = not parser.should_keep_alive()
        self.arriving = self._last = request
        owner.on_request(request)

    def on_body(self, body: bytes) -> None:
        if self.arriving is not None:
            self._head_bytes = 0
            self.arriving.feed(body)

    def on_message_complete(self) -> None:
        request, self.arriving = self.arriving, None
        if request is not None:
            request.end()
            if request.is_last:
                self.is_deaf = True

    # --- what is wrong, or unusual -----------------------------------------------------------------------------

    def _goes_on(self, size: int) -> None:
        """The read ended within a head, or within a body.

        What llhttp collects in silence is bounded here: a header or a trailer without an end.  The read in which it
        began counts as nothing, since it may have held much else.
        """
        if self._pairs is not None and len(self._target) > MAX_TARGET_BYTES:
            self._end_with(_target_too_long())
            return
        self._head_bytes += size if self._head_bytes else 1
        if self._head_bytes > self._header_limit_bytes:
            self._end_with(self._head_too_long())

    def _check_size(self, pairs: list[tuple[bytes, bytes]]) -> None:
        if len(self._target) > MAX_TARGET_BYTES:
            self._stop(_target_too_long())
        size = sum(len(name) + len(value) + 4 for name, value in pairs)
        if size > self._header_limit_bytes or len(pairs) > MAX_HEADERS:
            self._stop(self._head_too_long())

    def _check_framing(self, version: str, values: dict[str, bytes], pairs: list[tuple[bytes, bytes]]) -> None:
        if version not in {"1.1", "1.0"}:
            self._stop(_wrong(505, "only HTTP/1.1 and HTTP/1.0 are spoken here"))
        encoding = values.get("transfer-encoding")
        if encoding is not None and (version == "1.0" or encoding.strip().lower() != b"chunked"):
            self._stop(MalformedRequest("`transfer-encoding` may only be `chunked`, and only in HTTP/1.1"))
        if version == "1.1" and "host" not in values:
            self._stop(MalformedRequest("the `host` header is missing"))
        if len(values) != len(pairs):
            self._check_repeated(pairs)

    def _check_repeated(self, pairs: list[tuple[bytes, bytes]]) -> None:
        seen: set[bytes] = set()
        for sent, _ in pairs:
            name = sent.lower()
            if name in seen and name in _ONCE:
                self._stop(MalformedRequest(f"there is more than one `{name.decode('ascii')}` header"))
            seen.add(name)

    def _stop(self, error: PenstockError) -> NoReturn:
        self._refusal = error
        raise _StoppedError

    def _break(self, error: httptools.HttpParserError) -> None:
        """The parser cannot go on."""
        if self.is_deaf:
            return  # behind a request that was to be the last
        refusal, self._refusal = self._refusal, None
        if refusal is None and isinstance(error, httptools.HttpParserCallbackError):
            structlog.get_logger("penstock.server").error("reading a request failed", exc_info=error)
            refusal = InternalError("internal error")
        self._end_with(refusal or MalformedRequest(f"not a valid HTTP request: {error}"))

    def _end_with(self, error: PenstockError) -> None:
        """Read no further.  A request whose body is under way gets the error in place of it."""
        self.is_deaf = True
        self._pairs = None
        arriving, self.arriving = self.arriving, None
        if arriving is not None:
            arriving.fail(error)
        elif self._owner is not None:
            self._owner.on_broken(error)

    def _head_too_long(self) -> RequestTooLarge:
        limit = self._header_limit_bytes
        return _too_large(431, f"the request's head is larger than {limit} bytes or has over {MAX_HEADERS} headers")

    def _stay_on_http(self, rest: bytes) -> None:
        """An offer to change protocols is passed over.

        llhttp takes all that follows the head for the other protocol, and so leaves a body unread (JDK's client sends
        one with its offer of HTTP/2).  A fresh parser reads on, told only how the body is framed.
        """
        request = self._last
        if request is None or request.method == "CONNECT":
            self.is_deaf = True
            if request is not None:
                request.is_last = True
            return
        parser = self._parser = httptools.HttpRequestParser(self)
        length, encoding = request.headers.get("content-length"), request.headers.get("transfer-encoding")
        if encoding is not None or (length is not None and int(length) > 0):
            framing = "transfer-encoding: chunked" if encoding is not None else f"content-length: {length}"
            request.is_whole = self.is_deaf = False
            # `_pairs` is gone before the head's end: so this head makes no request, and its body belongs to the last.
            parser.feed_data(f"POST / HTTP/1.1\r\n{framing}\r\n".encode())
            self._pairs = None
            parser.feed_data(b"\r\n")
            self.arriving = request
        if rest:
            self.feed(rest)


def _path(target: bytes) -> str:
    """The path of a request's target, which is `/path?query` or, to a proxy, a whole URL."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/"):
        _, separator, rest = path.partition(b"://")
        if separator:
            path = b"/" + rest.partition(b"/")[2]
    return path.decode("latin-1")


def _query(target: bytes) -> str:
    return target.partition(b"?")[2].decode("latin-1") if b"?" in target else ""


def _target_too_long() -> RequestTooLarge:
    return _too_large(414, f"the request target is longer than {MAX_TARGET_BYTES} bytes")


def _too_large(status: int, public: str) -> RequestTooLarge:
    error = RequestTooLarge(public)
    error.status = status
    return error


def _wrong(status: int, public: str) -> MalformedRequest:
    error = MalformedRequest(public)
    error.status = status
    return error
