"""Questions to the scripted provider."""

import msgspec

from penstock.core.chat import ChatRequest, Message, TextPart


def ask(text: str = "How do I locate my card?", *, stream: bool = True, **fields: object) -> ChatRequest:
    message = Message("user", (TextPart(text),))
    request = ChatRequest(dialect="openai-chat", model="sim", messages=(message,), stream=stream)
    return msgspec.structs.replace(request, **fields)
