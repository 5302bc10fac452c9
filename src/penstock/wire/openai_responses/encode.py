"""Writes answers in the Responses dialect: one JSON object, or the sequence of events that ends with that object.

The events and their order: https://platform.openai.com/docs/api-reference/responses-streaming.  `response.created`
waits for the end of the batch that brought `Start`, so that a provider of the same dialect can say its settings first.
"""

from collections.abc import Sequence
from typing import NamedTuple

from penstock.core.answer import Answer, TextBlock, ToolCallBlock
from penstock.core.chat import Request
from penstock.core.events import Citation, Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.wire.citations import responses_notice
from penstock.wire.openai_responses.assembly import DIALECT, Assembly
from penstock.wire.openai_responses.envelope import error_object, failure_event, outcome, response_object, usage_object
from penstock.wire.openai_responses.frames import NoFrames, SseFrames


def encode_answer(answer: Answer, exchange: Exchange) -> bytes:
    """The response object of a whole answer.  The dialect has one choice: the first."""
    return dumps(whole_response(answer, exchange))


def whole_response(answer: Answer, exchange: Exchange, request: Request | None = None) -> JsonObject:
    """The same, before it is written; it repeats `request` in place of what the caller wrote."""
    assembly = Assembly(NoFrames(), exchange.id)
    provider: JsonObject | None = None
    finish: Finish | None = None
    if answer.choices:
        choice = answer.choices[0]
        finish = choice.finish
        for block in choice.blocks:
            match block:
                case TextBlock():
                    assembly.text(_text_of(block))
                case ToolCallBlock():
                    assembly.tool_call(
                        ToolCall(0, block.index, block.id, block.name, block.arguments, block.kind, block.signature)
                    )
                case Notice():
                    provider = _settings(block) or provider
                    assembly.notice(block)
                case Citation():
                    assembly.notice(responses_notice(block))
    end = _End(finish, answer.usage)
    return _finished(assembly, exchange, answer.start, provider, end, request=request)


class ResponsesStream:
    """Writes one streamed answer.  See `core.ports.StreamEncoder`."""

    __slots__ = (
        "_assembly",
        "_exchange",
        "_finish",
        "_frames",
        "_is_begun",
        "_is_created",
        "_provider",
        "_start",
        "_usage",
    )

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._frames = SseFrames()
        self._assembly = Assembly(self._frames, exchange.id)
        self._start: Start | None = None
        self._provider: JsonObject | None = None
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._is_created = False
        self._is_begun = False

    def feed(self, events: Sequence[Event]) -> bytes:
        for event in events:
            match event:
                case Text(choice=0):
                    self._begin()
                    self._assembly.text(event)
                case ToolCall(choice=0):
                    self._begin()
                    self._assembly.tool_call(event)
                case Notice(dialect="openai-responses", choice=0):
                    self._notice(event)
                case Citation(choice=0):
                    self._notice(responses_notice(event))
                case Start():
                    self._start = event
                case Finish(choice=0):
                    self._finish = event
                case UsageReport():
                    self._usage = event.usage
                case _:
                    pass
        if self._start is not None and self._provider is None:
            self._begin()
        return self._frames.take()

    def finish(self) -> bytes:
        self._begin()
        end = _End(self._finish, self._usage)
        response = _finished(self._assembly, self._exchange, self._start, self._provider, end)
        status = response["status"]
        kind = status if status in ("completed", "incomplete", "failed") else "completed"
        self._frames.event(f"response.{kind}", {"response": response})
        return self._frames.take()

    def fail(self, exchange: Exchange) -> bytes:
        if not self._is_created:
            self._frames.event("error", failure_event(exchange))
            return self._frames.take()
        response = response_object(
            exchange, self._start, self._provider, status="failed", output=self._assembly.output()
        )
        response["error"] = error_object(exchange)
        if self._usage is not None:
            response["usage"] = usage_object(self._usage)
        self._frames.event("response.failed", {"response": response})
        return self._frames.take()

    def _begin(self) -> None:
        """Say that the answer has begun, unless that was said already."""
        if self._is_begun:
            return
        self._create("in_progress")
        self._is_begun = True
        self._lifecycle("response.in_progress", "in_progress")

    def _create(self, status: str) -> None:
        if not self._is_created:
            self._is_created = True
            self._lifecycle("response.created", status)

    def _lifecycle(self, kind: str, status: str) -> None:
        response = response_object(self._exchange, self._start, self._provider, status=status, output=[])
        self._frames.event(kind, {"response": response})

    def _notice(self, event: Notice) -> None:
        settings = _settings(event)
        if settings is None:
            self._begin()
            self._assembly.notice(event)
            return
        self._provider = settings
        data = event.data
        match data.get("event") if isinstance(data, dict) else None:
            case "response.created":
                self._create(str(settings.get("status") or "in_progress"))
            case "response.queued":
                self._create("queued")
                self._lifecycle("response.queued", "queued")
            case "response.in_progress":
                self._begin()
            case _:
                pass


def _settings(notice: Notice) -> JsonObject | None:
    """The provider's own response object, where the notice is one of this dialect that brings it."""
    if notice.dialect != DIALECT or notice.kind != "response" or not isinstance(notice.data, dict):
        return None
    response = notice.data.get("response")
    return response if isinstance(response, dict) else None


def _text_of(block: TextBlock) -> Text:
    logprobs: JsonValue = block.logprobs
    return Text(block.text, 0, block.channel, block.part, logprobs, block.signature)


class _End(NamedTuple):
    """How an answer ended, and what it took."""

    finish: Finish | None
    usage: Usage | None


def _finished(
    assembly: Assembly,
    exchange: Exchange,
    start: Start | None,
    provider: JsonObject | None,
    end: _End,
    *,
    request: Request | None = None,
) -> JsonObject:
    """End the items and give the response object of the whole answer."""
    finish, usage = end
    status, reason = outcome(finish, is_own=provider is not None)
    assembly.close("incomplete" if status == "incomplete" else "completed")
    response = response_object(exchange, start, provider, status=status, output=assembly.output(), request=request)
    if status == "incomplete":
        response["incomplete_details"] = {"reason": reason} if reason is not None else None
    elif status == "failed":
        response["error"] = {"code": "server_error", "message": "The model ended its answer with an error."}
    if usage is not None:
        response["usage"] = usage_object(usage)
    return response
