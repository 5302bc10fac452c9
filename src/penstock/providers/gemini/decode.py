"""Reads generateContent and streamGenerateContent answers (https://ai.google.dev/api/generate-content).

Both are made of the same object: a unary answer is one, a stream is many, each with new parts and running totals of
usage.  A stream has no terminator: it is whole if, at its end, each candidate has a finish reason.
"""

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from penstock.core.errors import PenstockError, UpstreamProtocolError
from penstock.core.events import Event, Finish, FinishReason, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.sse import SseDecoder
from penstock.core.usage import Usage
from penstock.providers.gemini.errors import error_in_stream

SIGNATURE_PREFIX: Final = "gemini:"
_REASONS: Final = MappingProxyType[str, FinishReason](
    {
        "STOP": "stop",
        "FINISH_REASON_UNSPECIFIED": "stop",
        "MAX_TOKENS": "length",
        "SAFETY": "content_filter",
        "RECITATION": "content_filter",
        "LANGUAGE": "content_filter",
        "BLOCKLIST": "content_filter",
        "PROHIBITED_CONTENT": "content_filter",
        "SPII": "content_filter",
        "MODEL_ARMOR": "content_filter",
        "IMAGE_SAFETY": "content_filter",
        "IMAGE_PROHIBITED_CONTENT": "content_filter",
        "IMAGE_RECITATION": "content_filter",
    }
)
"""Everything else (MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, OTHER, …) is `error`."""


class _FunctionCall(msgspec.Struct):
    name: str = ""
    id: str | None = None
    args: dict[str, Any] | None = None


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    executable_code: Any = None
    code_execution_result: Any = None
    inline_data: Any = None
    file_data: Any = None
    tool_call: Any = None
    tool_response: Any = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _TokenChance(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _TopChances(msgspec.Struct):
    candidates: list[_TokenChance] = []


class _Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_TokenChance] = []
    top_candidates: list[_TopChances] = []


class _Candidate(msgspec.Struct, rename="camel"):
    index: int = 0
    content: _Content | None = None
    finish_reason: str | None = None
    logprobs_result: _Logprobs | None = None
    grounding_metadata: Any = None
    citation_metadata: Any = None
    url_context_metadata: Any = None
    safety_ratings: Any = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: dict[str, Any] | None = None
    prompt_feedback: dict[str, Any] | None = None
    response_id: str = ""
    model_version: str = ""
    create_time: str = ""
    error: dict[str, Any] | None = None


_PART_NOTICES: Final = (
    "executable_code",
    "code_execution_result",
    "inline_data",
    "file_data",
    "tool_call",
    "tool_response",
)
_CANDIDATE_NOTICES: Final = ("grounding_metadata", "citation_metadata", "url_context_metadata", "safety_ratings")
_decoder = msgspec.json.Decoder(_Chunk)


class _Choice:
    """What is known of one candidate so far."""

    __slots__ = ("finish", "last", "part", "tools")

    def __init__(self) -> None:
        self.part = -1
        self.last = ""
        self.tools = 0
        self.finish: str | None = None

    def part_of(self, kind: str) -> int:
        """The ordinal for a piece of `kind`: that of the piece before it, if that was a text of the same kind."""
        if kind != self.last or not kind:
            self.part += 1
            self.last = kind
        return self.part


class _Reading:
    """Turns objects into events, and knows whether they make a whole answer."""

    __slots__ = ("_block_reason", "_choices", "_id", "_usage")

    def __init__(self) -> None:
        self._id: str | None = None
        self._choices: dict[int, _Choice] = {}
        self._usage: JsonObject | None = None
        self._block_reason: str | None = None

    def take(self, data: bytes) -> list[Event]:
        try:
            chunk = _decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise _unreadable(str(error)) from None
        if chunk.error is not None:
            raise error_in_stream(chunk.error)
        events: list[Event] = []
        if self._id is None:
            self._id = chunk.response_id
            events.append(Start(chunk.response_id, chunk.model_version, _unix_seconds(chunk.create_time)))
        for candidate in chunk.candidates or ():
            self._take_candidate(candidate, events)
        if chunk.usage_metadata is not None:
            self._usage = chunk.usage_metadata
        if chunk.prompt_feedback is not None:
            self._take_feedback(chunk.prompt_feedback, events)
        return events

    def end(self) -> list[Event]:
        """The last events; raises where the answer is not whole."""
        choices = self._choices
        events: list[Event] = []
        for index in sorted(choices):
            choice = choices[index]
            if choice.finish is None:
                raise _cut(f"candidate {index} has no finish reason")
            events.append(Finish(_reason(choice), index, choice.finish))
        if not choices:
            if self._block_reason is None:
                raise _cut("no candidates")
            events.append(Finish("content_filter", 0, self._block_reason))
        usage = None if self._usage is None else usage_of(self._usage)
        if usage is not None:
            events.append(UsageReport(usage))
        return events

    def _take_candidate(self, candidate: _Candidate, events: list[Event]) -> None:
        index = candidate.index
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        logprobs = None if candidate.logprobs_result is None else _logprobs(candidate.logprobs_result)
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.text is not None:
                if part.thought:
                    signature = part.thought_signature
                    signed = None if signature is None else SIGNATURE_PREFIX + signature
                    if part.text or signed:
                        events.append(Text(part.text, index, "reasoning", choice.part_of("thought"), signature=signed))
                elif part.text or logprobs:
                    events.append(Text(part.text, index, "answer", choice.part_of("answer"), logprobs))
                    logprobs = None
            elif part.function_call is not None:
                choice.part_of("")
                events.append(self._tool_call(part.function_call, part.thought_signature, index, choice))
            else:
                _add_notices(part, _PART_NOTICES, index, choice, events)
        if logprobs:
            events.append(Text("", index, "answer", choice.part_of("answer"), logprobs))
        _add_notices(candidate, _CANDIDATE_NOTICES, index, choice, events)
        if candidate.finish_reason is not None:
            choice.finish = candidate.finish_reason

    def _tool_call(self, call: _FunctionCall, signature: str | None, index: int, choice: _Choice) -> ToolCall:
        ordinal = choice.tools
        choice.tools += 1
        return ToolCall(
            choice=index,
            index=ordinal,
            id=call.id or f"call_{(self._id or '')[:24]}_{index}_{ordinal}",
            name=call.name,
            arguments=dumps(call.args or {}).decode(),
            signature=None if signature is None else SIGNATURE_PREFIX + signature,
        )

    def _take_feedback(self, feedback: JsonObject, events: list[Event]) -> None:
        reason = feedback.get("blockReason")
        if isinstance(reason, str):
            self._block_reason = reason
        events.append(Notice("gemini", "prompt_feedback", feedback))


