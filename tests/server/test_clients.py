"""Faults of handlers, old HTTP, too many connections, and the end of all of them."""

import asyncio
import gc
import socket

import pytest
import uvloop
from tests.server.serving import Served, answers, echo, read_all, request, serving
from tests.server.waiting import turns, until

from penstock.server.http.connection import Connection
from penstock.server.http.reader import RequestReader
from penstock.server.http.request import Request
from penstock.server.http.response import HeadWriter
from penstock.testing.clock import FakeClock


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
