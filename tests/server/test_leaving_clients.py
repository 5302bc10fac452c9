"""Clients that leave, before, amid and after their answer."""

import asyncio
import socket
import struct
from typing import Literal

import pytest
import uvloop
from tests.server.serving import answers, body_of, echo, read_all, request, serving
from tests.server.waiting import turns, until

from penstock.core.ports import ClientGone
from penstock.server.http.request import Request


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
