"""One question to the data plane over HTTP.  It blocks in a thread of its own; what comes is told to the event loop.

`stop` closes the connection, by which the data plane knows that nobody listens any more.
"""

import asyncio
import http.client
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from penstock.core.clock import Clock
from penstock.core.json import dumps, loads

_PATIENCE_S = 120.0
_MOST_BYTES = 4 * 1024 * 1024
_AT_ONCE = threading.BoundedSemaphore(32)
"""In one process; each is a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an application would send.  None is left to whoever answers.

    `earlier` are messages between the instructions and the question, which may then be empty; `more` is sent as it is.
    """

    model: str
    system: str
    user: str
    temperature: float | None = None
    max_tokens: int | None = None
    is_streamed: bool = True
    earlier: Sequence[Mapping[str, Any]] = ()
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def body(self) -> dict[str, Any]:
        instructions = [{"role": "system", "content": self.system}] if self.system else []
        question = [{"role": "user", "content": self.user}] if self.user else []
        body: dict[str, Any] = {
            **self.more,
            "model": self.model,
            "messages": [*instructions, *self.earlier, *question],
            "stream": self.is_streamed,
        }
        if self.is_streamed:
            body["stream_options"] = {"include_usage": True}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        return body


@dataclass(slots=True)
class Answer:
    """As far as it has come.  Changed on the event loop alone."""

    text: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    first_s: float | None = None
    took_s: float | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    citations: list[str] = field(default_factory=list[str])
    calls: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Of tools, by their place: name and arguments."""
    finish: str | None = None
    error: str | None = None
    is_stopped: bool = False

    @property
    def is_over(self) -> bool:
        return self.took_s is not None

    @property
    def exchange(self) -> str | None:
        return self.headers.get("x-request-id")


class Asking:
    """Begun when it is made; `answer` grows, and `over` is set once it is whole, stopped or failed."""

    def __init__(self, where: tuple[str, int], credential: str, question: Question, clock: Clock) -> None:
        self.answer = Answer()
        self.over = asyncio.Event()
        self._where = where
        self._credential = credential
        self._question = question
        self._clock = clock
        self._began_s = clock.monotonic()
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._socket: socket.socket | None = None
        if not _AT_ONCE.acquire(blocking=False):
            self._end("Too many questions are asked from the console at this moment: try again.")
            return
        threading.Thread(target=self._run, name="penstock-playground", daemon=True).start()

    def stop(self) -> None:
        """Nobody wants the rest."""
        if self.over.is_set():
            return
        self.answer.is_stopped = True
        self._stopping.set()
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        """In the thread."""
        problem: str | None = None
        connection = http.client.HTTPConnection(*self._where, timeout=_PATIENCE_S)
        try:
            connection.connect()
            self._socket = connection.sock
            if not self._stopping.is_set():
                self._ask(connection)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            problem = None if self._stopping.is_set() else f"The data plane did not answer in full: {error}"
        finally:
            connection.close()
            _AT_ONCE.release()
            self._tell(lambda: self._end(problem))

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        headers = {"authorization": f"Bearer {self._credential}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", dumps(self._question.body()), headers)
        response = connection.getresponse()
        said = {name.lower(): value for name, value in response.getheaders()}
        status = response.status
        self._tell(lambda: self._begin(status, said))
        if not said.get("content-type", "").startswith("text/event-stream"):
            whole = loads(response.read(_MOST_BYTES))
            self._tell(lambda: self._take(whole, "message"))
            return
        size = 0
        while size < _MOST_BYTES and (line := response.readline(_MOST_BYTES)):
            size += len(line)
            data = line.removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                event = loads(data)
                self._tell(lambda event=event: self._take(event, "delta"))

    def _tell(self, change: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who would like to know
            self._loop.call_soon_threadsafe(change)

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.answer.status, self.answer.headers = status, headers

    def _take(self, said: Any, part: str) -> None:
        """An event of a stream, or the whole answer: both have the same form but for the word `part`."""
        answer = self.answer
        if not isinstance(said, dict):
            return
        body = cast("dict[str, Any]", said)
        error = body.get("error")
        if isinstance(error, dict):
            answer.error = str(cast("dict[str, Any]", error).get("message"))
        answer.usage = body.get("usage") or answer.usage
        choices: list[dict[str, Any]] = body.get("choices") or []
        for choice in choices[:1]:
            piece: dict[str, Any] = choice.get(part) or {}
            text = piece.get("content") or piece.get("refusal")
            if text:
                if answer.first_s is None:
                    answer.first_s = self._clock.monotonic() - self._began_s
                answer.text += str(text)
            self._take_calls(piece.get("tool_calls") or [])
            annotations: list[dict[str, Any]] = piece.get("annotations") or []
            for each in annotations:
                cited: dict[str, Any] = each.get("url_citation") or {}
                answer.citations.append(str(cited.get("title") or cited.get("url")))
            answer.finish = choice.get("finish_reason") or answer.finish

    def _take_calls(self, calls: list[dict[str, Any]]) -> None:
        """Whole, or the next piece of each."""
        for place, call in enumerate(calls):
            function: dict[str, Any] = call.get("function") or {}
            at = int(call.get("index", place))
            name, arguments = self.answer.calls.get(at, ("", ""))
            self.answer.calls[at] = (
                name + str(function.get("name") or ""),
                arguments + str(function.get("arguments") or ""),
            )

    def _end(self, problem: str | None) -> None:
        self.answer.error = self.answer.error or problem
        self.answer.took_s = self._clock.monotonic() - self._began_s
        self.over.set()
