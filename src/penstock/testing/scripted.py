"""A provider that needs no network: answers made up by rule, faults on order, every open and close counted.

Tests of the engine and of stages stand on it, and `penstock up` serves it as the model `sim`, so that a first request
works with no account anywhere.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from penstock.core.chat import (
    ChatRequest,
    Dialect,
    EmbeddingRequest,
    FilePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    ReasoningPart,
    RefusalPart,
    Request,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.clock import Clock, SystemClock
from penstock.core.errors import (
    UnsupportedField,
    UpstreamAuthFailed,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.events import Event
from penstock.testing.behaviour import PLAIN, Behaviour
from penstock.testing.director import Break, BreakKind, Course, Director, Refusal
from penstock.testing.gate import Gate
from penstock.testing.script import Ask, AskedTool, count_tokens


class ScriptedProvider:
    """Implements `core.ports.Provider`; the model name says how it behaves (`Behaviour.of_model`).

    `behaviours` adds model names of your own; `behaviour` is what names unknown to the grammar get.  With a `FakeClock`
    all latencies pass by `advance`.  `events_per_read` splits answers; without it a read returns all that is due.
    `sources` remembers the last 256 answers, newest last; `calls`, `opened`, `failed` and `closed` count all of them,
    and at rest `opened == closed`.
    """

    def __init__(
        self,
        *,
        name: str = "sim",
        dialect: Dialect = "openai-chat",
        clock: Clock | None = None,
        seed: int = 0,
        behaviour: Behaviour = PLAIN,
        behaviours: Mapping[str, Behaviour] | None = None,
        events_per_read: int | None = None,
    ) -> None:
        self._name = name
        self._dialect: Dialect = dialect
        self.clock: Clock = clock or SystemClock()
        self._behaviour = behaviour
        self._behaviours = dict(behaviours or {})
        self.events_per_read = events_per_read
        self._director = Director(seed)
        self._began_s = self.clock.monotonic()
        self.gate = Gate()
        self.sources: deque[ScriptedSource] = deque(maxlen=256)
        self.calls = 0
        self.opened = 0
        self.failed = 0
        self.closed = 0
        self.is_closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    def advisory(self, request: Request) -> Sequence[str]:
        """Fields without a name in core mean nothing to a made-up answer; they are left out and said to be."""
        return tuple(request.extras)

    async def open(self, request: Request, model: str, *, timeout_s: float) -> "ScriptedSource":
        if self.is_closed:
            raise RuntimeError("open after aclose")
        self.calls += 1
        try:
            return await self._open(request, model, timeout_s)
        except BaseException:
            self.failed += 1
            raise

    async def aclose(self) -> None:
        self.is_closed = True

    def hold_at(self, index: int) -> None:
        """From now on every answer waits before event `index` until `release`; earlier events are read as ever."""
        self.gate.hold_at(index)

    def hold_open(self) -> None:
        """From now on every `open` waits until `release` (or until its `timeout_s` is over)."""
        self.gate.hold_at(-1)

    def release(self) -> None:
        """Let go of all that wait, and hold nothing any more."""
        self.gate.release()

    async def wait_held(self, number: int = 1) -> None:
        """Return once `number` calls wait at the gate."""
        await self.gate.wait_held(number)

    async def _open(self, request: Request, model: str, timeout_s: float) -> "ScriptedSource":
        ask = ask_of(request, model)
        try:
            behaviour = self._behaviours.get(model) or Behaviour.of_model(model, self._behaviour)
        except ValueError as error:
            raise UpstreamRefused(str(error), upstream_status=404, field="model") from None
        course = self._director.decide(
            ask,
            behaviour,
            key=self._name,
            elapsed_s=self.clock.monotonic() - self._began_s,
            created=int(self.clock.now()),
        )
        deadline_s = self.clock.monotonic() + timeout_s
        if not await self.gate.passes(-1, self.clock, deadline_s):
            raise _no_head()
        if behaviour.is_head_early and request.stream and course.refusal is None:
            return self._hand_out(request, model, course, course.first_s)
        is_silent = course.break_ is not None and course.break_.at == 0 and course.break_.kind == "stall"
        if is_silent or self.clock.monotonic() + course.first_s > deadline_s:
            await self.clock.sleep(max(0.0, deadline_s - self.clock.monotonic()))
            raise _no_head()
        if course.first_s:
            await self.clock.sleep(course.first_s)
        if course.refusal is not None:
            raise _refused(course.refusal, course.headers)
        if course.break_ is not None and (course.break_.at == 0 or _fails_whole(course.break_, request)):
            raise _broken(course.break_.kind)
        if course.break_ is not None and not request.stream:
            course = replace(course, break_=Break(course.break_.kind, 0))
        return self._hand_out(request, model, course, 0.0)

    def _hand_out(self, request: Request, model: str, course: Course, first_s: float) -> "ScriptedSource":
        source = ScriptedSource(self, request, model, course, first_s)
        self.opened += 1
        self.sources.append(source)
        return source


class ScriptedSource:
    """Implements `core.ports.Source`, and remembers: the `request` as it came, `events` given out, `closes`."""

    def __init__(
        self,
        provider: ScriptedProvider,
        request: Request,
        model: str,
        course: Course,
        first_s: float,
    ) -> None:
        self.request = request
        self.model = model
        self.given = 0
        self.closes = 0
        self.is_complete = False
        self._provider = provider
        self._course = course
        self._wait_s = first_s

    @property
    def headers(self) -> Mapping[str, str]:
        """The limit, where the behaviour announces it."""
        return self._course.headers

    @property
    def events(self) -> Sequence[Event]:
        """What `read` has returned so far."""
        return self._course.events[: self.given]

    async def read(self) -> Sequence[Event] | None:
        """Return what is due; waits for latencies, gates and stalls.  May be cancelled, and then called again."""
        self._check_open()
        gate, clock, course = self._provider.gate, self._provider.clock, self._course
        if gate.is_held(self.given):
            await gate.passes(self.given, clock, None)
        if self._wait_s > 0:
            until_s = clock.monotonic() + self._wait_s
            try:
                await clock.sleep(self._wait_s)
            except asyncio.CancelledError:
                self._wait_s = max(0.0, until_s - clock.monotonic())
                raise
            self._wait_s = 0.0
        self._check_open()
        if course.break_ is not None and self.given == course.break_.at:
            if course.break_.kind == "stall":
                await asyncio.get_running_loop().create_future()
            raise _broken(course.break_.kind)
        if self.given == len(course.events):
            self.is_complete = True
            return None
        start, self.given = self.given, self._next_stop()
        self._wait_s = course.gap_s() if course.has_gaps and self.given < len(course.events) else 0.0
        return course.events[start : self.given]

    def close(self) -> None:
        self.closes += 1
        self._provider.closed += 1

    def _next_stop(self) -> int:
        """The index up to which events may be given out now."""
        if self._course.has_gaps:
            return self.given + 1
        stop = len(self._course.events)
        if self._course.break_ is not None:
            stop = min(stop, self._course.break_.at)
        if self._provider.events_per_read is not None:
            stop = min(stop, self.given + self._provider.events_per_read)
        return self._provider.gate.stop_before(self.given, stop)

    def _check_open(self) -> None:
        if self.closes:
            raise RuntimeError("read after close")


def _fails_whole(broken: Break, request: Request) -> bool:
    """An error inside a stream is, of a unary answer, its status; the other breaks leave it with a good head."""
    return broken.kind == "error" and not request.stream


def ask_of(request: Request, model: str) -> Ask:
    """Say in neutral words what a request asks.  Raises `UnsupportedField` for what only a real provider can do."""
    if isinstance(request, EmbeddingRequest):
        texts = tuple(each if isinstance(each, str) else " ".join(map(str, each)) for each in request.inputs)
        return Ask(
            model=model,
            prompt="\n".join(texts),
            input_tokens=sum(map(count_tokens, texts)),
            texts=texts,
            dimensions=request.dimensions,
            is_base64=request.encoding == "base64",
        )
    tools, mode = _tools(request)
    texts = [_text(message.parts) for message in request.messages]
    schema = None
    if request.response_format is not None and request.response_format.kind != "text":
        schema = request.response_format.schema or {}
    return Ask(
        model=model,
        prompt=_last_prompt(request.messages),
        is_streamed=request.stream,
        tool_result=_last_result(request.messages),
        input_tokens=sum(map(count_tokens, texts)) + 3 * len(texts),
        tools=tools,
        tool_mode=mode,
        is_parallel=request.parallel_tool_calls is not False,
        schema=schema,
        choices=request.choices,
        max_tokens=request.max_tokens,
        stop=request.stop,
        top_logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        seed=request.seed,
    )


def _tools(request: ChatRequest) -> tuple[tuple[AskedTool, ...], Literal["auto", "none", "required"]]:
    tools: list[AskedTool] = []
    for tool in request.tools:
        if isinstance(tool, OpaqueTool):
            raise UnsupportedField("The simulated model runs no tools of its own.", field=tool.field)
        tools.append(AskedTool(tool.name, tool.parameters or {}, tool.kind))
    choice = request.tool_choice
    if choice is None:
        return tuple(tools), "auto"
    allowed = choice.allowed if choice.mode != "named" else (choice.name or "",)
    if allowed is not None:
        tools = [tool for tool in tools if tool.name in allowed]
    return tuple(tools), "required" if choice.mode == "named" else choice.mode


def _last_prompt(messages: Sequence[Message]) -> str:
    for message in reversed(messages):
        if message.role == "user" and any(not isinstance(part, ToolResultPart) for part in message.parts):
            return _text(tuple(part for part in message.parts if not isinstance(part, ToolResultPart)))
    return ""


def _last_result(messages: Sequence[Message]) -> str | None:
    if not messages or not any(isinstance(part, ToolResultPart) for part in messages[-1].parts):
        return None
    return _text(tuple(part for part in messages[-1].parts if isinstance(part, ToolResultPart)))


def _text(parts: Sequence[Part]) -> str:
    said: list[str] = []
    for part in parts:
        match part:
            case TextPart(text=text) | ReasoningPart(text=text) | RefusalPart(text=text):
                said.append(text)
            case ToolCallPart(name=name, arguments=arguments):
                said.append(f"{name} {arguments}")
            case ToolResultPart(parts=inner):
                said.append(_text(inner))
            case FilePart(text=str(text)):
                said.append(text)
            case OpaquePart(field=field):
                raise UnsupportedField("The simulated model does not know this kind of content.", field=field)
            case _:
                said.append("[attachment]")
    return "\n".join(said)


def _no_head() -> UpstreamTimeout:
    return UpstreamTimeout("The simulated provider did not answer in time.", phase="first_event")


def _refused(refusal: Refusal, headers: Mapping[str, str]) -> UpstreamError:
    error = _refusal_error(refusal)
    error.headers = headers
    return error


def _refusal_error(refusal: Refusal) -> UpstreamError:
    status = refusal.status
    if status == 0:
        return UpstreamUnavailable("The simulated provider is down.")
    if status == 429:
        return UpstreamThrottled(
            "The simulated provider is being called too often.",
            retry_after_s=refusal.retry_after_s,
            upstream_status=status,
        )
    if status in {401, 403}:
        return UpstreamAuthFailed("The simulated provider does not accept the credential.", upstream_status=status)
    if status < 500:
        return UpstreamRefused("The simulated provider refuses the request.", upstream_status=status)
    return UpstreamUnavailable(
        "The simulated provider has failed.",
        retry_after_s=refusal.retry_after_s,
        upstream_status=status,
    )


def _broken(kind: BreakKind) -> UpstreamError:
    match kind:
        case "reset":
            return UpstreamUnavailable("The simulated provider reset the connection.")
        case "error":
            return UpstreamUnavailable("The simulated provider failed during its answer.", upstream_status=500)
        case "cut":
            return UpstreamProtocolError("The simulated provider's answer ended before it was complete.")
        case "bad_sse" | "wrong_json" | "stall":
            return UpstreamProtocolError("The simulated provider's answer could not be read.")
