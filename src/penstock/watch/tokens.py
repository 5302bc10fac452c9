"""Counts tokens where a provider did not say: `core.ports.TokenCounter`.  Always an estimate, marked so by the meter.

Text is counted with OpenAI's public tokenizers.  For other vendors, whose tokenizers are not public, the count is
multiplied by how many more tokens theirs makes of the same text.  Everything else in a request is counted by the
published rules where there are any, and otherwise by the rules of thumb stated at each number below.

A tokenizer is loaded on the first estimate (a third of a second, some 45 MB); exchanges whose provider reports its
usage never need one.  `warm` loads it ahead of time, from any thread.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
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
from penstock.watch.encodings import EncodingName, Tokenizer, load_encoding


@dataclass(frozen=True, slots=True)
class Family:
    """How the models whose name contains one of `names` count.

    `factor` is their tokens for one of the encoding's.  `image` is a whole image's tokens at the usual size.
    """

    names: tuple[str, ...]
    encoding: EncodingName
    factor: float
    image: int


# The factors are means over recorded answers of the vendors, their own count over o200k's.  Images: OpenAI 85 plus 170
# for each of four tiles, Anthropic's largest (1568 x 784 / 750), Google's 258 a tile of which a photo has some four.
_OPENAI_IMAGE = 765
_OPENAI_LOW_DETAIL_IMAGE = 85
_FAMILIES = (
    Family(("claude",), "o200k_base", 1.13, 1600),
    Family(("gemini", "gemma"), "o200k_base", 1.08, 1032),
    Family(("mistral", "mixtral", "ministral", "codestral", "pixtral"), "o200k_base", 1.08, 1024),
    Family(("command-", "c4ai"), "o200k_base", 1.15, 1024),
    Family(("llama", "deepseek", "qwen", "nova-", "grok"), "o200k_base", 1.04, 1024),
    Family(
        ("gpt-4-", "gpt-3.5", "gpt-35", "text-embedding-3", "text-embedding-ada"), "cl100k_base", 1.0, _OPENAI_IMAGE
    ),
)
_GPT_4 = Family(("gpt-4",), "cl100k_base", 1.0, _OPENAI_IMAGE)
_MODERN_OPENAI = Family((), "o200k_base", 1.0, _OPENAI_IMAGE)

# https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken: what frames a message (its role included), a
# name, and the answer.
_PER_MESSAGE = 4
_PER_NAME = 1
_PER_ANSWER = 3
# A tool is shown to the model as a signature rather than as its JSON Schema, which is longer by about a third.
_PER_TOOL = 8
_SCHEMA_SHARE = 0.7
# A page of PDF is some 2,000 tokens and 50 kB; speech is 10 tokens a second (OpenAI), 32 kB of it a second in between
# WAV and MP3; what is only a reference is taken for a page.
_BYTES_PER_PDF_TOKEN = 25
_BYTES_PER_AUDIO_TOKEN = 3200
_PER_REFERENCE = 2000

_PIECE_CHARACTERS = 8192
_MAX_PIECES = 32


class Counter:
    """`core.ports.TokenCounter`.  Never raises on any text, never touches the network, takes at most some 20 ms.

    Text beyond a quarter of a million characters is counted by evenly spread samples.  Thread-safe.
    """

    def __init__(self) -> None:
        self._tokenizers: dict[EncodingName, Tokenizer] = {}
        self._lock = threading.Lock()

    def warm(self, model: str = "gpt-4o") -> None:
        """Load the tokenizer of `model` now."""
        self._tokenizer(family_of(model).encoding)

    def count_text(self, text: str, model: str) -> int:
        family = family_of(model)
        return ceil(self._count(text, family) * family.factor)

    def count_request(self, request: Request, model: str) -> int:
        family = family_of(model)
        if isinstance(request, ChatRequest):
            return self._count_chat(request, family)
        texts = [text for text in request.inputs if isinstance(text, str)]
        given = sum(len(tokens) for tokens in request.inputs if not isinstance(tokens, str))
        return given + ceil(sum(self._count(text, family) for text in texts) * family.factor)

    def _count_chat(self, request: ChatRequest, family: Family) -> int:
        tokens = float(_PER_ANSWER)
        for message in request.messages:
            tokens += self._count_message(message, family)
        for tool in request.tools:
            if isinstance(tool, Tool):
                tokens += self._count_tool(tool, family)
            else:
                tokens += self._count(dumps(tool.data).decode("utf-8"), family) * family.factor
        if request.response_format is not None and request.response_format.schema is not None:
            schema = dumps(request.response_format.schema).decode("utf-8")
            tokens += self._count(schema, family) * family.factor * _SCHEMA_SHARE
        return ceil(tokens)

    def _count_message(self, message: Message, family: Family) -> float:
        tokens = _PER_MESSAGE + self._count_parts(message.parts, family)
        if message.name is not None:
            tokens += _PER_NAME + self._count(message.name, family) * family.factor
        return tokens

    def _count_tool(self, tool: Tool, family: Family) -> float:
        tokens = self._count(f"{tool.name}\n{tool.description or ''}", family)
        if tool.parameters is not None:
            tokens += self._count(dumps(tool.parameters).decode("utf-8"), family) * _SCHEMA_SHARE
        return _PER_TOOL + tokens * family.factor

    def _count_parts(self, parts: Iterable[Part], family: Family) -> float:
        tokens = 0.0
        for part in parts:
            match part:
                case TextPart(text=text) | ReasoningPart(text=text) | RefusalPart(text=text):
                    tokens += self._count(text, family) * family.factor
                case ToolCallPart(name=name, arguments=arguments):
                    tokens += _PER_MESSAGE + self._count(f"{name}\n{arguments}", family) * family.factor
                case ToolResultPart(parts=inner):
                    tokens += _PER_MESSAGE + self._count_parts(inner, family)
                case ImagePart(detail=detail):
                    is_low = detail == "low" and family.image == _OPENAI_IMAGE
                    tokens += _OPENAI_LOW_DETAIL_IMAGE if is_low else family.image
                case FilePart():
                    tokens += self._count_file(part, family)
                case AudioPart(data=data):
                    tokens += _decoded_bytes(data) / _BYTES_PER_AUDIO_TOKEN
                case OpaquePart(data=data):
                    tokens += self._count(dumps(data).decode("utf-8"), family) * family.factor
        return tokens

    def _count_file(self, part: FilePart, family: Family) -> float:
        if part.text is not None:
            return self._count(part.text, family) * family.factor
        if part.data is not None:
            return _decoded_bytes(part.data) / _BYTES_PER_PDF_TOKEN
        return _PER_REFERENCE

    def _count(self, text: str, family: Family) -> float:
        """Tokens of the family's encoding, before its factor."""
        if not text:
            return 0
        tokenizer = self._tokenizer(family.encoding)
        if len(text) <= _PIECE_CHARACTERS:
            return _encoded(tokenizer, text)
        # In pieces, since a tokenizer's time is not linear in a run without a break; each cut adds a token at most.
        starts = range(0, len(text), _PIECE_CHARACTERS)
        if len(starts) > _MAX_PIECES:
            last = len(text) - _PIECE_CHARACTERS
            starts = [last * index // (_MAX_PIECES - 1) for index in range(_MAX_PIECES)]
        counted = characters = 0
        for start in starts:
            piece = text[start : start + _PIECE_CHARACTERS]
            counted += _encoded(tokenizer, piece)
            characters += len(piece)
        return counted * len(text) / characters

    def _tokenizer(self, name: EncodingName) -> Tokenizer:
        tokenizer = self._tokenizers.get(name)
        if tokenizer is None:
            with self._lock:
                tokenizer = self._tokenizers.get(name)
                if tokenizer is None:
                    tokenizer = self._tokenizers[name] = load_encoding(name)
        return tokenizer


def family_of(model: str) -> Family:
    """The family that a model's name shows, whoever serves it; a stranger counts like OpenAI's own of today."""
    name = model.lower()
    for family in _FAMILIES:
        if any(part in name for part in family.names):
            return family
    return _GPT_4 if name.rpartition("/")[2] == "gpt-4" else _MODERN_OPENAI


def _encoded(tokenizer: Tokenizer, text: str) -> int:
    try:
        return len(tokenizer.encode_ordinary(text))
    except UnicodeEncodeError:
        return len(tokenizer.encode_ordinary(text.encode("utf-8", "replace").decode("utf-8")))


def _decoded_bytes(base64_text: str) -> int:
    return len(base64_text) * 3 // 4
