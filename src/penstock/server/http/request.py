"""One request and its answer, as a route sees them; made by `Connection`, which carries the bytes.

A body that is all in is taken without waiting.  An answer is made once: whole, by `respond`, or piece by piece, by
`begin`, `write` and `finish`.  Nothing here waits but `read_body` and `wait_writable`.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from penstock.core.clock import Clock
from penstock.core.errors import RequestTimeout, RequestTooLarge
from penstock.core.ports import ClientGone
from penstock.server.http.head import Headers
from penstock.server.http.response import (
    CHUNKED,
    CLOSE,
    CONTINUE,
    KEEP_ALIVE,
    LAST_CHUNK,
    HeaderList,
    HeadWriter,
    chunk,
)

UNREAD_BYTES = 256 * 1024
"""What is taken in of a body that nobody has asked for yet."""


class Link(Protocol):
    """The connection as a request needs it.  `send` is False where nobody can be sent anything any more."""

    is_held_back: bool

    def send(self, data: bytes) -> bool: ...
    def stop_reading(self) -> None: ...
    def read_on(self) -> None: ...
    async def wait_writable(self) -> None: ...


class Request:
    """`path` is what was asked for, without the query and still percent-encoded; `query` what follows the `?`.

    `is_whole`: the request has arrived to its end.  `is_last`: its connection ends with this answer.  `is_answered`:
    the answer has been handed over to its end.  `received_bytes` is how much of the body has come.
    """

    __slots__ = (
        "_error",
        "_head",
        "_heads",
        "_is_current",
        "_limit",
        "_link",
        "_on_gone",
        "_parts",
        "_waiter",
        "headers",
        "is_answered",
        "is_begun",
        "is_client_gone",
        "is_last",
        "is_whole",
        "method",
        "path",
        "query",
        "received_bytes",
    )

    def __init__(
        self, link: Link, heads: HeadWriter, method: str, path: str, headers: Headers, *, query: str = ""
    ) -> None:
        self._link = link
        self._heads = heads
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.is_whole = False
        self.is_last = False
        self.is_begun = False
        self.is_answered = False
        self.is_client_gone = False
        self._is_current = True  # HTTP/1.1; 1.0 knows no chunks
        self._parts: list[bytes] = []
        self.received_bytes = 0
        self._limit = sys.maxsize
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._on_gone: Callable[[], None] | None = None
        self._head = b""

    # --- the body ----------------------------------------------------------------------------------------------

    def take_body(self, limit_bytes: int) -> bytes | None:
        """The whole body, or None where it is not all in yet.  Raises as `read_body`."""
        if self._error is not None:
            raise self._error
        if self.received_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        if not self.is_whole:
            return None
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read_body(self, limit_bytes: int, *, timeout_s: float, clock: Clock) -> bytes:
        """Wait until the body is all in.

        Raises `RequestTooLarge` as soon as more has come than the limit, `RequestTimeout`, `MalformedRequest` where
        its framing is broken, and `ClientGone`.
        """
        body = self.take_body(limit_bytes)
        if body is not None:
            return body
        self._limit = limit_bytes
        if (
            self._is_current
            and not self.received_bytes
            and (self.headers.get("expect") or "").lower() == "100-continue"
        ):
            self._link.send(CONTINUE)
        late = RequestTimeout(f"the request body did not arrive within {timeout_s:g} s")
        timer = clock.call_at(clock.monotonic() + timeout_s, lambda: self.fail(late))
        self._waiter = asyncio.get_running_loop().create_future()
        self._link.read_on()
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        body = self.take_body(limit_bytes)
        if body is None:
            raise RuntimeError("woken before the body was whole")
        return body

    # --- the client --------------------------------------------------------------------------------------------

    def when_client_leaves(self, callback: Callable[[], None]) -> None:
        """Call `callback` as soon as the client closes its side or is lost: once, or never; at once if it has left."""
        if self.is_client_gone:
            callback()
        else:
            self._on_gone = callback

    @property
    def is_held_back(self) -> bool:
        """The client does not read as fast as it is written to: `wait_writable` before writing on."""
        return self._link.is_held_back

    async def wait_writable(self) -> None:
        """Return once the client has read on.  Raises `ClientGone` where it never will."""
        await self._link.wait_writable()

    # --- the answer --------------------------------------------------------------------------------------------

    def respond(self, status: int, headers: HeaderList, body: bytes) -> None:
        """Answer in one piece.  Whether the client is still there does not matter."""
        framing = f"content-length: {len(body)}\r\n{self._begin()}"
        head = self._heads.head(status, headers, framing)
        self.is_begun = self.is_answered = True
        self._drop_body()
        self._link.send(head if self.method == "HEAD" else head + body)

    def begin(self, status: int, headers: HeaderList) -> None:
        """Answer in pieces; the head goes out with the first of them."""
        self.is_last = self.is_last or not self._is_current  # without chunks the connection's end is the answer's
        self._head = self._heads.head(status, headers, (CHUNKED if self._is_current else "") + self._begin())
        self.is_begun = True
        self._drop_body()

    def write(self, data: bytes) -> None:
        """Send one piece.  Raises `ClientGone` where nobody can get it."""
        if not self._link.send(self._framed(data)):
            raise ClientGone

    def finish(self, data: bytes = b"") -> None:
        """Send the last piece, and the end of the answer.  Raises as `write`."""
        self.is_answered = True
        last = self._framed(data) + LAST_CHUNK if self._is_current and self.method != "HEAD" else self._framed(data)
        if last and not self._link.send(last):
            raise ClientGone

    def _begin(self) -> str:
        """What the head says of the connection."""
        if self.is_begun:
            raise RuntimeError("a request is answered once")
        # What is left of a body that nobody wants would have to be read before the next request.
        self.is_last = self.is_last or not self.is_whole or self._heads.is_draining
        if self.is_last:
            return CLOSE
        return "" if self._is_current else KEEP_ALIVE

    def _framed(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        if not data or self.method == "HEAD":
            return head
        if not self._is_current:
            return head + data
        return head + chunk(data) if head else chunk(data)

    def _drop_body(self) -> None:
        self._parts = []
        self._limit = -1

    # --- what the connection calls -----------------------------------------------------------------------------

    def speak_old_http(self) -> None:
        """The client speaks HTTP/1.0: a stream is not chunked and ends where the connection does."""
        self._is_current = False

    def feed(self, data: bytes) -> None:
        """More of the body has come."""
        if self._limit < 0 or self._error is not None:
            return
        self._parts.append(data)
        self.received_bytes += len(data)
        if self.received_bytes > self._limit:
            self.fail(_too_large(self._limit))
        elif self._waiter is None and self.received_bytes > UNREAD_BYTES:
            self._link.stop_reading()

    def end(self) -> None:
        """The body is all in."""
        self.is_whole = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """The rest of the body will not be read."""
        if self._error is None and not self.is_whole:
            self._error = error
            self._parts = []
        self._wake()

    def client_left(self) -> None:
        """Tell it to whom it matters; later calls change nothing."""
        if self.is_client_gone:
            return
        self.is_client_gone = True
        on_gone, self._on_gone = self._on_gone, None
        if on_gone is not None:
            on_gone()
        self.fail(ClientGone())

    def release(self) -> None:
        """The route has returned: nobody waits for anything any more."""
        self._on_gone = None
        self._error = None  # its traceback leads back here
        self._drop_body()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _too_large(limit_bytes: int) -> RequestTooLarge:
    return RequestTooLarge(f"the request body is larger than {limit_bytes} bytes")
