"""A provider made of a socket, and a dialect of lines, for the tests of the transport."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from penstock.core.chat import ChatRequest, Dialect, Message, Request, TextPart
from penstock.core.clock import SystemClock, Timer
from penstock.core.errors import (
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
)
from penstock.core.events import Event, Text
from penstock.providers.dialect import Endpoint, HttpCall
from penstock.providers.http import HttpProvider
from penstock.providers.http_client import HttpClient

SEEN_WITHIN_S = 0.1
REQUEST = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart("hi"),)),))


class LineDecoder:
    """A dialect of lines: each is a text, `end` is the end, `bad` is no line of it."""

    def __init__(self) -> None:
        self._rest = b""
        self.is_complete = False

    def feed(self, data: bytes) -> Sequence[Event]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        events: list[Event] = []
        for line in lines:
            if line == b"bad":
                raise UpstreamProtocolError("Not a line.")
            if line == b"end":
                self.is_complete = True
                break
            events.append(Text(line.decode()))
        return events

    def finish(self) -> Sequence[Event]:
        if not self.is_complete:
            raise UpstreamProtocolError("No end.")
        return ()


class Lines:
    name: Dialect = "openai-chat"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        return ("store",) if request and endpoint else ()

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        assert now > 0
        body = f"{request.model}>{model}".encode()
        return HttpCall(f"{endpoint.base_url}/chat?a=1", (("x-key", endpoint.credential or ""),), body)

    def decoder(self, request: Request, endpoint: Endpoint) -> LineDecoder:
        assert request
        assert endpoint
        return LineDecoder()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return UpstreamRefused(body[:20].decode(), upstream_status=status, detail=f"{len(body)} {headers.get('x-why')}")


class Call:
    """One request as the provider sees it, and the means to answer it."""

    def __init__(self, head: bytes, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self.body = body
        self._reader = reader
        self._writer = writer

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def caller_left(self) -> None:
        """Return once the caller's side of the connection is closed."""
        with contextlib.suppress(ConnectionError):
            assert await self._reader.read(1) == b""

    def hang_up(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        self._writer.transport.abort()


class Upstream:
    """A provider made of a socket: every call it gets is handed to the test."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, tls: ssl.SSLContext | None = None) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                call = await self._read(reader, writer)
                await self.calls.put(call)
                if b"x-stay" not in call.head:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0)
        return Call(head, await reader.readexactly(length), reader, writer)

    async def next_call(self) -> Call:
        return await asyncio.wait_for(self.calls.get(), 5)

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()


class SteppedClock(SystemClock):
    """Real time, except that timers go off when the test says so."""

    __slots__ = ("moved_s", "timers")

    def __init__(self) -> None:
        self.moved_s = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return super().monotonic() + self.moved_s

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        entry = (when, callback)
        self.timers.append(entry)
        timers = self.timers

        class Entry:
            def cancel(self) -> None:
                if entry in timers:
                    timers.remove(entry)

        return Entry()

    def move(self, seconds: float) -> None:
        self.moved_s += seconds
        now = self.monotonic()
        due = [entry for entry in self.timers if entry[0] <= now]
        for entry in due:
            self.timers.remove(entry)
            entry[1]()


class Bench:
    """A provider and the upstream it calls."""

    def __init__(self, url: str, upstream: Upstream, clock: SystemClock) -> None:
        self.upstream = upstream
        self.client = HttpClient(clock=clock, environ_proxies={})
        self.endpoint = Endpoint("test", url, "sk-1")
        self.provider = HttpProvider("up", Lines(), self.endpoint, self.client, clock=clock)

    async def open(self, timeout_s: float = 5.0) -> Any:
        return await self.provider.open(REQUEST, "big", timeout_s=timeout_s)

    def start_open(self, timeout_s: float = 5.0) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(self.open(timeout_s))


def run(test: Callable[[Bench], Coroutine[Any, Any, None]], clock: SystemClock | None = None) -> None:
    async def main() -> None:
        upstream = Upstream()
        bench = Bench(await upstream.start(), upstream, clock or SystemClock())
        try:
            await test(bench)
        finally:
            await bench.provider.aclose()
            upstream.stop()

    asyncio.run(main())


async def read_all(source: Any) -> list[str]:
    texts: list[str] = []
    while (events := await source.read()) is not None:
        assert events
        texts += [event.text for event in events]
    return texts


async def within(wait: Awaitable[object]) -> None:
    await asyncio.wait_for(wait, SEEN_WITHIN_S)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


STAY = (("x-stay", "1"),)


class Staying(Lines):
    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        call = super().encode(request, model, endpoint, now=now)
        return HttpCall(call.url, call.headers + STAY, call.body)


async def until(is_so: Callable[[], bool]) -> None:
    """Let the event loop turn until `is_so`; fail after five seconds."""
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0)  # noqa: TID251 - lets other tasks run; no time passes
