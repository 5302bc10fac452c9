"""A provider of the test's own: speaks OpenAI chat over a real socket, waits where it is told, and notes hang-ups."""

import asyncio
import json  # noqa: TID251 - the provider's side
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

WORDS = ("one", " two", " three", " four")
FLOOD_BYTES = 60_000_000
"""Where a flood ends even for a caller that takes it all: enough to show that nobody held it back."""
USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
_WHOLE = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "held",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "".join(WORDS)}, "finish_reason": "stop"},
    ],
    "usage": USAGE,
}


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "held", "choices": [choice]}


def _frames(*chunks: dict[str, object]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


@dataclass
class Call:
    """One call as the provider saw it.  `hung_up_at` is Unix time; None while the caller is there."""

    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up_at: float | None = None
    sent_bytes: int = 0


@dataclass
class Upstream:
    """A model named `before-…` is silent, one named `mid-…` says two words first; both wait for `Call.go_on`.

    One named `flood-…` talks as fast as it is listened to, until its caller leaves.
    """

    port: int
    calls: dict[str, Call] = field(default_factory=dict[str, Call])

    def call(self, model: str) -> Call:
        return self.calls.setdefault(model, Call())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        asked = json.loads(await reader.readexactly(length))
        call = self.call(asked["model"])
        if asked["model"].startswith("flood"):
            await _flood(call, writer)
            return
        first, rest = _answer(is_streamed=bool(asked.get("stream")))
        if not asked["model"].startswith("mid"):
            first, rest = b"", first + rest
        writer.write(first)
        call.has_begun.set()
        loop = asyncio.get_running_loop()
        leaving, going_on = loop.create_task(_until_hung_up(reader)), loop.create_task(call.go_on.wait())
        await asyncio.wait({leaving, going_on}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            call.hung_up_at = leaving.result()
        else:
            writer.write(rest)
        for each in (leaving, going_on):
            each.cancel()
        writer.close()
        call.is_over.set()


async def _flood(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    frame = _frames(_chunk({"role": "assistant", "content": "flood " * 1000}))
    with suppress(ConnectionError):
        while not writer.is_closing() and call.sent_bytes < FLOOD_BYTES:
            writer.write(frame)
            await writer.drain()
            call.sent_bytes += len(frame)
            call.has_begun.set()
    writer.close()
    call.is_over.set()


def _answer(*, is_streamed: bool) -> tuple[bytes, bytes]:
    """The answer's bytes, in two halves; the connection's end ends it."""
    kind = "text/event-stream" if is_streamed else "application/json"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n".encode()
    if not is_streamed:
        body = json.dumps(_WHOLE).encode()
        return head + body[:60], body[60:]
    first = _frames(_chunk({"role": "assistant", "content": WORDS[0]}), _chunk({"content": WORDS[1]}))
    usage: dict[str, object] = {**_chunk({}), "choices": (), "usage": USAGE}
    rest = _frames(*(_chunk({"content": word}) for word in WORDS[2:]), _chunk({}, "stop"), usage)
    return head + first, rest + b"data: [DONE]\n\n"


async def _until_hung_up(reader: asyncio.StreamReader) -> float:
    with suppress(ConnectionError):  # a reset is a hang-up too
        await reader.read(1)
    return time.time()  # noqa: TID251 - two processes compare their times


@asynccontextmanager
async def serving(port: int) -> AsyncGenerator[Upstream]:
    upstream = Upstream(port)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", port)
    try:
        yield upstream
    finally:
        server.close()


def config(port: int, **server: object) -> str:
    """A configuration in which the models `held/…` are this provider's; `server` are settings of that section."""
    lines = [f"  {name}: {value}" for name, value in server.items()]
    return "\n".join(
        [
            *(["server:", *lines] if lines else []),
            "providers:",
            "  held:",
            "    vendor: custom",
            "    dialect: openai-chat",
            f"    base_url: http://127.0.0.1:{port}/v1",
            "    prices:",
            "      '*': {input_usd_per_million: 1, output_usd_per_million: 2}",
            "",
        ]
    )
