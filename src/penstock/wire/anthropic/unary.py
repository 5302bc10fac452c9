"""Writes a whole answer as a Message object."""

import msgspec

from penstock.core.answer import Answer, Choice, TextBlock, ToolCallBlock
from penstock.core.events import Citation, Notice
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.wire.anthropic.answer import is_object, message_id, stop_reason, tool_id, usage_object
from penstock.wire.anthropic.signatures import shown
from penstock.wire.citations import anthropic_notice


def encode_message(answer: Answer, exchange: Exchange) -> bytes:
    """The body of a 200 answer.  A client of this dialect has asked for one choice."""
    start, choice = answer.start, answer.choices[0] if answer.choices else Choice(0)
    fields: JsonObject = {}
    content = _content(choice, fields, exchange)
    has_refusal = any(isinstance(b, TextBlock) and b.channel == "refusal" for b in choice.blocks)
    finish = choice.finish
    message: JsonObject = {
        "id": message_id("" if start is None else start.id, exchange),
        "type": "message",
        "role": "assistant",
        "model": exchange.request.model if start is None or not start.model else start.model,
        "content": content,
        "stop_reason": stop_reason(finish, exchange, has_tools=bool(choice.tool_calls()), has_refusal=has_refusal),
        "stop_sequence": None if finish is None else finish.stop_sequence,
        **fields,
        "usage": usage_object(answer.usage, exchange),
    }
    return dumps(message)


def encode_token_count(tokens: int) -> bytes:
    """The body of a 200 answer to `/v1/messages/count_tokens`."""
    return dumps({"input_tokens": tokens})


def _content(choice: Choice, fields: JsonObject, exchange: Exchange) -> list[JsonValue]:
    content: list[JsonValue] = []
    texts: dict[int, JsonObject] = {}
    tools: dict[JsonValue, JsonObject] = {}
    for each in choice.blocks:
        block = anthropic_notice(each) if isinstance(each, Citation) else each
        match block:
            case TextBlock(channel="reasoning"):
                thinking = thinking_block(block.text, block.signature)
                if thinking is not None:
                    content.append(thinking)
            case TextBlock():
                written = texts.get(block.part)
                if written is not None and not written["text"]:
                    written["text"] = block.text
                elif block.text:
                    texts[block.part] = written = _text_block(block.text)
                    content.append(written)
            case ToolCallBlock():
                content.append({**tool_block(block, exchange), **tools.get(block.index, {})})
            case Notice(dialect="anthropic", kind=kind, data=dict(data)):
                match kind:
                    case "message":
                        fields.update({name: value for name, value in data.items() if name != "usage"})
                    case "tool_use":
                        tools[data["index"]] = {name: value for name, value in data.items() if name != "index"}
                    case "citation":
                        _cite(content, texts, block.part, data)
                    case "block":
                        content.append(data)
                    case _:
                        pass
            case Notice():
                pass
    return content


def _cite(content: list[JsonValue], texts: dict[int, JsonObject], part: int, citation: JsonObject) -> None:
    written = texts.get(part)
    if written is None:
        texts[part] = written = _text_block("")
        content.append(written)
    before = written.get("citations")
    written["citations"] = [*before, citation] if isinstance(before, list) else [citation]


def _text_block(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def thinking_block(text: str, signature: str | None) -> JsonObject | None:
    """A `thinking` or `redacted_thinking` block; None where there is nothing to show."""
    if signature is None:
        return {"type": "thinking", "thinking": text, "signature": ""} if text else None
    is_redacted, value = shown(signature)
    if is_redacted:
        return {"type": "redacted_thinking", "data": value}
    return {"type": "thinking", "thinking": text, "signature": value}


def tool_block(call: ToolCallBlock, exchange: Exchange) -> JsonObject:
    """A `tool_use` block.  A signature of the call, which only Gemini makes, goes along for the way back."""
    block: JsonObject = {"type": "tool_use", "id": tool_id(call.id, call.index, exchange), "name": call.name}
    if not call.arguments:
        block["input"] = {}
    elif is_object(call.arguments):
        block["input"] = msgspec.Raw(call.arguments.encode())  # type: ignore[assignment]  # msgspec writes it as it is
    else:  # cut short by a token limit; the form that Anthropic's guide asks for
        block["input"] = {"INVALID_JSON": call.arguments}
    if call.signature is not None:
        block["signature"] = call.signature
    return block
