"""Clients that are slow, silent, gone, too many or half gone: what each may hold, and for how long."""

import asyncio
import gc
import socket
import struct
from typing import Literal

import pytest
import uvloop
from tests.server.serving import BODY_LIMIT, Served, answers, body_of, echo, read_all, request, serving

from penstock.core.ports import ClientGone
from penstock.server.http.connection import Connection
from penstock.server.http.reader import RequestReader
from penstock.server.http.request import Request
from penstock.server.http.response import HeadWriter
from penstock.testing.clock import FakeClock

PIECE = b"x" * 65536
HELD_BYTES = 16 << 20
"""What the buffers of two sockets and one connection may hold of an answer."""


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, no time


async def until(is_so: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await is_so.wait()


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_head_that_trickles_in_is_refused_after_its_time_and_not_before() -> None:
    async def main() -> None:
        clock = FakeClock()
        async with serving(clock=clock) as served:
            reader, writer = await served.connect()
            for byte in b"GET / HTTP/1.1\r\nhost: penstock\r\n"[:28]:
                writer.write(bytes([byte]))
                await turns(5)
                clock.advance(1.0)
            assert not reader._buffer, "28 s: still in time"  # type: ignore[attr-defined]  # nothing may have come
            clock.advance(4.0)
            said = answers(await read_all(reader))
            assert [each.status for each in said] == [408]
            assert said[0].headers["connection"] == "close"
            writer.close()
        assert served.app.asked == []

    uvloop.run(main())


def test_an_idle_connection_is_closed_after_its_time_without_a_word() -> None:
    async def main() -> None:
        clock = FakeClock()
        async with serving(clock=clock, idle_timeout_s=75.0) as served:
            fresh, fresh_writer = await served.connect()
            used, used_writer = await served.connect()
            used_writer.write(request("/", b"abc"))
            await used.readuntil(b"abc")
            await turns()
            clock.advance(74.0)
            await turns()
            assert served.listener.open_connections == 2
            clock.advance(3.0)
            assert await read_all(fresh) == await read_all(used) == b""
            fresh_writer.close()
            used_writer.close()

    uvloop.run(main())


def test_a_body_that_does_not_come_is_refused_after_its_time() -> None:
    async def main() -> None:
        clock = FakeClock()

        async def handler(request: Request) -> None:
            await request.read_body(BODY_LIMIT, timeout_s=30.0, clock=clock)

        async with serving(handler, clock=clock) as served:
            reader, writer = await served.connect()
            writer.write(request("/", b"abc", content_length="10"))
            await turns()
            assert served.app.asked
            clock.advance(31.0)
            assert [each.status for each in answers(await read_all(reader))] == [408]
            writer.close()

    uvloop.run(main())


def test_a_request_whose_body_is_in_sets_no_timer() -> None:
    async def main() -> None:
        clock, pending = FakeClock(), list[int]()

        async def handler(request: Request) -> None:
            pending.append(clock.pending)
            request.respond(200, [], await body_of(request))

        async with serving(handler, clock=clock) as served:
            await served.talk(request("/", b"abc", connection="close"))
        assert pending == [1], "the listener's own"

    uvloop.run(main())


# --- leaving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "half", "reset"])
@pytest.mark.parametrize("is_begun", [False, True], ids=["before", "mid"])
def test_a_client_that_leaves_is_told_of_once_and_soon(
    how: Literal["close", "half", "reset"], *, is_begun: bool
) -> None:
    async def main() -> None:
        began, left, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        times: list[float] = []
        loop = asyncio.get_running_loop()

        def on_left() -> None:
            times.append(loop.time())
            left.set()

        async def handler(request: Request) -> None:
            request.when_client_leaves(on_left)
            if is_begun:
                request.begin(200, [])
                request.write(b"one")
            began.set()
            await left.wait()
            await turns()
            ended.set()

        async with serving(handler) as served:
            reader, writer = await served.connect()
            writer.write(request("/", b"abc"))
            await until(began)
            if is_begun:
                await reader.readuntil(b"one")
            left_at = loop.time()
            if how == "half":
                writer.write_eof()
            else:
                if how == "reset":
                    plain: socket.socket = writer.get_extra_info("socket")
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            await until(ended)
            await turns()
            assert len(times) == 1
            assert times[0] - left_at < 0.05
            writer.close()

    uvloop.run(main())


def test_a_client_that_has_left_before_anyone_asks_is_told_of_at_once() -> None:
    async def main() -> None:
        told: list[str] = []
        done = asyncio.Event()

        async def handler(request: Request) -> None:
            while not request.is_client_gone:
                await turns(1)
            request.when_client_leaves(lambda: told.append("left"))
            done.set()

        async with serving(handler) as served:
            _, writer = await served.connect()
            writer.write(request("/", b"abc"))
            await writer.drain()
            writer.close()
            await until(done)
        assert told == ["left"]

    uvloop.run(main())


def test_a_client_that_leaves_after_its_answer_is_nobodys_concern() -> None:
    async def main() -> None:
        told: list[str] = []

        async def handler(request: Request) -> None:
            request.when_client_leaves(lambda: told.append("left"))
            await echo(request)

        async with serving(handler) as served:
            await served.talk(request("/", b"abc", connection="close"))
            await turns()
        assert told == []

    uvloop.run(main())


def test_half_a_request_and_then_an_end_is_told_so() -> None:
    async def main(data: bytes) -> None:
        async with serving() as served:
            reader, writer = await served.connect()
            writer.write(data)
            writer.write_eof()
            said = answers(await read_all(reader))
            assert [each.status for each in said] == [400]
            assert b"ended before" in said[0].body
            writer.close()

    uvloop.run(main(request("/", b"abc", content_length="10")))
    uvloop.run(main(b"GET / HTTP/1.1\r\nhos"))


def test_a_page_is_still_answered_to_a_client_that_only_stopped_sending() -> None:
    async def main() -> None:
        async with serving() as served:
            reader, writer = await served.connect()
            writer.write(request("/page", method="GET"))
            writer.write_eof()
            assert answers(await read_all(reader))[0].body == b"GET /page "
            writer.close()

    uvloop.run(main())


def test_waiting_for_a_body_ends_when_the_client_is_lost() -> None:
    async def main() -> None:
        began, seen = asyncio.Event(), list[type[BaseException]]()
        ended = asyncio.Event()

        async def handler(request: Request) -> None:
            began.set()
            try:
                await body_of(request)
            except ClientGone as gone:
                seen.append(type(gone))
            ended.set()

        async with serving(handler) as served:
            _, writer = await served.connect()
            plain: socket.socket = writer.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.write(request("/", b"abc", content_length="10"))
            await until(began)
            writer.transport.abort()
            await until(ended)
        assert seen == [ClientGone]
        assert served.app.refused == []

    uvloop.run(main())


# --- not reading, and sending too much -------------------------------------------------------------------------------


class Flood:
    """A handler that writes as fast as it is let, up to `most` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.written = 0
        self.is_gone = False
        self.ended = asyncio.Event()

    async def __call__(self, request: Request) -> None:
        request.begin(200, [])
        try:
            while self.written < self.most:
                request.write(PIECE)
                self.written += len(PIECE)
                if request.is_held_back:
                    await request.wait_writable()
            request.finish()
        except ClientGone:
            self.is_gone = True
        finally:
            self.ended.set()


async def until_it_stands(flood: Flood) -> None:
    written = -1
    while written != flood.written:
        written = flood.written
        await asyncio.sleep(0.05)  # noqa: TID251 - the kernel's buffers fill in real time


def test_a_client_that_does_not_read_is_waited_for_and_stored_nowhere() -> None:
    async def main() -> None:
        flood = Flood(1 << 30)
        async with serving(flood) as served:
            _, writer = await served.connect()
            writer.write(request("/", b"abc"))
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own transports have it
            await turns()
            await until_it_stands(flood)
            assert 0 < flood.written < HELD_BYTES
            writer.transport.abort()
            await until(flood.ended)
        assert flood.is_gone

    uvloop.run(main())


def test_a_client_that_rests_and_reads_on_gets_every_byte() -> None:
    async def main() -> None:
        flood = Flood(40 << 20)
        async with serving(flood) as served:
            reader, writer = await served.connect()
            writer.write(request("/", b"abc", connection="close"))
            await turns()
            await until_it_stands(flood)
            assert flood.written < HELD_BYTES
            said = answers(await read_all(reader))
            assert len(said[0].body) == flood.written == 40 << 20
            assert said[0].body.count(b"x") == len(said[0].body)
            writer.close()

    uvloop.run(main())


def test_a_client_that_takes_nothing_for_long_is_given_up() -> None:
    async def main() -> None:
        flood, clock = Flood(1 << 30), FakeClock()
        async with serving(flood, clock=clock, write_timeout_s=60.0) as served:
            _, writer = await served.connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # as above
            writer.write(request("/", b"abc"))
            await turns()
            await until_it_stands(flood)
            clock.advance(58.0)
            await turns()
            assert not flood.ended.is_set()
            clock.advance(4.0)
            await until(flood.ended)
            writer.transport.abort()
        assert flood.is_gone

    uvloop.run(main())


def test_answers_that_are_not_read_keep_the_next_requests_waiting() -> None:
    answered: list[str] = []

    async def handler(request: Request) -> None:
        answered.append(request.path)
        request.respond(200, [], PIECE * 32)

    async def main() -> None:
        async with serving(handler) as served:
            _, writer = await served.connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # as above
            writer.write(request("/x", method="GET") * 60)
            for _ in range(20):
                await asyncio.sleep(0.01)  # noqa: TID251 - the kernel's buffers fill in real time
            assert 0 < len(answered) < 12
            writer.transport.abort()

    uvloop.run(main())


def test_a_body_that_nobody_asks_for_is_not_taken_in() -> None:
    async def main() -> None:
        may_read, sizes = asyncio.Event(), list[int]()

        async def handler(request: Request) -> None:
            await may_read.wait()
            sizes.append(request.received_bytes)
            request.respond(200, [], str(len(await request_body(request))).encode())

        async def request_body(request: Request) -> bytes:
            return await request.read_body(100 << 20, timeout_s=30.0, clock=FakeClock())

        async with serving(handler) as served:
            reader, writer = await served.connect()
            writer.write(request("/", connection="close", content_length=str(50 << 20)) + bytes(50 << 20))
            for _ in range(20):
                await asyncio.sleep(0.01)  # noqa: TID251 - the kernel's buffers fill in real time
            may_read.set()
            assert answers(await read_all(reader))[0].body == str(50 << 20).encode()
            writer.close()
        assert sizes[0] < 1 << 20

    uvloop.run(main())


# --- faults, and the end ---------------------------------------------------------------------------------------------


def test_a_handler_that_fails_is_a_500_and_the_connection_goes_on() -> None:
    async def handler(request: Request) -> None:
        match request.path:
            case "/fails":
                raise KeyError("fault")
            case "/silent":
                return
            case "/splits":
                request.respond(200, [("x-name", "a\r\nset-cookie: b")], b"")
            case _:
                await echo(request)

    async def main() -> bytes:
        async with serving(handler) as served:
            asked = [request(path, method="GET") for path in ("/fails", "/silent", "/splits")]
            return await served.talk(*asked, request("/good", method="GET", connection="close"))

    received = uvloop.run(main())
    assert [each.status for each in answers(received)] == [500, 500, 500, 200]
    assert b"set-cookie" not in received


def test_a_stream_whose_handler_fails_is_cut_and_does_not_look_whole() -> None:
    async def handler(request: Request) -> None:
        request.begin(200, [])
        request.write(b"half")
        await turns()
        raise KeyError("fault")

    async def main() -> bytes:
        async with serving(handler) as served:
            return await served.talk(request("/", b"abc"))

    received = uvloop.run(main())
    assert received.endswith(b"4\r\nhalf\r\n")


def test_old_http_gets_a_stream_without_chunks() -> None:
    async def handler(request: Request) -> None:
        request.begin(200, [])
        request.write(b"one")
        request.finish(b"two")

    async def main() -> bytes:
        async with serving(handler) as served:
            return await served.talk(request("/", b"abc", version="1.0", connection="keep-alive"))

    head, _, body = uvloop.run(main()).partition(b"\r\n\r\n")
    assert body == b"onetwo"
    assert b"chunked" not in head
    assert b"connection: close" in head


def test_head_is_answered_without_a_body() -> None:
    async def main() -> bytes:
        async with serving() as served:
            return await served.talk(request("/a", method="HEAD", connection="close"))

    received = uvloop.run(main())
    assert received.endswith(b"\r\n\r\n")
    assert b"content-length: 8\r\n" in received


def test_one_connection_too_many_is_told_so() -> None:
    async def main() -> None:
        async with serving(max_connections=2) as served:
            kept = [await served.connect() for _ in range(2)]
            await turns()
            assert [each.status for each in answers(await served.talk())] == [503]
            for _, writer in kept:
                writer.close()
            while served.listener.open_connections:
                await turns(1)
            said = answers(await served.talk(request("/", b"abc", connection="close")))
            assert [each.status for each in said] == [200]

    uvloop.run(main())


async def _drain(served: Served, began: asyncio.Event, may_end: asyncio.Event) -> None:
    idle, idle_writer = await served.connect()
    busy, busy_writer = await served.connect()
    busy_writer.write(request("/busy", b"abc") * 2)
    await until(began)
    served.listener.stop_accepting()
    assert await read_all(idle) == b""
    with pytest.raises(OSError, match="refused"):
        await served.connect()
    may_end.set()
    said = answers(await read_all(busy))
    assert [each.body for each in said] == [b"POST /busy abc"]
    assert said[0].headers["connection"] == "close"
    idle_writer.close()
    busy_writer.close()
    await served.listener.aclose(10.0)
    assert served.listener.open_connections == 0


def test_drained_connections_end_with_the_answer_they_are_owed() -> None:
    async def main() -> None:
        began, may_end = asyncio.Event(), asyncio.Event()

        async def handler(request: Request) -> None:
            began.set()
            await may_end.wait()
            await echo(request)

        async with serving(handler) as served:
            await _drain(served, began, may_end)

    uvloop.run(main())


def test_what_does_not_end_in_time_is_dropped_with_its_request() -> None:
    async def main() -> None:
        began, ended = asyncio.Event(), asyncio.Event()

        async def handler(_request: Request) -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async with serving(handler) as served:
            reader, writer = await served.connect()
            writer.write(request("/", b"abc"))
            await until(began)
            await served.listener.aclose(0.01)
            assert ended.is_set()
            assert await read_all(reader) == b""
            writer.close()

    uvloop.run(main())


def test_nothing_of_a_connection_is_left_to_the_garbage_collector() -> None:
    """A cycle would keep a body of 20 MB until the collector comes round to its generation."""

    async def main() -> None:
        async with serving() as served:
            for data in (
                request("/", b"abc", connection="close"),
                request("/", b"abc") + request("/", b"def", connection="close"),
                b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
            ):
                await served.talk(data)
            cut, writer = await served.connect()
            writer.write(request("/", b"abc", content_length="5"))
            await turns()
            writer.write_eof()
            await read_all(cut)
            writer.close()
            while served.listener.open_connections:
                await turns(1)
            await turns()
            served.app.refused.clear()  # an error's traceback knows its request
            kinds = (Connection, RequestReader, Request)
            assert [each for each in gc.get_objects() if isinstance(each, kinds)] == []

    gc.collect()
    gc.disable()
    try:
        uvloop.run(main())
    finally:
        gc.enable()


def test_the_date_is_that_of_the_second() -> None:
    clock = FakeClock(now_s=1_800_000_000.0)
    heads = HeadWriter(clock)
    assert b"date: Fri, 15 Jan 2027 08:00:00 GMT\r\n" in heads.head(200, [], "")
    clock.advance(1.0)
    assert b"date: Fri, 15 Jan 2027 08:00:01 GMT\r\n" in heads.head(200, [], "")
    assert heads.head(200, [("a", "b")], "c: d\r\n").startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("header", [("x", "a\nb"), ("x", "a\rb"), ("x", "a\0b"), ("x\r\ny", "a"), ("x", "\u20ac")])
def test_a_header_that_would_break_the_head_is_never_written(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"break|latin-1"):
        HeadWriter(FakeClock()).head(200, [header], "")


def test_a_crowd_of_new_clients_is_let_in_within_a_few_turns() -> None:
    """Else, under load, the last of them waits for as many turns as there are clients."""

    async def main() -> None:
        async with serving() as served:
            await turns()
            crowd = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(64)]
            needed = 0
            while served.listener.open_connections < len(crowd):
                await turns(1)
                needed += 1
            assert needed <= 16
            for each in crowd:
                each.close()

    uvloop.run(main())
