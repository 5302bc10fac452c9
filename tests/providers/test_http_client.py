"""Which connections are kept, which are dropped, and the way through a proxy."""

# pyright: reportPrivateUsage=false
# ^ what the pool holds shows in no other way

import asyncio
import ssl
from collections.abc import Iterator, Sequence

import httptools.parser.errors as parser_errors
import pytest
from tests.providers.http_upstream import (
    CHUNKED,
    HEAD,
    REQUEST,
    Bench,
    Lines,
    Staying,
    SteppedClock,
    chunk,
    read_all,
    run,
    until,
    within,
)

from penstock.core.clock import SystemClock
from penstock.core.errors import (
    UpstreamProtocolError,
    UpstreamUnavailable,
)
from penstock.providers.dialect import Endpoint
from penstock.providers.http import HttpProvider
from penstock.providers.http_client import HttpClient, Origin, connect_error
from penstock.providers.http_connection import Connection


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
