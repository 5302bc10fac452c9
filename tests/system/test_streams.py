"""Streams as bytes: framing, comments in a silence, slow and stuck clients, and what the headers promise."""

import asyncio
import json  # noqa: TID251 - the application's side
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import Reply, exchange, parse, request
from tests.system.upstream import FLOOD_BYTES, Upstream, config, serving

from penstock.testing.ports import free_port

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
PATHS = (CHAT, RESPONSES, MESSAGES)
COMMENT = ": keep-alive"
LATE_S = 0.5
"""What a stream of 0.3 s may be late on a busy machine."""
HELD_BYTES = 40_000_000
"""What the buffers of three sockets and two processes may hold of one answer."""


@pytest.fixture(scope="module")
def upstream_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def up(upstream_port: int) -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    settings = config(upstream_port, keep_alive_comment_s=0.2, body_timeout_s=1)
    with running(folder / "data", settings) as made:
        yield made
    shutil.rmtree(folder)


def ask(up: Installation, path: str, model: str, *, is_streamed: bool = True, says: str = "hello") -> bytes:
    body: dict[str, object] = {"model": model, "stream": is_streamed}
    body |= {"input": says} if path == RESPONSES else {"messages": [{"role": "user", "content": says}]}
    if path == MESSAGES:
        body["max_tokens"] = 1_000_000
    return request(path, json.dumps(body).encode(), {"authorization": f"Bearer {up.key}"})


def send(up: Installation, path: str, model: str, *, is_streamed: bool = True) -> Reply:
    return asyncio.run(exchange(up.port, ask(up, path, model, is_streamed=is_streamed)))


def frames(reply: Reply) -> list[str]:
    text = reply.body.decode()
    assert text.endswith("\n\n")
    return text[:-2].split("\n\n")


@pytest.mark.parametrize("path", PATHS)
def test_every_frame_is_exactly_what_the_dialect_sends(up: Installation, path: str) -> None:
    reply = send(up, path, "sim:tokens=5")
    assert reply.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-cache"
    assert "content-length" not in reply.headers
    assert "\r" not in reply.body.decode()
    said = frames(reply)
    if path == CHAT:
        assert said[-1] == "data: [DONE]"
        assert all(re.fullmatch(r"data: \{.+\}", frame) for frame in said[:-1])
        return
    for frame in said:
        event, data = frame.split("\n")
        assert event.startswith("event: ")
        assert data.startswith("data: ")
        assert json.loads(data[6:])["type"] == event[7:]


@pytest.mark.parametrize("path", PATHS)
def test_a_silence_in_the_stream_carries_comments_between_whole_frames(up: Installation, path: str) -> None:
    said = frames(send(up, path, "sim:gap=700ms,tokens=2"))
    plain = [frame for frame in said if frame != COMMENT]
    assert said.count(COMMENT) >= 3
    assert not any(COMMENT in frame for frame in plain), "a comment never stands inside a frame"
    assert said[-1] != COMMENT
    assert said[0] != COMMENT, "the status waits for the first event, so that an error can still be one"


def test_a_stream_that_flows_carries_no_comments(up: Installation) -> None:
    assert COMMENT not in frames(send(up, CHAT, "sim:gap=20ms,tokens=30"))


@pytest.mark.parametrize("path", PATHS)
def test_an_error_after_a_long_wait_for_the_first_event_is_still_a_status(up: Installation, path: str) -> None:
    reply = send(up, path, "sim:first=600ms,fault=status@503")
    assert reply.status >= 500
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("path", "first"), [(CHAT, "data: {"), (RESPONSES, "event: "), (MESSAGES, "event: ")])
def test_a_stream_that_breaks_after_a_silence_ends_with_the_dialects_error(
    up: Installation, path: str, first: str
) -> None:
    reply = send(up, path, "sim:gap=300ms,fault=cut@4")
    said = frames(reply)
    assert reply.is_whole
    assert reply.status == 200
    assert said[-1].startswith(first)
    assert "error" in said[-1] or "failed" in said[-1]


