"""One client's connection: its requests to the application, one after the other, and their answers back.

It is here, in place of a server from outside, because the loop's own callbacks tell at once and for nothing what a
server on other threads tells late and dearly: that the client has left, that it does not read, that a body is all in
(docs/decisions/0003).  `Listener` makes connections.
"""

import asyncio
import sys
from collections import deque

import structlog

from penstock.core.errors import InternalError, MalformedRequest, Overloaded, PenstockError, RequestTimeout
from penstock.core.ports import ClientGone
from penstock.server.http.reader import RequestReader
from penstock.server.http.request import Request
from penstock.server.http.shared import Shared

MAX_WAITING = 64
"""Pipelined requests of one connection.  More are not read; the client sends them again, as it must be ready to."""
READ_UP_TO_WAITING = 8
"""From so many on the connection is not read further.  Before, it is: that is how one sees that a client has left."""
HELD_BACK_BYTES, WRITABLE_BYTES = 256 * 1024, 64 * 1024
"""A client is waited for when so much is unsent, until only so much is."""
LINGER_S = 2.0
"""How long a client that is still sending gets to read why it is refused, before its connection is reset."""
NEVER_S = float("inf")


class Connection(asyncio.Protocol):
    """A request is answered before the next one begins; `_waiting` holds what was pipelined meanwhile.

    `due_s` is when `overdue` is to be called: the listener looks every second, so that no request needs a timer.
    """

    __slots__ = (
        "_current",
        "_has_eof",
        "_is_leaving",
        "_is_paused",
        "_reader",
        "_refusal",
        "_shared",
        "_task",
        "_transport",
        "_unsent_bytes",
        "_waiting",
        "_writable",
        "due_s",
        "is_held_back",
    )

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(
            self, shared.heads, shared.names, header_limit_bytes=shared.limits.header_limit_bytes
        )
        self._current: Request | None = None  # the application has it
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[Request] | None = None
        self._refusal: PenstockError | None = None  # to be said once what came before is answered
        self._is_leaving = False  # closing, or only waiting for the client to do so
        self._is_paused = False
        self._has_eof = False
        self._writable: asyncio.Future[None] | None = None
        self._unsent_bytes = 0
        self.is_held_back = False
        self.due_s = NEVER_S

    # --- what the event loop calls -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        shared = self._shared
        self._transport = transport  # type: ignore[assignment]  # asyncio hands a Transport to a Protocol
        transport.set_write_buffer_limits(HELD_BACK_BYTES, WRITABLE_BYTES)  # type: ignore[attr-defined]  # same
        shared.join(self)
        if len(shared.members) > 2 * shared.limits.max_connections:
            self.abort()  # telling them why is itself too much
        elif len(shared.members) > shared.limits.max_connections:
            self._refuse(Overloaded("too many connections are open", retry_after_s=1.0))
        else:
            self._await_request()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        was_in_head = reader.is_in_head
        reader.feed(data)
        if reader.is_in_head and not was_in_head and self._current is None:
            self._await_request()

    def eof_received(self) -> bool:
        """The client sends no more.  Whether it still reads cannot be told, and mostly it does not: it has left."""
        self._has_eof = True
        reader, current = self._reader, self._current
        arriving, is_in_head = reader.arriving, reader.is_in_head
        reader.close()
        self._waiting = None
        cut = MalformedRequest("the connection ended before the request did")
        if current is not None:
            if arriving is current:
                current.fail(cut)
            else:
                current.client_left()
        elif is_in_head and not self._is_leaving:
            self._refuse(cut)
        else:
            return False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._reader.close()
        self._waiting = None
        self.is_held_back = False
        self.due_s = NEVER_S
        self._wake_writer()
        if self._current is None:
            self._shared.leave(self)
        else:
            self._current.client_left()

    def pause_writing(self) -> None:
        self.is_held_back = True
        self._await_reader()

    def resume_writing(self) -> None:
        self.is_held_back = False
        self._wake_writer()
        if self._is_leaving:
            return
        if self._current is not None:
            self.due_s = NEVER_S
        else:
            self._go_on()

    # --- what the reader calls ---------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        if self._current is None and not self.is_held_back:
            self._start(request)
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(request)
        if len(self._waiting) >= MAX_WAITING:
            request.is_last = True
        if len(self._waiting) >= READ_UP_TO_WAITING:
            self.stop_reading()

    def on_broken(self, error: PenstockError) -> None:
        """What came before is answered first."""
        if self._current is None and not self._waiting:
            self._refuse(error)
        else:
            self._refusal = error

    # --- what a request calls ----------------------------------------------------------------------------------

    def send(self, data: bytes) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        transport.write(data)
        return True

    def stop_reading(self) -> None:
        if not self._is_paused and self._transport is not None and not self._has_eof:
            self._is_paused = True
            self._transport.pause_reading()

    def read_on(self) -> None:
        if self._is_paused and self._transport is not None and not self._has_eof:
            self._is_paused = False
            self._transport.resume_reading()

    async def wait_writable(self) -> None:
        while self.is_held_back:
            self._writable = self._shared.loop.create_future()
            await self._writable
        if self._transport is None:
            raise ClientGone

    # --- what the listener calls -------------------------------------------------------------------------------

    def overdue(self, now_s: float) -> None:
        """`due_s` has passed: give up what was waited for, unless the client is only slow in reading."""
        transport, limits = self._transport, self._shared.limits
        self.due_s = NEVER_S
        if transport is None:
            return
        unsent_bytes = transport.get_write_buffer_size()
        if unsent_bytes and unsent_bytes < self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self.due_s = now_s + limits.write_timeout_s
        elif unsent_bytes or self._is_leaving:
            transport.abort()
        elif self._current is None and self._reader.is_in_head:
            self._refuse(RequestTimeout(f"the request's head did not arrive within {limits.head_timeout_s:g} s"))
        elif self._current is None:
            self._close()

    def close_if_idle(self) -> None:
        """No request has begun, so that none is lost by closing."""
        if self._current is None and not self._waiting and not self._reader.is_in_head and not self._is_leaving:
            self._close()

    def abort(self) -> None:
        """Drop the connection, and the request with it."""
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    # --- one request after the other ---------------------------------------------------------------------------

    def _start(self, request: Request) -> None:
        self._current = request
        self.due_s = NEVER_S
        self._task = self._shared.loop.create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        try:
            await self._shared.app(request)
            if not request.is_begun and not request.is_client_gone:
                raise RuntimeError("the application gave no answer")  # noqa: TRY301 - answered like any other fault
        except Exception as fault:  # noqa: BLE001 - boundary: the request edge; logged and answered with 500
            structlog.get_logger("penstock.server").error("request failed", path=request.path[:200], exc_info=fault)
            if not request.is_begun:
                request.respond(*self._shared.app.refuse(InternalError("internal error")))
        finally:
            self._finish(request)

    def _finish(self, request: Request) -> None:
        """The application is done with its request."""
        self._current = self._task = None
        request.release()
        transport = self._transport
        if transport is None:
            self._shared.leave(self)
        elif not request.is_answered:
            transport.abort()  # a stream without its end must not look whole
        elif not request.is_last and not self._has_eof:
            self._go_on()
        elif self._has_eof or (request.is_whole and not self._waiting and self._refusal is None):
            self._close()
        else:
            self._linger()

    def _go_on(self) -> None:
        """On to what comes next, as soon as the client has read enough of what there was."""
        waiting = self._waiting
        if self.is_held_back:
            self._await_reader()
        elif waiting:
            self._start(waiting.popleft())
            if len(waiting) < READ_UP_TO_WAITING:
                self.read_on()
        elif self._refusal is not None:
            self._refuse(self._refusal)
        elif self._shared.heads.is_draining and not self._reader.is_in_head:
            self._close()
        else:
            self._await_request()

    def _await_request(self) -> None:
        limits = self._shared.limits
        allowed_s = limits.head_timeout_s if self._reader.is_in_head else limits.idle_timeout_s
        self.due_s = self._shared.clock.monotonic() + allowed_s
        self._unsent_bytes = sys.maxsize

    def _await_reader(self) -> None:
        self.due_s = self._shared.clock.monotonic() + self._shared.limits.write_timeout_s
        self._unsent_bytes = self._transport.get_write_buffer_size() if self._transport is not None else 0

    def _wake_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # --- the end -----------------------------------------------------------------------------------------------

    def _refuse(self, error: PenstockError) -> None:
        """Say what is wrong, as the connection's last words."""
        self._refusal = None
        status, headers, body = self._shared.app.refuse(error)
        framing = f"content-length: {len(body)}\r\nconnection: close\r\n"
        self.send(self._shared.heads.head(status, headers, framing) + body)
        self._linger()

    def _linger(self) -> None:
        """End our side and let the client end its own.

        Closing on a client that still sends would reset the connection, and the answer would be lost with it.
        """
        transport = self._transport
        self._is_leaving = True
        self._reader.close()
        self._waiting = None
        if transport is None or transport.is_closing():
            return
        if self._has_eof:
            self._close()
            return
        transport.write_eof()
        self.read_on()
        self.due_s = self._shared.clock.monotonic() + LINGER_S
        self._unsent_bytes = sys.maxsize

    def _close(self) -> None:
        """Close once everything is sent."""
        self._is_leaving = True
        self._reader.close()
        if self._transport is not None:
            self._await_reader()
            self._transport.close()
