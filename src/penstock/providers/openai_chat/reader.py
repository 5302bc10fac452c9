"""Answers, whole or in chunks, into events: one reader for both, so that they cannot disagree.

`StreamDecoder` and `unary.read_whole` feed it decoded objects.  Finishes and usage are held until `close`: then no text
can follow them, whatever order a server sends them in.
"""

from typing import Any, Final, TypeGuard, cast

import msgspec

from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Channel, Event, Finish, FinishReason, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.providers.openai_chat.usage import read_usage

_REPEATED: Final = ("system_fingerprint", "service_tier", "provider")
_PLAIN_TOP: Final = frozenset(
    # `obfuscation` and Mistral's `p` are padding of the provider's own framing, which does not survive ours
    {"id", "object", "created", "model", "choices", "usage", "obfuscation", "p", *_REPEATED}
)
_PLAIN_CHOICE: Final = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "usage"})
_PLAIN_MESSAGE: Final = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "reasoning_content", "reasoning"}
)


def protocol_error(detail: str) -> UpstreamProtocolError:
    return UpstreamProtocolError("The provider sent an answer that cannot be read.", detail=detail)


class _ChoiceState:
    __slots__ = ("calls", "channel", "last", "part", "reason")

    def __init__(self) -> None:
        self.part = -1
        self.channel: Channel | None = None
        self.calls: list[tuple[int | None, str]] = []  # the server's index and id of each call, by our ordinal
        self.reason: str | None = None
        self.last: JsonObject = {}  # fields of the choice as last told


class _PlainDelta(msgspec.Struct, forbid_unknown_fields=True):
    content: str


class _PlainChoice(msgspec.Struct, forbid_unknown_fields=True):
    index: int
    delta: _PlainDelta
    finish_reason: None = None
    logprobs: None = None


class PlainChunk(msgspec.Struct, forbid_unknown_fields=True):
    """A chunk that holds text and nothing else: nearly every chunk of nearly every stream."""

    choices: list[_PlainChoice]
    id: str = ""
    object: str = ""
    created: int = 0
    model: str = ""
    system_fingerprint: str | None = None
    service_tier: str | None = None
    provider: str | None = None
    obfuscation: str | None = None
    usage: None = None


