"""What an answer says, in terms that can be compared across dialects.

A `Reading` is made from a provider's (or Penstock's) bytes by the readers beside this module, never by Penstock's own
decoders.  Words for the end stay the dialect's; `FINISH_REASONS` says what each means and `FINISH_WORDS` how each
client dialect may put it.  Token counts follow `penstock.core.usage`: input includes cached, output includes reasoning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from penstock.core.chat import Dialect
from penstock.core.events import FinishReason
from penstock.core.json import JsonValue, loads


class UnreadableError(Exception):
    """These bytes are no answer of the dialect, or one that breaks off."""


class FailedMidStreamError(UnreadableError):
    """The provider reported an error inside its stream."""


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: JsonValue


@dataclass(slots=True)
class ChoiceReading:
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[Call] = field(default_factory=list[Call])
    finish: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReading:
    """`cache_write_tokens` and `reasoning_tokens` are None where the dialect has no place for them."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(slots=True)
class Reading:
    dialect: Dialect
    model: str = ""
    choices: dict[int, ChoiceReading] = field(default_factory=dict[int, ChoiceReading])
    usage: UsageReading | None = None

    def choice(self, index: int) -> ChoiceReading:
        return self.choices.setdefault(index, ChoiceReading())


def arguments_of(text: str) -> JsonValue:
    """A call's arguments as a JSON value; text that is none (a custom tool's) as itself, nothing as an empty object."""
    if not text.strip():
        return {}
    try:
        return loads(text)
    except msgspec.DecodeError:
        return text


FINISH_REASONS: Mapping[Dialect, Mapping[str, FinishReason]] = MappingProxyType(
    {
        "openai-chat": MappingProxyType[str, FinishReason](
            {
                "stop": "stop",
                "eos": "stop",
                "length": "length",
                "model_length": "length",
                "tool_calls": "tool_calls",
                "function_call": "tool_calls",
                "content_filter": "content_filter",
                "error": "error",
            }
        ),
        "openai-responses": MappingProxyType[str, FinishReason](
            {
                "completed": "stop",
                "complete": "stop",
                "completed with calls": "tool_calls",
                "incomplete: max_output_tokens": "length",
                "incomplete: content_filter": "content_filter",
                "failed": "error",
            }
        ),
        "anthropic": MappingProxyType[str, FinishReason](
            {
                "end_turn": "stop",
                "stop_sequence": "stop",
                "max_tokens": "length",
                "model_context_window_exceeded": "length",
                "tool_use": "tool_calls",
                "refusal": "refusal",
                "pause_turn": "pause",
                "compaction": "pause",
            }
        ),
        "gemini": MappingProxyType[str, FinishReason](
            {
                "STOP": "stop",
                "STOP with calls": "tool_calls",
                "MAX_TOKENS": "length",
                "SAFETY": "content_filter",
                "RECITATION": "content_filter",
                "BLOCKLIST": "content_filter",
                "PROHIBITED_CONTENT": "content_filter",
                "SPII": "content_filter",
                "IMAGE_SAFETY": "content_filter",
                "blocked prompt": "content_filter",
                "MODEL_ARMOR": "content_filter",
                "MALFORMED_FUNCTION_CALL": "error",
                "UNEXPECTED_TOOL_CALL": "error",
                "OTHER": "error",
            }
        ),
        "bedrock": MappingProxyType[str, FinishReason](
            {
                "end_turn": "stop",
                "stop_sequence": "stop",
                "max_tokens": "length",
                "model_context_window_exceeded": "length",
                "tool_use": "tool_calls",
                "guardrail_intervened": "content_filter",
                "content_filtered": "content_filter",
                "malformed_model_output": "error",
                "malformed_tool_use": "error",
            }
        ),
        "cohere": MappingProxyType[str, FinishReason](
            {
                "COMPLETE": "stop",
                "STOP_SEQUENCE": "stop",
                "MAX_TOKENS": "length",
                "TOOL_CALL": "tool_calls",
                "ERROR": "error",
                "TIMEOUT": "error",
            }
        ),
    }
)

