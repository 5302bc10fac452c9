"""A whole answer as a `chat.completion` object."""

from penstock.core.answer import Answer, Choice, TextBlock, ToolCallBlock
from penstock.core.events import Citation, Notice
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.wire.citations import chat_notice
from penstock.wire.openai_chat.shapes import (
    NOTICE_ANSWER,
    NOTICE_CHOICE,
    NOTICE_CHUNK,
    NOTICE_MESSAGE,
    Head,
    add_signature,
    call_shape,
    join_fields,
    reason_of,
    speaks_functions,
    usage_of,
)


def encode_answer(answer: Answer, exchange: Exchange) -> bytes:
    head = Head(answer.start, exchange)
    document: JsonObject = {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [],
    }
    document["choices"] = [_choice(choice, exchange, document) for choice in answer.choices]
    usage = None if answer.usage is None else usage_of(answer.usage)
    if usage is not None:
        document["usage"] = usage
    return dumps(document)


def _choice(choice: Choice, exchange: Exchange, document: JsonObject) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": None, "refusal": None}
    shape: JsonObject = {"index": choice.index, "message": message, "logprobs": None, "finish_reason": None}
    texts: dict[str, list[str]] = {}
    calls: list[JsonValue] = []
    is_legacy = speaks_functions(exchange)
    for block in choice.blocks:
        match block:
            case TextBlock():
                texts.setdefault(block.channel, []).append(block.text)
                if block.logprobs is not None:
                    _add_logprobs(shape, block)
            case ToolCallBlock():
                call = call_shape(block.id, block.name, block.arguments, block.kind)
                add_signature(call, block.signature)
                calls.append(call)
            case Notice():
                _place(block, document, shape, message)
            case Citation():
                _place(chat_notice(block), document, shape, message)
    _set_texts(message, texts)
    if calls and is_legacy:
        message["function_call"] = {"name": choice.tool_calls()[0].name, "arguments": choice.tool_calls()[0].arguments}
    elif calls:
        message["tool_calls"] = calls
    if choice.finish is not None:
        shape["finish_reason"] = reason_of(choice.finish, exchange, is_legacy=is_legacy)
    return shape


def _set_texts(message: JsonObject, texts: dict[str, list[str]]) -> None:
    if "answer" in texts:
        message["content"] = "".join(texts["answer"])
    if "refusal" in texts:
        message["refusal"] = "".join(texts["refusal"])
    thought = "".join(texts.get("reasoning", ()))
    if thought:
        message["reasoning_content"] = thought


def _add_logprobs(shape: JsonObject, block: TextBlock) -> None:
    known = shape["logprobs"]
    both: JsonObject = known if isinstance(known, dict) else {"content": None, "refusal": None}
    name = "refusal" if block.channel == "refusal" else "content"
    earlier = both[name]
    both[name] = [*(earlier if isinstance(earlier, list) else ()), *(block.logprobs or ())]
    shape["logprobs"] = both


def _place(notice: Notice, document: JsonObject, shape: JsonObject, message: JsonObject) -> None:
    """Put a notice's fields where they belong; lists that came in pieces are joined."""
    if notice.dialect != "openai-chat" or not isinstance(notice.data, dict):
        return
    match notice.kind:
        case kind if kind in {NOTICE_ANSWER, NOTICE_CHUNK}:
            place = document
        case kind if kind == NOTICE_CHOICE:
            place = shape
        case kind if kind == NOTICE_MESSAGE:
            place = message
        case _:
            return
    join_fields(place, notice.data)
