"""The simulator: providers' APIs on a real socket, with faults that only a real socket has.

`penstock sim` runs it, `penstock demo` and the tests start it in their own loop.  It shares no code with Penstock's
wire and provider rooms on purpose: where both read a format alike, they do so for two reasons, not one.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote

from penstock.core.clock import Clock, SystemClock
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.testing.behaviour import Behaviour
from penstock.testing.director import Course, Director, tokens_said
from penstock.testing.sim.anthropic import MESSAGES
from penstock.testing.sim.dialect import Asked, BadCallError, SimDialect, Speaker
from penstock.testing.sim.gemini import CONTENTS
from penstock.testing.sim.http import Call, Connection
from penstock.testing.sim.openai_chat import CHAT, EMBEDDINGS
from penstock.testing.sim.openai_responses import RESPONSES
from penstock.testing.sim.profile import Profile

_PATHS: Mapping[str, SimDialect] = MappingProxyType(
    {
        "/v1/chat/completions": CHAT,
        "/v1/responses": RESPONSES,
        "/v1/embeddings": EMBEDDINGS,
        "/v1/messages": MESSAGES,
    }
)
_JSON: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})
_STREAM: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream; charset=utf-8"})


@dataclass(slots=True)
class Tally:
    """What one model was asked and what came of it; the simulator's own count, for `GET /sim/stats`.

    Each call ends as one of `answered`, `refused` (with a status), `broken` (by a fault mid-answer) and `left` (the
    client went away first).  Tokens are what a provider would bill: all that it read and said, also in vain.
    """

    calls: int = 0
    answered: int = 0
    refused: dict[int, int] = field(default_factory=dict[int, int])
    broken: dict[str, int] = field(default_factory=dict[str, int])
    left: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def refuse(self, status: int) -> None:
        self.refused[status] = self.refused.get(status, 0) + 1

    def shown(self) -> JsonObject:
        return {
            "calls": self.calls,
            "answered": self.answered,
            "refused": {str(status or "reset"): number for status, number in sorted(self.refused.items())},
            "broken": dict[str, JsonValue](sorted(self.broken.items())),
            "left": self.left,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }


class Simulator:
    """An HTTP server on `host`; use as `async with Simulator() as simulator`, then call `simulator.base_url`.

    Paths: `/v1/chat/completions`, `/v1/responses`, `/v1/embeddings`, `/v1/messages`, `/v1/models`,
    `/v1beta/models/{model}:generateContent` and `:streamGenerateContent`; `GET /sim/stats` counts, `POST /sim/reset`
    forgets counts, draws and the start of time, so that a second run meets what the first one met.
    The behaviour is the model's, changed by the header `x-sim` (items as in a model name) and `x-sim-<key>` headers.
    """

    def __init__(self, *, seed: int = 0, profile: Profile | None = None, clock: Clock | None = None) -> None:
        self._seed = seed
        self._profile = profile or Profile()
        self._clock: Clock = clock or SystemClock()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._host = ""
        self.port = 0
        self.tallies: dict[str, Tally] = {}
        self._director = Director(seed)
        self._began_s = self._clock.monotonic()

    @property
    def base_url(self) -> str:
        """Without a trailing slash and without `/v1`."""
        return f"http://{self._host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one.  Raises `OSError` where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._answer, self._connections), host, port, backlog=2048
        )
        self._host = host
        self.port = self._server.sockets[0].getsockname()[1]
        self.reset()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.reset()
        if self._server is not None:
            await self._server.wait_closed()

    def reset(self) -> None:
        """Begin anew: counts, draws, limits and outages."""
        self.tallies = {}
        self._director = Director(self._seed)
        self._began_s = self._clock.monotonic()

    def stats(self) -> JsonObject:
        """The counts of every model that was called."""
        models: JsonObject = {model: tally.shown() for model, tally in sorted(self.tallies.items())}
        return {"calls": sum(tally.calls for tally in self.tallies.values()), "models": models}

    async def _answer(self, call: Call, connection: Connection) -> None:
        dialect = _PATHS.get(call.path)
        if dialect is None and call.path.startswith("/v1beta/models/") and "enerateContent" in call.path:
            dialect = CONTENTS
        if dialect is not None and call.method == "POST":
            await self._tell(call, connection, dialect)
            return
        match call.method, call.path:
            case "GET", "/v1/models":
                names = ["sim", "sim-reasoning", *self._profile.models]
                data: list[JsonValue] = [
                    {"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in names
                ]
                await connection.send(200, _JSON, dumps({"object": "list", "data": data}))
            case "GET", "/sim/stats":
                await connection.send(200, _JSON, dumps(self.stats()))
            case "POST", "/sim/reset":
                self.reset()
                await connection.send(200, _JSON, b"{}")
            case _:
                await connection.send(404, _JSON, CHAT.refusal(404, None))

    async def _tell(self, call: Call, connection: Connection, dialect: SimDialect) -> None:
        try:
            asked = dialect.read(call)
            behaviour = self._behaviour(asked.ask.model, call)
        except ValueError as error:
            status = 400 if isinstance(error, BadCallError) else 404
            body = dialect.refusal(status, None).replace(
                f"The simulated provider answers {status}.".encode(), dumps(str(error))[1:-1]
            )
            await connection.send(status, _JSON, body)
            return
        tally = self.tallies.setdefault(asked.ask.model, Tally())
        tally.calls += 1
        course = self._director.decide(
            asked.ask,
            behaviour,
            key=_key(call),
            elapsed_s=self._clock.monotonic() - self._began_s,
            created=int(self._clock.now()),
        )
        performance = _Performance(dialect, asked, course, connection, self._clock, tally)
        try:
            await performance.give(is_head_early=behaviour.is_head_early)
        except asyncio.CancelledError:
            performance.count_left()
            raise

    def _behaviour(self, model: str, call: Call) -> Behaviour:
        behaviour = self._profile.behaviour(model)
        for name, value in call.headers.items():
            if name == "x-sim":
                behaviour = Behaviour.parse(unquote(value), behaviour)
            elif name.startswith("x-sim-"):
                key = name.removeprefix("x-sim-").replace("-", "_")
                behaviour = Behaviour.parse(f"{key}={unquote(value)}", behaviour)
        return behaviour


@dataclass(slots=True)
class _Performance:
    """One call being answered on its connection."""

    dialect: SimDialect
    asked: Asked
    course: Course
    connection: Connection
    clock: Clock
    tally: Tally
    is_counted: bool = False
    told: int = 0

    async def give(self, *, is_head_early: bool) -> None:
        course, connection = self.course, self.connection
        is_streamed = self.asked.ask.is_streamed
        if is_head_early and is_streamed and course.refusal is None:
            connection.begin({**_STREAM, **course.headers})
        else:
            is_head_early = False
        if course.first_s:
            await self.clock.sleep(course.first_s)
        if course.refusal is not None:
            await self._refuse(course.refusal.status, course.refusal.retry_after_s)
            return
        if self._is_broken_before_the_head() and not is_head_early:
            await self._break(b"")
            return
        speaker = self.dialect.speak(self.asked, course.events)
        if is_streamed:
            if not is_head_early:
                connection.begin({**_STREAM, **course.headers})
            await self._stream(speaker)
        else:
            await self._send_whole(speaker)

    def _is_broken_before_the_head(self) -> bool:
        broken = self.course.break_
        return broken is not None and broken.at == 0 and broken.kind in {"stall", "cut", "reset"}

    async def _stream(self, speaker: Speaker) -> None:
        course, connection = self.course, self.connection
        broken_at = course.break_.at if course.break_ is not None else -1
        ready = bytearray()
        for index, event in enumerate(course.events):
            if index and course.has_gaps:
                await connection.chunk(bytes(ready))
                ready.clear()
                await self.clock.sleep(course.gap_s())
            if index == broken_at:
                await connection.chunk(bytes(ready))
                ready.clear()
                if not await self._break_in_stream(speaker, speaker.frames(event)):
                    return
            else:
                ready += speaker.frames(event)
                self.told = index + 1
        await connection.chunk(bytes(ready))
        if broken_at == len(course.events) and not await self._break_in_stream(speaker, b""):
            return
        await connection.chunk(speaker.tail())
        connection.end()
        if broken_at < 0:
            self._count_whole()

    async def _break_in_stream(self, speaker: Speaker, due: bytes) -> bool:
        """Strike in place of the frames that are due.  True where the stream goes on as if nothing had happened."""
        kind = self.course.break_.kind if self.course.break_ is not None else "stall"
        match kind:
            case "error":
                self._count_break()
                await self.connection.chunk(self.dialect.error_frame)
                self.connection.end()
                return False
            case "bad_sse":
                self._count_break()
                due = due or b'data: {"nothing":0}\n\n'
                middle = due.find(b"{") + 2
                await self.connection.chunk(due[:middle] + b"\n\n\xff\n" + due[middle:])
                return True
            case "wrong_json":
                self._count_break()
                await self.connection.chunk(speaker.wrong(is_streamed=True))
                return True
            case "stall" | "cut" | "reset":
                await self._break(b"")
                return False

    async def _send_whole(self, speaker: Speaker) -> None:
        body = speaker.unary()
        self.told = len(self.course.events)
        match self.course.break_.kind if self.course.break_ is not None else None:
            case None:
                await self.connection.send(200, {**_JSON, **self.course.headers, "x-request-id": "req_simulated"}, body)
                self._count_whole()
            case "error":
                await self._refuse(500, None)
            case "bad_sse":
                self._count_break()
                await self.connection.send(200, _JSON, b"<html><body>\xff" + body[: len(body) // 2])
            case "wrong_json":
                self._count_break()
                await self.connection.send(200, _JSON, speaker.wrong(is_streamed=False))
            case "stall" | "cut" | "reset":
                await self._break(body)

    async def _refuse(self, status: int, retry_after_s: float | None) -> None:
        self.is_counted = True
        self.tally.refuse(status)
        if status == 0:
            self.connection.reset()
            return
        headers = {**_JSON, **self.course.headers}
        if retry_after_s is not None:
            headers["retry-after"] = str(math.ceil(retry_after_s))
            headers["retry-after-ms"] = str(math.ceil(retry_after_s * 1000))
        await self.connection.send(status, headers, self.dialect.refusal(status, retry_after_s))

    async def _break(self, body: bytes) -> None:
        """Stall, cut or reset, half of `body` sent before."""
        if body:
            self.connection.send_part(200, _JSON, body)
        match self.course.break_.kind if self.course.break_ is not None else None:
            case "reset":
                self._count_break()
                self.connection.reset()
            case "stall":
                self._count_break()
                await asyncio.get_running_loop().create_future()
            case _:
                self._count_break()
                self.connection.cut()

    def count_left(self) -> None:
        """The client has gone away; that is how the call ended, unless it was broken already."""
        if not self.is_counted:
            self.is_counted = True
            self.tally.left += 1
            self._bill(self.told)

    def _count_break(self) -> None:
        self.is_counted = True
        self._bill(self.told)
        kind = self.course.break_.kind if self.course.break_ is not None else "stall"
        self.tally.broken[kind] = self.tally.broken.get(kind, 0) + 1

    def _count_whole(self) -> None:
        if not self.connection.is_open:
            self.count_left()
            return
        self.is_counted = True
        self.tally.answered += 1
        self._bill(len(self.course.events))

    def _bill(self, events: int) -> None:
        usage, course = self.course.usage, self.course
        is_whole = events == len(course.events)
        self.tally.input_tokens += usage.input_tokens
        self.tally.output_tokens += usage.output_tokens if is_whole else tokens_said(course.events[:events])


def _key(call: Call) -> str:
    """The credential of a call, wherever its vendor puts it."""
    headers = call.headers
    found = headers.get("authorization") or headers.get("x-api-key") or headers.get("x-goog-api-key")
    return found or dict(parse_qsl(call.query)).get("key", "")
