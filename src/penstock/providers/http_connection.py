"""One HTTP/1.1 connection to a provider: writes a request, parses its answer, and can be dropped at once.

It is here because a call that its caller gave up must be seen by the provider within milliseconds, also before the
answer's head is in; a connection that the event loop owns is dropped by one synchronous call.  `HttpClient` makes and
keeps connections, `HttpSource` reads them.  Parsing is llhttp's (httptools).
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import Protocol

import httptools

from penstock.core.errors import UpstreamError, UpstreamProtocolError, UpstreamUnavailable


class Inflate(Protocol):
    """What zlib's decompressor does; the class itself has no public name."""

    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


_PAUSE_AT = 256 * 1024
"""Unread body bytes from which on the socket is not read any more, until the reader has caught up."""
_MAX_HEAD_BYTES = 256 * 1024
_MAX_INFLATED_BYTES = 64 * 1024 * 1024
"""A compressed piece that grows beyond this in one step is an attack, not an answer."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time: `send`, `wait_head`, `read_body` until None; then `is_reusable` tells.

    `abort` drops it from any state, without waiting.  `fail` makes the waiting reader raise an error.  `on_free` is
    called once an answer nobody reads any more has ended (see `HttpClient.release`).
    """

    __slots__ = (
        "_body_parts",
        "_error",
        "_head_bytes",
        "_headers",
        "_inflate",
        "_is_done",
        "_is_framed",
        "_is_paused",
        "_loop",
        "_parser",
        "_raw_headers",
        "_transport",
        "_unread",
        "_waiter",
        "idle_since_s",
        "is_keep_alive",
        "on_free",
        "pool",
        "status",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_paused = False
        self.idle_since_s = 0.0
        self.pool: list[Connection] = []  # where it rests between two exchanges; its client's
        self.on_free: Callable[[Connection], None] | None = None
        self._reset()
        self._is_done = True

    def _reset(self) -> None:
        self.status = 0
        self._headers: dict[str, str] | None = None
        self._raw_headers: list[tuple[bytes, bytes]] = []
        self.is_keep_alive = False
        self._body_parts: list[bytes] = []
        self._unread = 0
        self._head_bytes = 0
        self._error: UpstreamError | None = None
        self._inflate: Inflate | None = None
        self._is_done = False
        self._is_framed = False

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case, several of one name joined by commas.  Read for few answers, so made when asked."""
        if self._headers is None:
            self._headers = headers = dict[str, str]()
            for name, value in self._raw_headers:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                known = headers.get(key)
                headers[key] = text if known is None else f"{known}, {text}"
        return self._headers

    # --- what its user calls -----------------------------------------------------------------------------------

    @property
    def is_reusable(self) -> bool:
        """True where the answer has ended, the provider keeps the connection, and nothing is left to write."""
        transport = self._transport
        return (
            self._is_done
            and self.is_keep_alive
            and self._error is None
            and transport is not None
            and not transport.is_closing()
            and transport.get_write_buffer_size() == 0
        )

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_done(self) -> bool:
        """True once the whole answer has arrived."""
        return self._is_done

    def send(self, data: bytes) -> None:
        """Begin an exchange: write a whole request."""
        self._reset()
        self.on_free = None
        if self._transport is None or self._transport.is_closing():
            self._error = UpstreamUnavailable("The provider closed the connection.", detail="closed before use")
            return
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(data)

    async def wait_head(self) -> None:
        """Return once `status` and `headers` are in."""
        while not self.status:
            if self._error is not None:
                raise self._error
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def read_body(self) -> bytes | None:
        """All body bytes that have arrived, at least one; None once the body has ended."""
        while True:
            parts = self._body_parts
            if parts:
                data = parts[0] if len(parts) == 1 else b"".join(parts)
                parts.clear()
                self._unread = 0
                if self._is_paused:
                    self._is_paused = False
                    if self.is_open and self._transport is not None:
                        self._transport.resume_reading()
                return data
            if self._error is not None:
                raise self._error
            if self._is_done:
                return None
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def fail(self, error: UpstreamError) -> None:
        """Make the reader raise `error` once it has read what has arrived; the first error stays."""
        if self._error is None and not self._is_done:
            self._error = error
        self._wake()

    def abort(self) -> None:
        """Drop the connection now; whatever is unsent or unread is lost."""
        transport = self._transport
        if transport is not None:
            transport.abort()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- what the event loop calls -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio hands a Transport to a Protocol

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if parser is None or self._is_done:  # bytes that answer nothing: the framing cannot be trusted any more
            self.is_keep_alive = False
            self.abort()
            return
        if not self.status:
            self._head_bytes += len(data)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__ or error
            self.fail(
                UpstreamProtocolError("The provider's answer is not valid HTTP.", detail=f"{type(cause).__name__}")
            )
            self.abort()
            return
        if not self.status and self._head_bytes > _MAX_HEAD_BYTES:
            self.fail(UpstreamProtocolError("The provider's answer is not valid HTTP.", detail="head too large"))
            self.abort()
            return
        self._wake()
        if self._is_done and self.on_free is not None:
            on_free, self.on_free = self.on_free, None
            on_free(self)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_done:
            if self.status and not self._is_framed and exc is None:
                self._is_done = True  # a body without a length ends where the connection does
            else:
                self.fail(self._lost(exc))
        self._transport = None
        self._parser = None
        self._wake()
        if self.on_free is not None:
            on_free, self.on_free = self.on_free, None
            on_free(self)

    def _lost(self, exc: Exception | None) -> UpstreamError:
        how = "closed" if exc is None else type(exc).__name__
        if not self.status:
            return UpstreamUnavailable("The provider closed the connection before it answered.", detail=how)
        return UpstreamProtocolError("The provider's answer broke off.", detail=how)

    # --- what the parser calls ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._is_done:  # a second answer to one request: what it belongs to is unknown
            self.is_keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_done or self.status:  # a trailer: nobody asked for one
            return
        self._raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None or self._is_done:
            return
        status = parser.get_status_code()
        if status < 200:
            self._raw_headers.clear()
            return
        names = {name.lower() for name, _ in self._raw_headers}
        self._is_framed = b"content-length" in names or b"transfer-encoding" in names
        if b"content-encoding" in names:
            self._inflate = _inflater(self.headers["content-encoding"])
        self.status = status

    def on_body(self, body: bytes) -> None:
        if self._is_done:
            return
        if self._inflate is not None:
            body = self._inflate.decompress(body, _MAX_INFLATED_BYTES)
            if self._inflate.unconsumed_tail:
                raise ValueError("compressed body grows without bound")
            if not body:
                return
        if self.on_free is not None:  # nobody reads any more
            return
        self._body_parts.append(body)
        self._unread += len(body)
        if self._unread > _PAUSE_AT and not self._is_paused and self.is_open and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        parser = self._parser
        if parser is None or not self.status:
            return  # the end of an informational answer: the real one follows
        self.is_keep_alive = not self._is_done and parser.should_keep_alive()
        self._is_done = True


def _inflater(encoding: str) -> Inflate | None:
    match encoding.lower():
        case "identity" | "":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, found by its first bytes
        case _:
            raise ValueError("content encoding was not asked for")