async def _trickle(up: Installation) -> Reply:
    """A client that sends its head and half of its body, and then nothing."""
    data = ask(up, CHAT, "sim", is_streamed=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", up.port)
    writer.write(data[:-10])
    async with asyncio.timeout(20):
        received = await reader.read()
    writer.close()
    return parse(received)


def test_a_body_that_does_not_arrive_in_time_is_a_408(up: Installation) -> None:
    reply = asyncio.run(_trickle(up))
    assert reply.status == 408
    assert json.loads(reply.body)["error"]["code"] == "request_timeout"


def test_a_body_in_chunks_that_does_not_arrive_in_time_is_a_408(up: Installation) -> None:
    async def main() -> Reply:
        head = {"authorization": f"Bearer {up.key}", "transfer-encoding": "chunked"}
        reader, writer = await asyncio.open_connection("127.0.0.1", up.port)
        writer.write(request(CHAT, b'5\r\n{"mod\r\n', head))
        async with asyncio.timeout(20):
            received = await reader.read()
        writer.close()
        return parse(received)

    assert asyncio.run(main()).status == 408


def test_half_open_clients_hold_nothing_up_and_are_let_go(up: Installation) -> None:
    """They connect and say nothing, or not all: everyone else is served, and the sockets are not kept for ever."""

    async def main() -> None:
        silent = [await asyncio.open_connection("127.0.0.1", up.port) for _ in range(50)]
        for _, writer in silent[25:]:
            writer.write(ask(up, CHAT, "sim")[:-10])
        assert (await exchange(up.port, ask(up, CHAT, "sim:tokens=3"))).is_whole
        async with asyncio.timeout(10):
            for reader, _ in silent[25:]:
                assert b"408" in (await reader.read())[:20]
        for _, writer in silent:
            writer.close()

    asyncio.run(main())
    assert in_flight(up) == 0


def in_flight(up: Installation) -> int:
    reply = asyncio.run(exchange(up.port, request("/health", b"", {"content-type": ""}, method="GET")))
    return int(json.loads(reply.body)["in_flight"])


async def _stuck(up: Installation, model: str) -> socket.socket:
    """A client that asks for a long stream and never reads a byte of it; its own buffer is as small as can be."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    plain.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(plain, ("127.0.0.1", up.port))
    await loop.sock_sendall(plain, ask(up, CHAT, model))
    return plain


async def until_in_flight(up: Installation, count: int) -> None:
    async with asyncio.timeout(10):
        while await asyncio.to_thread(in_flight, up) != count:
            await asyncio.sleep(0.05)  # noqa: TID251 - waits for another process


async def until_it_stands(upstream: Upstream, models: list[str]) -> None:
    """Wait until the provider has not got rid of a byte more for a second."""
    sent, since = -1, 0.0
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(20):
        while loop.time() - since < 1:
            now = sum(upstream.call(model).sent_bytes for model in models)
            if now != sent:
                sent, since = now, loop.time()
            await asyncio.sleep(0.05)  # noqa: TID251 - waits for another process


def test_clients_that_do_not_read_stall_nobody_and_are_stored_nowhere(up: Installation, upstream_port: int) -> None:
    """Their provider would talk for ever: it is held back, to what a few buffers take, and let go when they leave."""

    async def main() -> tuple[list[float], list[int]]:
        models = [f"flood-{number}" for number in range(10)]
        loop = asyncio.get_running_loop()
        async with serving(upstream_port) as upstream:
            stuck = [await _stuck(up, f"held/{model}") for model in models]
            for model in models:
                await upstream.call(model).has_begun.wait()
            await until_it_stands(upstream, models)
            took_s: list[float] = []
            for _ in range(5):
                began_s = loop.time()
                assert (await exchange(up.port, ask(up, CHAT, "sim:gap=5ms,tokens=60"))).is_whole
                took_s.append(loop.time() - began_s - 0.3)
            assert await asyncio.to_thread(in_flight, up) == 10, "they are still owed their answer"
            for plain in stuck:
                plain.close()
            async with asyncio.timeout(10):
                for model in models:
                    await upstream.call(model).is_over.wait()
            await until_in_flight(up, 0)
            return took_s, [upstream.call(model).sent_bytes for model in models]

    late_s, sent = asyncio.run(main())
    assert median(late_s) < LATE_S
    assert max(sent) < HELD_BYTES


def test_a_client_that_rests_and_then_reads_on_gets_every_byte(up: Installation, upstream_port: int) -> None:
    async def main() -> tuple[Reply, int]:
        async with serving(upstream_port) as upstream:
            reader, writer = await asyncio.open_connection("127.0.0.1", up.port, limit=1 << 16)
            writer.write(ask(up, CHAT, "held/flood-and-rest"))
            await upstream.call("flood-and-rest").has_begun.wait()
            await until_it_stands(upstream, ["flood-and-rest"])
            assert upstream.call("flood-and-rest").sent_bytes < HELD_BYTES
            async with asyncio.timeout(60):
                received = await reader.read()
            writer.close()
            return parse(received), received.count(b"flood ")

    reply, words = asyncio.run(main())
    assert reply.status == 200
    assert words >= FLOOD_BYTES // 6 * 0.95
    assert "error" in frames(reply)[-1], "the flood was cut off without an end, and the client is told"


def test_head_of_a_page_is_its_head_alone(up: Installation) -> None:
    for path in ("/health", "/health/ready", "/health/live", "/metrics", "/openapi.json"):
        get, head = (
            asyncio.run(exchange(up.port, request(path, b"", {"content-type": ""}, method=method)))
            for method in ("GET", "HEAD")
        )
        assert head.status == get.status == 200
        assert head.body == b""
        assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])
def test_the_request_id_in_the_headers_is_the_ledgers(up: Installation, path: str, *, is_streamed: bool) -> None:
    replies = [
        send(up, path, model, is_streamed=is_streamed)
        for model in ("sim:tokens=3", "sim:fault=status@400", "sim:fault=throttle", "sim:fault=cut@3")
    ]
    rows = {str(row["id"]): row for row in up.ledger()}
    for reply in replies:
        name = reply.headers["x-request-id"]
        assert reply.headers["request-id"] == name
        assert name in rows, reply
    assert [rows[reply.headers["x-request-id"]]["outcome"] for reply in replies[:1]] == ["completed"]
