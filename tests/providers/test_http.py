"""The transport against real sockets: what the provider on the other side sees, and what its failures become."""

# pyright: reportPrivateUsage=false
# ^ what the pool holds shows in no other way

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

import httptools.parser.errors as parser_errors
import pytest

from penstock.core.chat import ChatRequest, Dialect, Message, Request, TextPart
from penstock.core.clock import SystemClock, Timer
from penstock.core.errors import (
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.events import Event, Text
from penstock.providers.dialect import Endpoint, HttpCall
from penstock.providers.http import HttpProvider
from penstock.providers.http_client import HttpClient, Origin, connect_error
from penstock.providers.http_connection import Connection

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


def test_a_request_arrives_whole_and_its_answer_is_read_to_the_end() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        lines = call.head.decode().split("\r\n")
        assert lines[0] == "POST /chat?a=1 HTTP/1.1"
        assert "x-key: sk-1" in lines
        assert f"host: {bench.endpoint.base_url[7:]}" in lines
        assert not any(line.lower().startswith(("referer", "cookie")) for line in lines)
        assert call.body == b"m>big"
        await call.say(HEAD + b"content-length: 8\r\n\r\na\nb\nend\n")
        source = await task
        assert await read_all(source) == ["a", "b"]
        assert await source.read() is None
        source.close()

    run(test)


def test_events_are_handed_over_as_they_arrive_and_not_later() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(CHUNKED)
        source = await task
        for text in ("one", "two", "three"):
            await call.say(chunk(text.encode() + b"\n"))
            events = await asyncio.wait_for(source.read(), 5)
            assert [event.text for event in events] == [text]
        await call.say(chunk(b"end\n"))  # no last chunk: the dialect's end is enough
        assert await asyncio.wait_for(source.read(), 5) is None
        source.close()

    run(test)


def test_pieces_that_wait_are_read_in_one_go() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(CHUNKED + b"".join(chunk(b"%d\n" % n) for n in range(50)) + chunk(b"end\n"))
        source = await task
        events = await source.read()
        assert len(events) == 50
        source.close()

    run(test)


def test_a_call_given_up_while_its_head_is_awaited_is_seen_by_the_provider_at_once() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        task.cancel()
        await within(call.caller_left())
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test)


def test_an_answer_closed_in_its_middle_is_seen_by_the_provider_at_once() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(CHUNKED + chunk(b"one\n"))
        source = await task
        assert await source.read()
        reading = asyncio.get_running_loop().create_task(source.read())
        await asyncio.sleep(0)  # noqa: TID251 - lets the read begin; no time passes
        reading.cancel()
        source.close()
        await within(call.caller_left())
        with pytest.raises(asyncio.CancelledError):
            await reading

    run(test)


def test_a_unary_answer_closed_in_its_body_is_seen_by_the_provider_at_once() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(HEAD + b"content-length: 1000\r\n\r\none")
        source = await task
        source.close()
        await within(call.caller_left())
        assert await source.read() is None

    run(test)


def test_a_refused_connection_can_be_tried_again() -> None:
    async def test(bench: Bench) -> None:
        bench.upstream.stop()
        with pytest.raises(UpstreamUnavailable) as caught:
            await bench.open()
        assert caught.value.retry == "same"

    run(test)


def test_a_connection_that_is_not_accepted_is_a_timeout_of_its_phase() -> None:
    async def test(bench: Bench) -> None:
        silent = Endpoint("test", bench.endpoint.base_url.replace("http", "https"))  # it never answers the handshake
        provider = HttpProvider("up", Lines(), silent, bench.client, clock=SystemClock())
        with pytest.raises(UpstreamTimeout) as caught:
            await provider.open(REQUEST, "big", timeout_s=0.02)
        assert caught.value.phase == "connect"

    run(test)


def test_a_head_that_does_not_come_in_time_is_a_timeout_of_its_phase() -> None:
    clock = SteppedClock()

    async def test(bench: Bench) -> None:
        task = bench.start_open(timeout_s=30)
        call = await bench.upstream.next_call()
        clock.move(29)
        assert not task.done()
        clock.move(2)
        with pytest.raises(UpstreamTimeout) as caught:
            await task
        assert caught.value.phase == "first_event"
        await within(call.caller_left())

    run(test, clock)


