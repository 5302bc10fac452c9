"""HTTP/1.1 on a bare transport, because the simulator must be able to break it: reset, cut and stall at any byte.

One `Connection` for each socket; it reads a request, hands it to the simulator, and reads the next one when that has
answered.  Keep-alive, chunked bodies both ways, `Expect: 100-continue`; nothing else of HTTP.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeAlias, cast

_LARGEST_HEAD = 64 * 1024
_LARGEST_BODY = 64 * 1024 * 1024
_REASONS: Mapping[int, str] = MappingProxyType({status.value: status.phrase for status in HTTPStatus})


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request.  Header names are in lower case; `path` is without the query, both still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """One client socket.

    `answer` is called for each request and writes with `send`, `begin`, `chunk` and `end`, or breaks the connection
    with `cut` or `reset`.  It is cancelled when the client leaves.
    """

    def __init__(self, answer: "Answer", connections: "set[Connection]") -> None:
        self._answer = answer
        self._connections = connections
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._keeps_alive = True
        self._has_continued = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._take_next()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._transport = None
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the simulator calls.

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""
        self._write(self._head(status, headers, f"content-length: {len(body)}") + body)
        await self._writable.wait()

    def send_part(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send the head of an answer with the first half of its body, promising all of it."""
        self._write(self._head(status, headers, f"content-length: {len(body)}") + body[: len(body) // 2])

    def begin(self, headers: Mapping[str, str]) -> None:
        """Send the head of a streamed answer."""
        self._write(self._head(200, headers, "transfer-encoding: chunked"))

    async def chunk(self, data: bytes) -> None:
        if data:
            self._write(b"%x\r\n%b\r\n" % (len(data), data))
            await self._writable.wait()

    def end(self) -> None:
        """Send the last, empty chunk."""
        self._write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection in order (FIN), whatever was promised."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        if self._transport is None:
            return
        raw = cast("socket.socket", self._transport.get_extra_info("socket"))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # The rest.

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _head(self, status: int, headers: Mapping[str, str], framing: str) -> bytes:
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}", framing]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self._keeps_alive:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _take_next(self) -> None:
        try:
            call = self._parse()
        except ValueError as error:
            self._keeps_alive = False
            body = str(error).encode()
            self._write(self._head(400, {"content-type": "text/plain"}, f"content-length: {len(body)}") + body)
            self.cut()
            return
        if call is not None:
            self._has_continued = False
            self._task = asyncio.get_running_loop().create_task(self._serve(call))
            self._task.add_done_callback(self._served)

    async def _serve(self, call: Call) -> None:
        await self._answer(call, self)

    def _served(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self.reset()
            asyncio.get_running_loop().call_exception_handler({"message": "the simulator failed", "exception": error})
        elif not self._keeps_alive:
            self.cut()
        elif self.is_open and self._buffer:
            self._take_next()

    def _parse(self) -> Call | None:
        """Take one request from the buffer, if it is all there.  Raises `ValueError` on what is not HTTP/1.1."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LARGEST_HEAD:
                raise ValueError("the head of the request is too large")
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "100-continue" in headers.get("expect", "") and not self._has_continued:
            self._has_continued = True
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        found = self._body(end + 4, headers)
        if found is None:
            return None
        body, after = found
        del self._buffer[:after]
        connection = headers.get("connection", "").lower()
        self._keeps_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
        path, _, query = target.partition("?")
        return Call(method, path, query, headers, body)

    def _body(self, start: int, headers: Mapping[str, str]) -> tuple[bytes, int] | None:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks(start)
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= _LARGEST_BODY:
            raise ValueError("the body of the request is too large")
        if len(self._buffer) < start + length:
            return None
        return bytes(self._buffer[start : start + length]), start + length

    def _chunks(self, at: int) -> tuple[bytes, int] | None:
        body = bytearray()
        while True:
            end = self._buffer.find(b"\r\n", at)
            if end < 0:
                return None
            size = int(self._buffer[at:end].partition(b";")[0], 16)
            if len(body) + size > _LARGEST_BODY:
                raise ValueError("the body of the request is too large")
            if len(self._buffer) < end + 2 + size + 2:
                return None
            if size == 0:
                return bytes(body), end + 4
            body += self._buffer[end + 2 : end + 2 + size]
            at = end + 2 + size + 2


Answer: TypeAlias = Callable[[Call, Connection], Awaitable[None]]
"""Answers one request on its connection."""
