"""SIGTERM under load: what is in flight ends well or ends clearly, nothing new begins, and nothing is lost."""

import asyncio
import json  # noqa: TID251 - the application's side
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import Reply, exchange, parse, request

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
ENDLESS = "sim:gap=50ms,tokens=100000"


def ask(up: Installation, path: str, model: str, *, is_streamed: bool = True) -> bytes:
    said = [{"role": "user", "content": "hello"}]
    body: dict[str, object] = {"model": model, "stream": is_streamed}
    body |= {"input": "hello"} if path == RESPONSES else {"messages": said}
    if path == MESSAGES:
        body["max_tokens"] = 1_000_000
    return request(path, json.dumps(body).encode(), {"authorization": f"Bearer {up.key}"})


class Asked:
    """A request on its own connection, whose first bytes can be waited for."""

    def __init__(self, up: Installation, path: str, model: str) -> None:
        self.path = path
        self._port = up.port
        self._data = ask(up, path, model)
        self.has_begun = asyncio.Event()

    async def run(self) -> Reply:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._data)
        received = b""
        async with asyncio.timeout(60):
            while chunk := await reader.read(65536):
                received += chunk
                self.has_begun.set()
        writer.close()
        return parse(received)


async def until_refused(port: int) -> None:
    """Wait until nobody takes connections on the port any more."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.01)  # noqa: TID251 - waits for another process


async def stop_while_streaming(
    up: Installation, asked: list[Asked], meanwhile: Callable[[], Awaitable[None]] | None = None
) -> list[Reply]:
    """SIGTERM once all streams have begun; their replies."""
    assert up.process is not None
    loop = asyncio.get_running_loop()
    replies = [loop.create_task(each.run()) for each in asked]
    async with asyncio.timeout(30):
        for each in asked:
            await each.has_begun.wait()
    up.process.send_signal(signal.SIGTERM)
    await until_refused(up.port)
    if meanwhile is not None:
        await meanwhile()
    return list(await asyncio.gather(*replies))


def ending(path: str, reply: Reply) -> str:
    """The last event that the dialect's client sees."""
    last = reply.body.decode().strip().split("\n\n")[-1]
    data = last.partition("data: ")[2]
    if path == CHAT:
        return "done" if data == "[DONE]" else "error" if "error" in json.loads(data) else "chunk"
    kind = json.loads(data)["type"]
    assert last.startswith(f"event: {kind}\n")
    return {"response.completed": "done", "message_stop": "done", "error": "error", "response.failed": "error"}.get(
        kind, "chunk"
    )


@pytest.mark.timeout(120)
def test_streams_in_flight_finish_and_new_connections_are_refused(short_dir: Path) -> None:
    with running(short_dir / "data") as up:
        asked = [Asked(up, path, "sim:gap=50ms,tokens=60") for path in (CHAT, RESPONSES, MESSAGES) for _ in range(10)]
        replies = asyncio.run(stop_while_streaming(up, asked))
        assert up.process is not None
        assert up.process.wait(60) == 0
        rows = up.ledger()
    assert [ending(each.path, reply) for each, reply in zip(asked, replies, strict=True)] == ["done"] * len(asked)
    assert all(reply.is_whole for reply in replies)
    assert Counter(str(row["id"]) for row in rows) == Counter(reply.headers["x-request-id"] for reply in replies)
    assert {row["outcome"] for row in rows} == {"completed"}
    assert {row["accuracy"] for row in rows} == {"exact"}


@pytest.mark.timeout(120)
def test_a_drain_that_takes_too_long_ends_streams_with_the_dialects_error(short_dir: Path) -> None:
    with running(short_dir / "data", "server:\n  drain_timeout_s: 1\n") as up:
        asked = [Asked(up, path, ENDLESS) for path in (CHAT, RESPONSES, MESSAGES) for _ in range(5)]
        replies = asyncio.run(stop_while_streaming(up, asked))
        assert up.process is not None
        assert up.process.wait(60) == 0
        rows = up.ledger()
    assert [ending(each.path, reply) for each, reply in zip(asked, replies, strict=True)] == ["error"] * len(asked)
    assert all(reply.is_whole for reply in replies), "the error event is the end of a whole HTTP answer"
    assert Counter(str(row["id"]) for row in rows) == Counter(reply.headers["x-request-id"] for reply in replies)
    assert {row["outcome"] for row in rows} == {"shutdown"}
    assert {row["accuracy"] for row in rows} == {"estimated"}


@pytest.mark.timeout(120)
def test_short_requests_at_full_rate_are_answered_whole_or_refused_and_none_is_lost(short_dir: Path) -> None:
    """Requests that arrive in the very moment of the signal: each is an answer in the ledger, or no answer at all."""
    whole: list[str] = []
    broken: list[Reply] = []

    async def ask_until_refused(up: Installation, number: int) -> None:
        data = ask(up, CHAT, "sim:first=2ms,tokens=4", is_streamed=number % 2 == 1)
        while True:
            try:
                reply = await exchange(up.port, data)
            except OSError:
                return
            if reply.status == 200 and reply.is_whole:
                whole.append(reply.headers["x-request-id"])
            elif reply.status == 0:
                return  # the connection was taken and closed without a word: safe to send again
            else:
                broken.append(reply)

    async def main(up: Installation) -> None:
        assert up.process is not None
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for number in range(16):
                tasks.create_task(ask_until_refused(up, number))
            while len(whole) < 200:
                await asyncio.sleep(0.01)  # noqa: TID251 - load runs in real time
            up.process.send_signal(signal.SIGTERM)

    with running(short_dir / "data") as up:
        asyncio.run(main(up))
        assert up.process is not None
        assert up.process.wait(60) == 0
        times = Counter(str(row["id"]) for row in up.ledger())
    assert [reply for reply in broken if reply.status != 503] == []
    assert [name for name in whole if times[name] != 1] == []
    assert len(times) == sum(times.values()), "each once"