class StreamDecoder:
    """`providers.dialect.Decoder` for `streamGenerateContent?alt=sse`."""

    __slots__ = ("_is_complete", "_reading", "_sse")

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._reading = _Reading()
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, data: bytes) -> Sequence[Event]:
        frames = self._sse.feed(data)
        if len(frames) == 1:
            return self._reading.take(frames[0].data)
        return [event for frame in frames for event in self._reading.take(frame.data)]

    def finish(self) -> Sequence[Event]:
        events = [event for frame in self._sse.finish() for event in self._reading.take(frame.data)]
        events += self._reading.end()
        self._is_complete = True
        return events


def read_whole(body: bytes) -> Sequence[Event]:
    """An answer of `generateContent`."""
    reading = _Reading()
    events = reading.take(body)
    events += reading.end()
    return events


def usage_of(native: JsonObject) -> Usage | None:
    """Gemini counts thoughts beside the candidates' tokens, and what its own tools read beside the prompt.

    None where it counted nothing, as for a prompt that it blocked.
    """
    prompt = native.get("promptTokenCount")
    if not isinstance(prompt, int):
        return None
    thoughts = _count(native, "thoughtsTokenCount")
    return Usage(
        input_tokens=prompt + _count(native, "toolUsePromptTokenCount"),
        output_tokens=_count(native, "candidatesTokenCount") + thoughts,
        cache_read_tokens=_count(native, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        input_audio_tokens=_audio(native.get("promptTokensDetails")),
        output_audio_tokens=_audio(native.get("candidatesTokensDetails")),
        native_dialect="gemini",
        native=native,
    )


def _count(native: JsonObject, name: str) -> int:
    value = native.get(name)
    return value if isinstance(value, int) else 0


def _audio(details: JsonValue) -> int:
    entries = details if isinstance(details, list) else ()
    return sum(_count(e, "tokenCount") for e in entries if isinstance(e, dict) and e.get("modality") == "AUDIO")


def _add_notices(
    source: _Part | _Candidate, names: Sequence[str], index: int, choice: _Choice, events: list[Event]
) -> None:
    for name in names:
        data: JsonValue = getattr(source, name)
        if data is not None:
            part = choice.part_of("") if source.__class__ is _Part else max(choice.part, 0)
            events.append(Notice("gemini", name, data, index, part))


def _reason(choice: _Choice) -> FinishReason:
    reason = _REASONS.get(choice.finish or "", "error")
    return "tool_calls" if reason == "stop" and choice.tools else reason


def _logprobs(result: _Logprobs) -> list[JsonValue]:
    """Gemini's chances in OpenAI's form, which is the canonical one."""
    entries: list[JsonValue] = []
    for at, chosen in enumerate(result.chosen_candidates):
        top = result.top_candidates[at].candidates if at < len(result.top_candidates) else []
        entry = _chance(chosen)
        entry["top_logprobs"] = [_chance(other) for other in top]
        entries.append(entry)
    return entries


def _chance(chance: _TokenChance) -> JsonObject:
    raw: list[JsonValue] = list(chance.token.encode("utf-8", "surrogatepass"))
    return {"token": chance.token, "logprob": chance.log_probability, "bytes": raw}


def _unix_seconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) if text else 0
    except ValueError:
        return 0


def _unreadable(detail: str) -> PenstockError:
    return UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=detail)


def _cut(detail: str) -> PenstockError:
    return UpstreamProtocolError("The provider's answer broke off.", detail=detail)
