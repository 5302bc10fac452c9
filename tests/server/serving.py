"""A listener on a real socket, with an application of a few lines behind it, and a client that sends bytes."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from penstock.core.clock import Clock, SystemClock
from penstock.core.errors import PenstockError
from penstock.core.json import dumps
from penstock.server.http.listener import Listener
from penstock.server.http.request import Request
from penstock.server.http.response import HeaderList
from penstock.server.http.shared import HttpLimits

Handler = Callable[[Request], Awaitable[None]]
BODY_LIMIT = 1 << 20
PATIENCE_S = 20.0


async def body_of(request: Request) -> bytes:
    body = request.take_body(BODY_LIMIT)
    if body is None:
        body = await request.read_body(BODY_LIMIT, timeout_s=30.0, clock=SystemClock())
    return body


async def echo(request: Request) -> None:
    """Says what it understood."""
    body = await body_of(request)
    request.respond(200, [("content-type", "text/plain")], f"{request.method} {request.path} ".encode() + body)


@dataclass
class Tiny:
    """The application: a handler, what it was asked, and what was refused before it."""

    handler: Handler
    asked: list[str] = field(default_factory=list[str])
    refused: list[PenstockError] = field(default_factory=list[PenstockError])

    async def __call__(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.path}")
        try:
            await self.handler(request)
        except PenstockError as error:
            request.respond(*self.refuse(error))

    def refuse(self, error: PenstockError) -> tuple[int, HeaderList, bytes]:
        self.refused.append(error)
        return error.status, [("content-type", "application/json")], dumps({"error": error.public})


@dataclass
class Served:
    port: int
    app: Tiny
    listener: Listener

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def talk(self, *pieces: bytes) -> bytes:
        """Send pieces, each as a packet of its own, and read until the server closes."""
        reader, writer = await self.connect()
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop for the server, no time
            received = await read_all(reader)
        writer.close()
        return received


async def read_all(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            received += data
    return bytes(received)


@asynccontextmanager
async def serving(handler: Handler = echo, *, clock: Clock | None = None, **limits: float) -> AsyncGenerator[Served]:
    app = Tiny(handler)
    listener = Listener(app, clock=clock or SystemClock(), limits=HttpLimits(**limits))  # type: ignore[arg-type]  # whole numbers where it asks for them
    port = await listener.listen("127.0.0.1", 0)
    try:
        yield Served(port, app, listener)
    finally:
        closing = asyncio.ensure_future(listener.aclose(0.0))  # noqa: TID251 - a fake clock must be moved meanwhile
        while not closing.done():
            if clock is not None and hasattr(clock, "advance"):
                clock.advance(1.0)  # type: ignore[attr-defined]  # asked above
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no time
        await closing


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def answers(received: bytes) -> list[Answer]:
    """All answers in what came over one connection; each must be whole."""
    found: list[Answer] = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            pieces: list[bytes] = []
            at, length = 0, -1
            while length:
                end = received.index(b"\r\n", at)
                length = int(received[at:end], 16)
                pieces.append(received[end + 2 : end + 2 + length])
                at = end + 2 + length + 2
            body, received = b"".join(pieces), received[at:]
        elif "content-length" in headers:
            length = int(headers["content-length"])
            assert len(received) >= length
            body, received = received[:length], received[length:]
        found.append(Answer(int(first.split(" ")[1]), headers, body))
    return found


def request(path: str, body: bytes = b"", *, method: str = "POST", version: str = "1.1", **headers: str) -> bytes:
    """A request; `content_length` and the like are header names."""
    named = {"host": "penstock", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body and "transfer-encoding" not in named:
        named.setdefault("content-length", str(len(body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/{version}\r\n{lines}\r\n".encode("latin-1") + body
