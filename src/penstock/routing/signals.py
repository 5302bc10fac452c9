"""What can be seen of a request without asking anyone: the plain signals that rules and the complexity head go by.

Called by `stage`.  The question is the last thing that the caller said; the rest of a request counts by its size.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from penstock.config.routing.settings import Modality
from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from penstock.routing.language import language_of

READ_CHARS: Final = 4_000
"""Of a longer question its beginning and its end are read: that is where the task stands."""

_CHARS_A_TOKEN: Final = 4
# No pattern can go back over more than a few dozen characters: callers write these texts.
_CODE = re.compile(
    r"```|^[ \t]{0,40}(?:def |class |import |from \w{1,40} import |#include|public |function |select |<\?php|\$ )"
    r"|[;{}][ \t]{0,9}$|=>|\b\w{1,40}\(\w{0,40}\)[ \t]{0,9}[;{]|</\w{1,20}>"
    r"|\b(?:stack ?trace|traceback|segfault|regex|npm|pytest|sql query)\b",
    re.MULTILINE | re.IGNORECASE,
)
_MATHS = re.compile(
    r"\\(?:frac|sum|int|sqrt|alpha|beta|lim)\b|\$[^$\n]{0,80}[\\^_=]|[∑∫√∂≤≥≠∀∃⊃∈]"
    r"|\b\d{1,12}\s?[-+*/^\u00d7\u00f7]\s?\d|[a-z]\^\d"
    r"|\b(?:equation|derivative|integral|matrix|eigenvalue|theorem|prove that|probability|polynomial|solve for)\b",
    re.IGNORECASE,
)


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """`question` is at most `READ_CHARS` long; `chars` is its length before that."""

    question: str
    chars: int
    tokens: int
    turns: int
    language: str | None
    modalities: frozenset[Modality]
    has_tools: bool
    wants_schema: bool
    is_code: bool
    is_maths: bool


def signals_of(request: ChatRequest) -> Signals:
    """Linear in the size of the request, with the expensive parts bounded by `READ_CHARS`."""
    asked = next((message for message in reversed(request.messages) if message.role == "user" and _says(message)), None)
    question = "" if asked is None else "\n".join(_texts(asked.parts))
    read = shortened(question)
    modalities: set[Modality] = set()
    chars = 0
    for message in request.messages:
        chars += _weigh(message.parts, modalities)
    return Signals(
        question=read,
        chars=len(question),
        tokens=chars // _CHARS_A_TOKEN,
        turns=sum(message.role == "user" and _says(message) for message in request.messages),
        language=language_of(read),
        modalities=frozenset(modalities),
        has_tools=bool(request.tools),
        wants_schema=request.response_format is not None and request.response_format.kind != "text",
        is_code=_CODE.search(read) is not None,
        is_maths=_MATHS.search(read) is not None,
    )


def signals_of_text(text: str) -> Signals:
    """Those of a question alone, as `training` and `evaluation` have it."""
    return signals_of(ChatRequest(dialect="openai-chat", model="", messages=(Message("user", (TextPart(text),)),)))


def shortened(text: str) -> str:
    """What is read of a question."""
    if len(text) <= READ_CHARS:
        return text
    return text[: READ_CHARS // 2] + "\n" + text[-READ_CHARS // 2 :]


def _says(message: Message) -> bool:
    return any(isinstance(part, TextPart) and part.text for part in message.parts)


def _texts(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, TextPart):
            yield part.text


def _weigh(parts: tuple[Part, ...], modalities: set[Modality]) -> int:
    """Characters of text, with what else there is noted."""
    chars = 0
    for part in parts:
        match part:
            case TextPart(text=text):
                chars += len(text)
            case ImagePart():
                modalities.add("image")
            case AudioPart():
                modalities.add("audio")
            case FilePart(text=text):
                modalities.add("file")
                chars += len(text or "")
            case ToolCallPart(arguments=arguments):
                chars += len(arguments)
            case ToolResultPart(parts=inner):
                chars += _weigh(inner, modalities)
            case _:
                pass
    return chars
