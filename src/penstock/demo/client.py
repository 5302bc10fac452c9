"""A prototype's HTTP client: asks one question over a connection of its own and reads the answer to its end.

Written out on sockets, forty lines of HTTP, so that the demo needs no library that Penstock does not.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from penstock.core.clock import Clock
from penstock.core.json import JsonObject, JsonValue, dumps, loads
from penstock.demo.workload import Question

_LONGEST_WAIT_S = 60.0
_WORTH_A_RETRY = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `is_whole` says that its body came to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client saw.  `text` is empty unless the answer came whole; `failure` says in a word why it did not."""

    question: Question
    duration_s: float
    text: str = ""
    request_id: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Asks `model` at `host:port`.  `retries` are what the official SDKs do; a first prototype does none."""

    host: str
    port: int
    key: str
    model: str
    clock: Clock
    retries: int = 0

    async def ask(self, question: Question) -> Outcome:
        """Ask and wait for the whole answer.  Never raises for what a network or a provider can do."""
        body: JsonObject = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": "You answer customers of a bank."},
                {"role": "user", "content": question.text},
            ],
            "stream": question.is_streamed,
        }
        began_s = self.clock.monotonic()
        payload = dumps(body)
        reply, failure = await self._post(payload)
        for attempt in range(self.retries):
            if not _may_retry(reply):
                break
            await self.clock.sleep(_pause_s(reply, attempt))
            reply, failure = await self._post(payload)
        duration_s = self.clock.monotonic() - began_s
        if reply is None:
            return Outcome(question, duration_s, failure=failure)
        if reply.status != 200:
            return Outcome(question, duration_s, failure=str(reply.status))
        text = answer_text(reply, is_streamed=question.is_streamed)
        request_id = reply.headers.get("x-request-id", "")
        return Outcome(question, duration_s, text, request_id, failure="" if text else "incomplete")

    async def _post(self, body: bytes) -> tuple[Reply | None, str]:
        try:
            async with asyncio.timeout(_LONGEST_WAIT_S):
                headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
                return await call(self.host, self.port, "POST /v1/chat/completions", headers=headers, body=body), ""
        except TimeoutError:
            return None, "timeout"
        except (OSError, EOFError):
            return None, "connection"


async def call(
    host: str, port: int, line: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Reply:
    """Send one HTTP/1.1 request and read its answer.  Raises `OSError`, or `EOFError` on no answer at all."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        head = [f"{line} HTTP/1.1", f"host: {host}:{port}", "connection: close", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        raw = await reader.read()
    finally:
        writer.close()
    return _parsed(raw)


def answer_text(reply: Reply, *, is_streamed: bool) -> str:
    """The answer's text, or an empty one where the answer is not whole: cut short, an error, or unreadable."""
    if not reply.is_whole:
        return ""
    try:
        if not is_streamed:
            return _content(loads(reply.body), "message")
        frames = [
            frame.removeprefix(b"data:").strip() for frame in reply.body.split(b"\n\n") if frame.startswith(b"data:")
        ]
        if not frames or frames[-1] != b"[DONE]":
            return ""
        chunks = [loads(frame) for frame in frames[:-1]]
        if any(isinstance(chunk, dict) and "error" in chunk for chunk in chunks):
            return ""
        return "".join(_content(chunk, "delta") for chunk in chunks)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _parsed(raw: bytes) -> Reply:
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator:
        raise EOFError("no answer")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    is_whole = True
    if "chunked" in headers.get("transfer-encoding", ""):
        body, is_whole = _unchunked(body)
    elif "content-length" in headers:
        is_whole = len(body) == int(headers["content-length"])
    return Reply(int(first.split(" ")[1]), headers, body, is_whole)


def _unchunked(body: bytes) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            return b"".join(pieces), False
        size = int(body[at:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(pieces), True
        pieces.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


def _content(value: JsonValue, key: str) -> str:
    match value:
        case {"choices": [dict(choice), *_]}:
            said = choice.get(key)
            content = said.get("content") if isinstance(said, dict) else None
            return content if isinstance(content, str) else ""
        case _:
            return ""


def _may_retry(reply: Reply | None) -> bool:
    return reply is None or reply.status in _WORTH_A_RETRY or reply.status >= 500


def _pause_s(reply: Reply | None, attempt: int) -> float:
    """What the official SDKs wait: as long as they are told, else half a second doubled each time, with jitter."""
    if reply is not None and (told_ms := reply.headers.get("retry-after-ms")):
        return float(told_ms) / 1000
    return min(0.5 * 2.0**attempt, 8.0) * (1 - 0.25 * random.random())  # noqa: S311 - jitter, guards nothing
