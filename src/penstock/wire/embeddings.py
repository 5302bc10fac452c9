"""OpenAI's embeddings towards clients: `POST /v1/embeddings`, never streamed."""

from typing import Final

from penstock.core.answer import Answer
from penstock.core.chat import EmbeddingRequest
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, JsonValue, dumps
from penstock.core.usage import Usage
from penstock.wire.document import as_choice, as_int, as_name, as_text, invalid, read_document, take, wrong_type

_MAX_INPUTS: Final = 2048
_MAX_DIMENSIONS: Final = 2**20


def parse_embeddings(body: bytes) -> EmbeddingRequest:
    """Read a request body.  Raises `MalformedRequest` naming the field."""
    document = read_document(body)
    model = as_name(take(document, "model", ""), "model")
    inputs = _read_inputs(take(document, "input", ""))
    dimensions, user = document.pop("dimensions", None), document.pop("user", None)
    encoding = document.pop("encoding_format", None)
    encoding = "float" if encoding is None else as_choice(encoding, "encoding_format", ("float", "base64"))
    return EmbeddingRequest(
        dialect="openai-chat",
        model=model,
        inputs=inputs,
        dimensions=None if dimensions is None else as_int(dimensions, "dimensions", least=1, most=_MAX_DIMENSIONS),
        encoding="base64" if encoding == "base64" else "float",
        user=None if user is None else as_text(user, "user"),
        extras=document,
    )


def _read_inputs(value: JsonValue) -> tuple[str | tuple[int, ...], ...]:
    """One text, texts, one list of token ids, or lists of token ids."""
    if type(value) is str:
        return (_text(value, "input"),)
    if type(value) is not list:
        raise wrong_type(value, "input", "a string or an array")
    if not value:
        raise invalid("input", "must not be an empty array")
    if type(value[0]) is int:
        return (_tokens(value, "input"),)
    if len(value) > _MAX_INPUTS:
        raise invalid("input", f"at most {_MAX_INPUTS} inputs, got {len(value)}")
    return tuple(_read_input(item, f"input[{at}]") for at, item in enumerate(value))


def _read_input(value: JsonValue, path: str) -> str | tuple[int, ...]:
    if type(value) is str:
        return _text(value, path)
    if type(value) is list:
        return _tokens(value, path)
    raise wrong_type(value, path, "a string or an array of token ids")


def _text(value: str, path: str) -> str:
    if not value:
        raise invalid(path, "must not be an empty string")
    return value


def _tokens(value: list[JsonValue], path: str) -> tuple[int, ...]:
    if not value:
        raise invalid(path, "must not be an empty array")
    return tuple(as_int(token, f"{path}[{at}]", least=0) for at, token in enumerate(value))


def encode_embeddings(answer: Answer, exchange: Exchange) -> bytes:
    """The `list` object with one `embedding` an input."""
    document: JsonObject = {
        "object": "list",
        "data": [{"object": "embedding", "index": v.index, "embedding": _json(v.values)} for v in answer.vectors],
        "model": (answer.start.model if answer.start else "") or exchange.request.model,
    }
    usage = None if answer.usage is None else _usage(answer.usage)
    if usage is not None:
        document["usage"] = usage
    return dumps(document)


def _json(values: list[float] | str) -> JsonValue:
    return values if isinstance(values, str) else list[JsonValue](values)


def _usage(usage: Usage) -> JsonObject | None:
    if usage.native_dialect == "openai-chat" and usage.native is not None:
        return usage.native
    if usage.accuracy == "unknown":
        return None
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens + usage.output_tokens}
