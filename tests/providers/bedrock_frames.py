"""Bedrock's upstream as its tests ask it, and frames as it sends them."""

import struct
from functools import cache
from importlib import import_module
from typing import Any
from zlib import crc32

from penstock.core.chat import ChatRequest, Dialect, Message, TextPart
from penstock.core.json import dumps
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.dialect import Decoder, Endpoint

UPSTREAM = BedrockUpstream()
ENDPOINT = Endpoint("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", "AKID:SECRET")
HI = (Message("user", (TextPart("hi"),)),)


def botocore(name: str) -> Any:
    """A module of it, which has no types: read where it is used, since every process of a run reads this file."""
    return import_module(f"botocore.{name}")


@cache
def service_model() -> Any:
    """AWS's own description of the API."""
    described = botocore("loaders").Loader().load_service_model("bedrock-runtime", "service-2")
    return botocore("model").ServiceModel(described)


def request(messages: tuple[Message, ...] = HI, dialect: Dialect = "openai-chat", **fields: Any) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="asked", messages=messages, **fields)


def decoder(*, stream: bool) -> Decoder:
    return UPSTREAM.decoder(request(stream=stream), ENDPOINT)


def frame(name: str, payload: Any, kind: str = "event") -> bytes:
    headers = b""
    for key, value in ((f":{kind}-type", name), (":message-type", kind)):
        headers += struct.pack(f">B{len(key)}sBH{len(value)}s", len(key), key.encode(), 7, len(value), value.encode())
    body = dumps(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    data = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return data + struct.pack(">I", crc32(data))


START = frame("messageStart", {"role": "assistant"})


def delta(index: int, **fields: Any) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": fields, "p": "abc"})
