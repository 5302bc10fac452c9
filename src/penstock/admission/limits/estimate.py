"""What a request will use, guessed before it is sent: cheap, and rather too much than too little.

The prompt from the length of its text by the kind of its script; no tokenizer, which would cost more than the rest of
admission.  The answer from `max_tokens` or from what earlier answers of the same assistant and tenant came to.
"""

from math import ceil

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Request,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.json import dumps

# Tokens a character.  Prose is 0.22 to 0.25 in Latin script, code and JSON up to 0.35; other alphabets 0.25 to 0.5;
# Chinese, Japanese and Korean 0.6 to 0.9 (o200k_base over the recorded conversations).
_ASCII = 0.30
_ALPHABET = 0.50
_WIDE = 0.95
_PER_MESSAGE = 5
_PER_TOOL = 10
_PER_IMAGE = 1600
_PER_REFERENCE = 2000
_BASE64_PER_TOKEN = 30


def text_tokens(text: str) -> float:
    """About how many tokens `text` is."""
    length = len(text)
    if text.isascii():
        return length * _ASCII
    # In UTF-8 a letter of another alphabet takes two bytes and an ideograph three: the excess says how many there are.
    excess = len(text.encode("utf-8", "surrogatepass")) - length
    if excess <= length:
        return (length - excess) * _ASCII + excess * _ALPHABET
    wide = min(length, excess / 2)
    return (length - wide) * _ASCII + wide * _WIDE


def prompt_tokens(request: Request) -> int:
    """About how many tokens go in."""
    if not isinstance(request, ChatRequest):
        return ceil(sum(text_tokens(each) if isinstance(each, str) else len(each) for each in request.inputs))
    tokens = 0.0
    plain_chars = 0
    for message in request.messages:
        for part in message.parts:
            if type(part) is not TextPart:
                tokens += _part_tokens(part)
            elif (text := part.text).isascii():
                plain_chars += len(text)
            else:
                tokens += text_tokens(text)
    tokens += len(request.messages) * _PER_MESSAGE + plain_chars * _ASCII
    for tool in request.tools:
        tokens += _PER_TOOL
        if isinstance(tool, Tool):
            tokens += text_tokens(tool.name) + text_tokens(tool.description or "")
            tokens += 0 if tool.parameters is None else len(dumps(tool.parameters)) * _ASCII
        else:
            tokens += len(dumps(tool.data)) * _ASCII
    if request.response_format is not None and request.response_format.schema is not None:
        tokens += len(dumps(request.response_format.schema)) * _ASCII
    return ceil(tokens)


def _part_tokens(part: Part) -> float:
    match part:
        case TextPart(text=text) | ReasoningPart(text=text) | RefusalPart(text=text):
            return text_tokens(text)
        case ToolCallPart(name=name, arguments=arguments):
            return _PER_MESSAGE + text_tokens(name) + text_tokens(arguments)
        case ToolResultPart(parts=inner):
            return _PER_MESSAGE + sum(map(_part_tokens, inner))
        case ImagePart():
            return _PER_IMAGE
        case FilePart(text=str(text)):
            return text_tokens(text)
        case FilePart(data=str(data)) | AudioPart(data=data):
            return len(data) / _BASE64_PER_TOKEN
        case FilePart():
            return _PER_REFERENCE
        case OpaquePart(data=data):
            return len(dumps(data)) * _ASCII


class AnswerLengths:
    """Learns how long answers are: a high quantile of the settled ones, for each assistant and tenant.

    The quantile follows the answers by multiplicative steps (Robbins and Monro's stochastic approximation, in the
    logarithm): up by `_STEP * quantile` where an answer was longer, down by `_STEP * (1 - quantile)` where it was not,
    so that it rests where the share of longer answers is `1 - quantile`.
    """

    __slots__ = ("_down", "_first", "_floor", "_lengths", "_up")

    def __init__(self, *, quantile: float = 0.95, floor: int = 64, first: int = 1024) -> None:
        self._up = 1 + _STEP * quantile
        self._down = 1 - _STEP * (1 - quantile)
        self._floor = floor
        self._first = float(first)
        self._lengths: dict[tuple[str, str], float] = {}

    def expect(self, assistant: str, tenant: str) -> int:
        """How many tokens an answer is expected to stay below; `first` before there was one."""
        return max(self._floor, int(self._lengths.get((assistant, tenant), self._first)))

    def learn(self, assistant: str, tenant: str, tokens: int) -> None:
        pair = (assistant, tenant)
        known = self._lengths.get(pair)
        if known is None:
            if len(self._lengths) >= _MAX_PAIRS:
                del self._lengths[next(iter(self._lengths))]
            known = self._first
        self._lengths[pair] = max(self._floor, known * (self._up if tokens > known else self._down))


_STEP = 0.1
_MAX_PAIRS = 10_000