VENDOR_WORDS = frozenset({"eos", "model_length", "error"})
"""Words that some vendor of the chat dialect says and OpenAI's own types do not know."""

FINISH_WORDS: Mapping[Dialect, Mapping[FinishReason, frozenset[str]]] = MappingProxyType(
    {
        "openai-chat": MappingProxyType[FinishReason, frozenset[str]](
            {
                "stop": frozenset({"stop"}),
                "length": frozenset({"length"}),
                "tool_calls": frozenset({"tool_calls"}),
                "content_filter": frozenset({"content_filter"}),
                "refusal": frozenset({"content_filter"}),
                "pause": frozenset({"stop"}),
                "error": frozenset({"stop"}),
            }
        ),
        "openai-responses": MappingProxyType[FinishReason, frozenset[str]](
            {
                "stop": frozenset({"completed"}),
                "length": frozenset({"incomplete: max_output_tokens"}),
                "tool_calls": frozenset({"completed with calls"}),
                "content_filter": frozenset({"incomplete: content_filter"}),
                "refusal": frozenset({"incomplete: content_filter", "completed"}),
                "pause": frozenset({"completed"}),
                "error": frozenset({"failed"}),
            }
        ),
        "anthropic": MappingProxyType[FinishReason, frozenset[str]](
            {
                "stop": frozenset({"end_turn", "stop_sequence"}),
                "length": frozenset({"max_tokens"}),
                "tool_calls": frozenset({"tool_use"}),
                "content_filter": frozenset({"refusal"}),
                "refusal": frozenset({"refusal"}),
                "pause": frozenset({"pause_turn"}),
                "error": frozenset({"end_turn"}),
            }
        ),
    }
)


def differences(recorded: Reading, seen: Reading, *, shows_usage: bool) -> list[str]:
    """Where what the client saw is not what the provider said; empty where they agree."""
    found: list[str] = []
    if recorded.choices.keys() != seen.choices.keys():
        found.append(f"choices {sorted(recorded.choices)} became {sorted(seen.choices)}")
    for index in recorded.choices.keys() & seen.choices.keys():
        found += _choice_differences(recorded, seen, index)
    if shows_usage and recorded.usage is not None:
        found += _usage_differences(recorded.usage, seen.usage)
    return found


def _choice_differences(recorded: Reading, seen: Reading, index: int) -> list[str]:
    want, got = recorded.choices[index], seen.choices[index]
    found: list[str] = []
    for name, wanted, gotten in (
        ("text", want.text + want.refusal, got.text + got.refusal),
        ("reasoning", want.reasoning, got.reasoning),
    ):
        if wanted != gotten:
            found.append(f"{name}: {_clip(wanted)} became {_clip(gotten)}")
    if want.calls != got.calls:
        found.append(f"tool calls: {_clip(want.calls)} became {_clip(got.calls)}")
    if not _is_same_end(recorded.dialect, want, seen.dialect, got):
        found.append(f"finish: {want.finish} of {recorded.dialect} became {got.finish}")
    return found


def _is_same_end(provider: Dialect, want: ChoiceReading, client: Dialect, got: ChoiceReading) -> bool:
    """In its own dialect the provider's own word, unless that is a vendor's and the dialect has an official one."""
    if provider == client and want.finish == got.finish:
        return True
    meaning = FINISH_REASONS[provider].get(want.finish or "")
    if meaning is None or (provider == client and want.finish not in VENDOR_WORDS):
        return False
    words = FINISH_WORDS[client][meaning]
    if want.refusal and meaning == "stop":
        words |= FINISH_WORDS[client]["refusal"]
    return got.finish in words


def _usage_differences(want: UsageReading, got: UsageReading | None) -> list[str]:
    if got is None:
        return [f"usage: {want} was not shown"]
    found: list[str] = []
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"):
        wanted, gotten = getattr(want, name), getattr(got, name)
        if wanted is not None and gotten is not None and wanted != gotten:
            found.append(f"usage: {name} {wanted} became {gotten}")
    return found


def _clip(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:100]} … {text[-50:]} ({len(text)})"
