"""The transport against real sockets: what the provider on the other side sees, and what its failures become."""

# pyright: reportPrivateUsage=false
# ^ what the pool holds shows in no other way

import asyncio
import gzip

import pytest
from tests.providers.http_upstream import (
    CHUNKED,
    HEAD,
    REQUEST,
    Bench,
    Lines,
    SteppedClock,
    chunk,
    read_all,
    run,
    within,
)

from penstock.core.clock import SystemClock
from penstock.core.errors import (
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.providers.dialect import Endpoint
from penstock.providers.http import HttpProvider


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