def test_silence_counts_only_while_somebody_waits_for_the_provider() -> None:
    clock = SteppedClock()

    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(CHUNKED + chunk(b"one\n"))
        source = await task
        clock.move(500)  # nobody reads: the consumer is slow, not the provider
        assert [event.text for event in await source.read()] == ["one"]
        reading = asyncio.get_running_loop().create_task(source.read())
        await asyncio.sleep(0)  # noqa: TID251 - lets the read begin; no time passes
        clock.move(119)
        assert not reading.done()
        clock.move(2)
        with pytest.raises(UpstreamTimeout) as caught:
            await reading
        assert caught.value.phase == "between_events"
        source.close()
        await within(call.caller_left())
        assert clock.timers == []

    run(test, clock)


@pytest.mark.parametrize(
    ("answer", "hang_up", "error"),
    [
        (b"", "hang_up", UpstreamUnavailable),
        (b"", "reset", UpstreamUnavailable),
        (b"HTTP/1.1 200", "hang_up", UpstreamUnavailable),
        (b"nonsense\r\n\r\n", None, UpstreamProtocolError),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", None, UpstreamProtocolError),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000, None, UpstreamProtocolError),
        (HEAD + b"content-encoding: br\r\ncontent-length: 1\r\n\r\nx", None, UpstreamProtocolError),
        (CHUNKED + chunk(b"one\n"), "hang_up", UpstreamProtocolError),
        (CHUNKED + b"zz\r\n", None, UpstreamProtocolError),
        (HEAD + b"content-length: 99\r\n\r\none\n", "hang_up", UpstreamProtocolError),
        (HEAD + b"content-length: 4\r\n\r\nbad\n", None, UpstreamProtocolError),
        (HEAD + b"content-length: 4\r\n\r\none\n", None, UpstreamProtocolError),  # whole in HTTP, not in its dialect
        (HEAD + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nxxxx", None, UpstreamProtocolError),
    ],
)
def test_every_way_to_break_an_answer_is_an_error_that_allows_another_try(
    answer: bytes, hang_up: str | None, error: type[UpstreamError]
) -> None:
    async def test(bench: Bench) -> None:
        async def ask() -> None:
            source = await bench.open()
            try:
                await read_all(source)
            finally:
                source.close()

        task = asyncio.get_running_loop().create_task(ask())
        call = await bench.upstream.next_call()
        await call.say(answer)
        if hang_up:
            getattr(call, hang_up)()
        with pytest.raises(error) as caught:
            await asyncio.wait_for(task, 5)
        assert caught.value.retry == "same"
        assert bench.client._live == set()

    run(test)


def test_what_came_before_a_cut_is_handed_over_before_the_error() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(CHUNKED + chunk(b"one\n"))
        call.hang_up()
        source = await task
        assert [event.text for event in await source.read()] == ["one"]
        with pytest.raises(UpstreamProtocolError):
            await source.read()
        source.close()

    run(test)


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(b"HTTP/1.0 200 OK\r\n\r\none\nend\n")
        call.hang_up()
        source = await task
        assert await read_all(source) == ["one"]
        source.close()

    run(test)


def test_an_informational_answer_is_passed_over() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
        await call.say(HEAD + b"content-length: 8\r\n\r\none\nend\n")
        source = await task
        assert await read_all(source) == ["one"]
        source.close()

    run(test)


def test_a_compressed_answer_is_read_as_it_streams() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        assert b"accept-encoding: gzip" in call.head
        packed = gzip.compress(b"one\ntwo\nend\n")
        await call.say(HEAD + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n")
        for at in range(0, len(packed), 5):
            await call.say(chunk(packed[at : at + 5]))
        source = await task
        assert await read_all(source) == ["one", "two"]
        source.close()

    run(test)


@pytest.mark.parametrize("status", [302, 400, 429, 503])
def test_an_answer_that_is_no_success_is_what_the_dialect_makes_of_it(status: int) -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        other = bench.endpoint.base_url.encode()
        await call.say(b"HTTP/1.1 %d X\r\nX-Why: y\r\nlocation: %b\r\ncontent-length: 3\r\n\r\nsad" % (status, other))
        with pytest.raises(UpstreamRefused) as caught:
            await task
        assert (caught.value.public, caught.value.upstream_status, caught.value.detail) == ("sad", status, "3 y")
        assert bench.upstream.connections == 1  # nothing was followed

    run(test)


def test_no_more_than_a_mebibyte_of_an_error_is_read() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(b"HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\n")
        saying = asyncio.get_running_loop().create_task(call.say(chunk(b"x" * 1_500_000)))
        with pytest.raises(UpstreamRefused) as caught:
            await task
        assert caught.value.detail == "1048576 None"
        await asyncio.gather(saying, return_exceptions=True)
        await within(call.caller_left())

    run(test)


STAY = (("x-stay", "1"),)


class Staying(Lines):
    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        call = super().encode(request, model, endpoint, now=now)
        return HttpCall(call.url, call.headers + STAY, call.body)


@pytest.mark.parametrize(
    ("pieces", "is_kept"),
    [
        ((HEAD + b"content-length: 8\r\n\r\none\nend\n",), True),
        ((CHUNKED + chunk(b"one\nend\n") + b"0\r\n\r\n",), True),
        ((CHUNKED + chunk(b"one\nend\n"), b"0\r\n\r\n"), True),
        ((HEAD + b"connection: close\r\ncontent-length: 8\r\n\r\none\nend\n",), False),
        ((HEAD + b"content-length: 8\r\n\r\none\nend\n" + HEAD,), False),
    ],
)
def test_a_connection_is_kept_exactly_where_its_answer_has_ended(pieces: Sequence[bytes], *, is_kept: bool) -> None:
    async def test(bench: Bench) -> None:
        provider = HttpProvider("up", Staying(), bench.endpoint, bench.client, clock=SystemClock())
        for _ in range(3):
            task = asyncio.get_running_loop().create_task(provider.open(REQUEST, "m", timeout_s=5))
            call = await bench.upstream.next_call()
            await call.say(pieces[0])
            source = await task
            assert await read_all(source) == ["one"]
            source.close()
            for piece in pieces[1:]:
                await call.say(piece)
            if len(pieces) > 1:
                await until(lambda: not bench.client._live)
        assert bench.upstream.connections == (1 if is_kept else 3)

    run(test)


async def until(is_so: Callable[[], bool]) -> None:
    """Let the event loop turn until `is_so`; fail after five seconds."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)  # noqa: TID251 - lets other tasks run; no time passes


def test_an_answer_that_is_over_but_never_ends_in_http_is_dropped_after_a_second() -> None:
    clock = SteppedClock()

    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(CHUNKED + chunk(b"end\n"))
        source = await task
        assert await source.read() is None
        source.close()
        clock.move(1.1)
        await within(call.caller_left())
        await until(lambda: not bench.client._live)

    run(test, clock)


def test_a_kept_connection_that_the_provider_closed_is_not_used_again() -> None:
    async def test(bench: Bench) -> None:
        for _ in range(2):
            task = bench.start_open()
            call = await bench.upstream.next_call()
            await call.say(HEAD + b"content-length: 8\r\n\r\none\nend\n")
            source = await task
            assert await read_all(source) == ["one"]
            source.close()
            (kept,) = next(iter(bench.client._idle.values()))
            call.hang_up()
            await until(lambda kept=kept: not kept.is_open)
        assert bench.upstream.connections == 2

    run(test)


def test_a_kept_connection_that_closes_under_a_request_is_an_error_that_allows_the_same_target_again() -> None:
    async def test(bench: Bench) -> None:
        provider = HttpProvider("up", Staying(), bench.endpoint, bench.client, clock=SystemClock())
        task = asyncio.get_running_loop().create_task(provider.open(REQUEST, "m", timeout_s=5))
        call = await bench.upstream.next_call()
        await call.say(HEAD + b"content-length: 8\r\n\r\none\nend\n")
        source = await task
        await read_all(source)
        source.close()
        task = asyncio.get_running_loop().create_task(provider.open(REQUEST, "m", timeout_s=5))
        call = await bench.upstream.next_call()
        assert bench.upstream.connections == 1
        call.hang_up()
        with pytest.raises(UpstreamUnavailable) as caught:
            await task
        assert caught.value.retry == "same"

    run(test)


def test_closing_the_provider_drops_idle_and_running_connections() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await bench.provider.aclose()
        await within(call.caller_left())
        with pytest.raises(UpstreamUnavailable):
            await task
        with pytest.raises(UpstreamUnavailable):
            await bench.open()

    run(test)


def test_a_reader_that_lags_makes_the_provider_wait() -> None:
    async def test(bench: Bench) -> None:
        task = bench.start_open()
        call = await bench.upstream.next_call()
        await call.say(HEAD + b"content-length: 40000004\r\n\r\n")
        saying = asyncio.get_running_loop().create_task(call.say((b"x" * 99 + b"\n") * 400_000 + b"end\n"))
        source = await task
        (connection,) = bench.client._live
        await until(lambda: connection._is_paused)
        assert connection._unread < 2 * 1024 * 1024
        assert len(await read_all(source)) == 400_000
        await saying
        source.close()

    run(test)


def test_a_line_break_in_a_header_is_never_sent() -> None:
    async def test(bench: Bench) -> None:
        endpoint = Endpoint("test", bench.endpoint.base_url, "sk\r\nx-evil: 1")
        provider = HttpProvider("up", Lines(), endpoint, bench.client, clock=SystemClock())
        with pytest.raises(ValueError, match="line break"):
            await provider.open(REQUEST, "m", timeout_s=5)
        assert bench.upstream.connections == 0

    run(test)


def test_a_plain_request_goes_through_the_proxy_of_the_environment() -> None:
    async def test(bench: Bench) -> None:
        proxy = bench.endpoint.base_url.replace("http://", "http://me:pw@")
        client = HttpClient(clock=SystemClock(), environ_proxies={"http": proxy, "no": "other.test"})
        endpoint = Endpoint("test", "http://provider.test:81", "k")
        provider = HttpProvider("up", Lines(), endpoint, client, clock=SystemClock())
        task = asyncio.get_running_loop().create_task(provider.open(REQUEST, "m", timeout_s=5))
        call = await bench.upstream.next_call()
        assert call.head.startswith(b"POST http://provider.test:81/chat?a=1 HTTP/1.1\r\n")
        assert b"host: provider.test:81\r\n" in call.head
        assert b"proxy-authorization: Basic bWU6cHc=\r\n" in call.head
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()

    run(test)


def test_a_secure_request_opens_a_tunnel_and_a_proxy_that_refuses_it_is_named() -> None:
    async def test(bench: Bench) -> None:
        client = HttpClient(clock=SystemClock(), environ_proxies={"https": bench.endpoint.base_url})
        provider = HttpProvider(
            "up", Lines(), Endpoint("test", "https://provider.test", "k"), client, clock=SystemClock()
        )
        task = asyncio.get_running_loop().create_task(provider.open(REQUEST, "m", timeout_s=5))
        call = await bench.upstream.next_call()
        assert call.head.startswith(b"CONNECT provider.test:443 HTTP/1.1\r\n")
        assert b"x-key" not in call.head
        await call.say(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
        with pytest.raises(UpstreamUnavailable) as caught:
            await task
        assert caught.value.detail == "proxy said 403"
        await within(call.caller_left())

    run(test)


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("", False),
        ("*", True),
        ("provider.test", True),
        (".test", True),
        ("*.test", True),
        ("est", False),
        ("a.b, provider.test:443", True),
        ("provider.test:80", False),
        ("::1", False),
    ],
)
def test_no_proxy_is_heeded(no_proxy: str, *, is_direct: bool) -> None:
    client = HttpClient(clock=SystemClock(), environ_proxies={"https": "http://proxy:1", "no": no_proxy})
    assert (client._proxy_of(Origin(is_tls=True, host="provider.test", port=443)) is None) == is_direct


def leaves(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for sub in root.__subclasses__():
        yield from leaves(sub)


def test_every_error_of_the_system_and_of_tls_is_an_upstream_error() -> None:
    for kind in leaves(OSError):
        if kind.__module__ not in {"builtins", "ssl", "socket"}:
            continue
        error = kind("x")
        if isinstance(error, ssl.SSLCertVerificationError):
            error.verify_message = "self-signed"
        mapped = connect_error(error)  # type: ignore[arg-type]  # all are OSErrors
        assert isinstance(mapped, UpstreamUnavailable)
        assert mapped.detail


def test_every_error_of_the_parser_is_one_that_a_connection_catches() -> None:
    """A new exception of httptools that is not caught would leave a reader waiting for ever."""
    for name in parser_errors.__all__:
        kind = getattr(parser_errors, name)

        class Failing:
            def __init__(self, kind: type[Exception]) -> None:
                self._kind = kind

            def feed_data(self, data: bytes) -> None:
                raise self._kind(data)

        async def test(kind: type[Exception] = kind, failing: type[Failing] = Failing) -> None:
            connection = Connection(asyncio.get_running_loop())
            connection._is_done = False
            connection._parser = failing(kind)  # type: ignore[assignment]  # stands in for httptools' own
            connection.data_received(b"x")
            with pytest.raises(UpstreamProtocolError):
                await connection.wait_head()

        asyncio.run(test())