class AnswerReader:
    """One answer.  `read` takes a whole object or a chunk; `close` returns what ends the answer."""

    __slots__ = ("_early", "_id", "_is_started", "_repeated", "_states", "_usage")

    def __init__(self) -> None:
        self._is_started = False
        self._id = ""
        self._early: list[Event] = []
        self._states: dict[int, _ChoiceState] = {}
        self._repeated: tuple[JsonValue, ...] = (None,) * len(_REPEATED)
        self._usage: Usage | None = None

    @property
    def is_started(self) -> bool:
        return self._is_started

    @property
    def usage(self) -> Usage | None:
        return self._usage

    def finished_choices(self) -> int:
        return sum(state.reason is not None for state in self._states.values())

    def read(self, document: JsonObject, events: list[Event], *, is_whole: bool) -> None:
        choices = document.get("choices")
        if not isinstance(choices, list):
            choices = []
        if not self._is_started:
            self._begin(document, events, has_choices=bool(choices))
        notes = events if self._is_started else self._early
        repeated = (document.get("system_fingerprint"), document.get("service_tier"), document.get("provider"))
        if repeated != self._repeated:
            self._note_repeated(repeated, notes)
        if not document.keys() <= _PLAIN_TOP:
            self._note_rest(document, notes)
        used = document.get("usage")
        if used is not None:
            self._usage = read_usage(used) or self._usage
        for choice in choices:
            if type(choice) is not dict:
                raise protocol_error("a choice that is no object")
            self._choice(choice, events, is_whole=is_whole)

    def read_plain(self, chunk: PlainChunk, events: list[Event]) -> None:
        """As `read`, of an answer that has started; a quarter of its cost."""
        repeated = (chunk.system_fingerprint, chunk.service_tier, chunk.provider)
        if repeated != self._repeated:
            self._note_repeated(repeated, events)
        for choice in chunk.choices:
            index = choice.index
            state = self._states.get(index)
            if state is None:
                state = self._states[index] = _ChoiceState()
            if choice.delta.content:
                events.append(self._text(choice.delta.content, index, state, "answer"))

    def close(self) -> list[Event]:
        events: list[Event] = []
        for index, state in sorted(self._states.items()):
            native = state.reason
            events.append(Finish(_reason(native, has_calls=bool(state.calls)), choice=index, native=native))
        if self._usage is not None:
            events.append(UsageReport(self._usage))
        return events

    def _begin(self, document: JsonObject, events: list[Event], *, has_choices: bool) -> None:
        """Azure sends a chunk without an id ahead of the answer; what it says waits for the start."""
        answer_id, model, created = document.get("id"), document.get("model"), document.get("created")
        if not answer_id and not has_choices:
            return
        self._is_started = True
        self._id = answer_id if isinstance(answer_id, str) else ""
        events.append(
            Start(
                self._id,
                model if isinstance(model, str) else "",
                int(created) if isinstance(created, int | float) or _is_digits(created) else 0,
            )
        )
        events += self._early
        self._early.clear()

    def _note_repeated(self, repeated: tuple[JsonValue, ...], notes: list[Event]) -> None:
        """Fields that every chunk repeats are told once, and again where they change; a null takes nothing back."""
        pairs = zip(_REPEATED, repeated, self._repeated, strict=True)
        fresh: JsonObject = {name: value for name, value, known in pairs if value is not None and value != known}
        self._repeated = tuple(v if v is not None else known for v, known in zip(repeated, self._repeated, strict=True))
        if fresh:
            notes.append(Notice("openai-chat", "answer", fresh))

    def _note_rest(self, document: JsonObject, notes: list[Event]) -> None:
        rest: JsonObject = {name: v for name, v in document.items() if name not in _PLAIN_TOP and v is not None}
        groq = rest.get("x_groq")
        if isinstance(groq, dict) and groq.get("usage") is not None:
            self._usage = read_usage(groq["usage"]) or self._usage
        if rest:
            notes.append(Notice("openai-chat", "chunk", rest))

    def _choice(self, choice: JsonObject, events: list[Event], *, is_whole: bool) -> None:
        index = choice.get("index", 0)
        if type(index) is not int:
            raise protocol_error("a choice without a number")
        state = self._states.get(index)
        if state is None:
            state = self._states[index] = _ChoiceState()
        if not choice.keys() <= _PLAIN_CHOICE:
            self._note_choice(choice, index, state, events)
        message = choice.get("message" if is_whole else "delta")
        if type(message) is dict:
            self._message(message, choice, index, state, events, is_whole=is_whole)
        reason = choice.get("finish_reason")
        if reason is not None and state.reason is None:
            state.reason = reason if isinstance(reason, str) else "stop"
        if "usage" in choice:
            self._usage = read_usage(choice["usage"]) or self._usage

    def _note_choice(self, choice: JsonObject, index: int, state: _ChoiceState, events: list[Event]) -> None:
        """Servers repeat these on every chunk (Azure's filter results): told where they change."""
        fresh: JsonObject = {
            name: value
            for name, value in choice.items()
            if name not in _PLAIN_CHOICE and value is not None and value != {} and state.last.get(name) != value
        }
        if fresh:
            state.last |= fresh
            events.append(Notice("openai-chat", "choice", fresh, choice=index))

    def _message(
        self,
        message: JsonObject,
        choice: JsonObject,
        index: int,
        state: _ChoiceState,
        events: list[Event],
        *,
        is_whole: bool,
    ) -> None:
        get = message.get
        if not message.keys() <= _PLAIN_MESSAGE:
            self._note_message(message, index, events, is_whole=is_whole)
        thought = get("reasoning_content") or get("reasoning")
        if thought and type(thought) is str:
            events.append(self._text(thought, index, state, "reasoning"))
        logprobs: Any = choice.get("logprobs")
        content = get("content")
        if type(content) is str:
            if logprobs and logprobs.get("content"):
                events.append(self._text(content, index, state, "answer", logprobs["content"]))
            elif content or is_whole:
                events.append(self._text(content, index, state, "answer"))
        elif type(content) is list:
            self._content_parts(content, index, state, events)
        refusal = get("refusal")
        if refusal and type(refusal) is str:
            entries = logprobs.get("refusal") if logprobs else None
            events.append(self._text(refusal, index, state, "refusal", entries))
        calls = get("tool_calls")
        if calls and type(calls) is list:
            for call in calls:
                self._call(call, index, state, events)
        legacy = get("function_call")
        if legacy and type(legacy) is dict:
            self._call({"index": 0, "function": legacy}, index, state, events)

    def _text(self, text: str, index: int, state: _ChoiceState, channel: Channel, logprobs: JsonValue = None) -> Text:
        if state.channel != channel:
            state.channel = channel
            state.part += 1
        return Text(text, index, channel, state.part, logprobs)

    def _note_message(self, message: JsonObject, index: int, events: list[Event], *, is_whole: bool) -> None:
        rest: JsonObject = {
            name: value
            for name, value in message.items()
            if name not in _PLAIN_MESSAGE and value is not None and (is_whole or not _is_hollow(value))
        }
        if rest:
            events.append(Notice("openai-chat", "message", rest, choice=index))

    def _content_parts(self, parts: list[JsonValue], index: int, state: _ChoiceState, events: list[Event]) -> None:
        """Mistral's content in parts: text, thinking (again in parts), and references, which only it knows."""
        for part in parts:
            match part:
                case {"type": "text", "text": str(text)}:
                    events.append(self._text(text, index, state, "answer"))
                case {"type": "thinking", "thinking": list(inner)}:
                    texts = [p.get("text") for p in cast("list[JsonValue]", inner) if isinstance(p, dict)]
                    events += [self._text(t, index, state, "reasoning") for t in texts if isinstance(t, str)]
                case {"type": "thinking", "thinking": str(text)}:
                    events.append(self._text(text, index, state, "reasoning"))
                case _:
                    events.append(Notice("openai-chat", "message", {"content_parts": [part]}, choice=index))

    def _call(self, call: JsonValue, index: int, state: _ChoiceState, events: list[Event]) -> None:
        if type(call) is not dict:
            raise protocol_error("a tool call that is no object")
        is_custom = call.get("type") == "custom" or "custom" in call
        given = call.get("custom" if is_custom else "function")
        inner: JsonObject = given if isinstance(given, dict) else {}
        text = inner.get("input" if is_custom else "arguments")
        if text is None:
            text = ""
        elif not isinstance(text, str):  # Ollama and some others send the object itself
            text = dumps(text).decode()
        at, is_new = _place(call, state)
        if not is_new and not text:
            return
        state.channel = None  # text after a call is a part of its own
        call_id = name = ""
        if is_new:
            call_id = state.calls[at][1] or f"call_{self._id or 'answer'}_{at}"
            given_name = inner.get("name")
            name = given_name if isinstance(given_name, str) else ""
        events.append(
            ToolCall(
                index,
                at,
                call_id,
                name,
                text,
                "custom" if is_custom else "function",
                _signature(call) if "extra_content" in call else None,
            )
        )


