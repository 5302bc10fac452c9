"""What a model is asked once more: the same with what was wrong, or the same as it was."""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest, Message, OpaqueTool, TextPart, ToolCallPart, ToolResultPart
from penstock.core.events import Event, Notice, ToolCall

_MOST_LISTED: Final = 10
_NOT_OF_THE_PROMPT: Final = frozenset({"audio", "web_search_options"})


def corrected(request: ChatRequest, said: str, wrong: Sequence[str]) -> ChatRequest:
    """The request with the answer and what is wrong with it."""
    listed = "\n".join(f"- {each}" for each in wrong[:_MOST_LISTED])
    told = (
        f"The sources do not support these statements:\n{listed}\n"
        "Answer again from the sources alone, and leave out what they do not say."
    )
    repeated = (Message("assistant", (TextPart(said),)), Message("user", (TextPart(told),)))
    return msgspec.structs.replace(request, messages=(*request.messages, *repeated))


def can_be_repeated(request: ChatRequest, events: Sequence[Event]) -> bool:
    """Whether the same can be asked again and the answers be compared: one answer, in text, of nothing but its prompt.

    Not where tools were used or a vendor's own may have been, such as its search, nor of spoken answers.
    """
    extras = request.extras
    if request.choices > 1 or extras.keys() & _NOT_OF_THE_PROMPT or extras.get("modalities", ["text"]) != ["text"]:
        return False
    if any(isinstance(each, OpaqueTool) for each in request.tools):
        return False
    if any(isinstance(part, ToolCallPart | ToolResultPart) for each in request.messages for part in each.parts):
        return False
    return not any(isinstance(each, ToolCall) or (isinstance(each, Notice) and each.is_content) for each in events)
