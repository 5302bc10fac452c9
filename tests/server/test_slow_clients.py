"""Clients that send too slowly, do not read, or send what nobody asked for."""

import asyncio

import uvloop
from tests.server.serving import BODY_LIMIT, answers, body_of, read_all, request, serving
from tests.server.waiting import turns, until

from penstock.core.ports import ClientGone
from penstock.server.http.request import Request
from penstock.testing.clock import FakeClock

PIECE = b"x" * 65536
HELD_BYTES = 16 << 20
"""What the buffers of two sockets and one connection may hold of an answer."""


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