def _is_digits(value: JsonValue) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16


def _place(call: JsonObject, state: _ChoiceState) -> tuple[int, bool]:
    """The ordinal of the call that this piece belongs to, and whether it is its first.

    Servers disagree: some give every call the index 0 but its own id, some repeat the id on each piece, some send
    neither on later pieces.  A new index or a new id is a new call; a piece without either goes on with the last.
    """
    given, call_id = call.get("index"), call.get("id")
    number = given if type(given) is int else None
    name = call_id if type(call_id) is str else ""
    calls = state.calls
    if number is None and not name and calls and not _has_name(call):
        return len(calls) - 1, False
    for at in range(len(calls) - 1, -1, -1):
        known_number, known_name = calls[at]
        if known_number == number and number is not None and (not name or name == known_name):
            return at, False
        if number is None and name and name == known_name:
            return at, False
    calls.append((number, name))
    return len(calls) - 1, True


def _has_name(call: JsonObject) -> bool:
    match call.get("function"):
        case {"name": str(name)}:
            return bool(name)
        case _:
            return False


def _signature(call: JsonObject) -> str | None:
    match call["extra_content"]:
        case {"google": {"thought_signature": str(signature)}}:
            return f"gemini:{signature}"
        case _:
            return None


def _is_hollow(value: JsonValue) -> bool:
    """An empty container, or an object of nothing but nulls: Writer sends five of them with every delta."""
    if isinstance(value, dict):
        return all(v is None for v in value.values())
    return value in ([], "")


def _reason(native: str | None, *, has_calls: bool) -> FinishReason:
    match native:
        case "length" | "model_length" | "max_tokens":
            return "length"
        case "tool_calls" | "function_call" | "tool_use":
            return "tool_calls"
        case "content_filter":
            return "content_filter"
        case "error" | "insufficient_system_resource":
            return "error"
        case _:
            return "tool_calls" if has_calls else "stop"
