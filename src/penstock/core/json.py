"""The type of a decoded JSON value, and the two calls that make and read one.

Everything that crosses a wire is decoded once with msgspec; what Penstock has no name for stays such a value.
"""

from typing import Any, TypeAlias, cast

import msgspec

JsonValue: TypeAlias = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
JsonObject: TypeAlias = dict[str, "JsonValue"]

_encoder = msgspec.json.Encoder()
_decoder: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder()


def dumps(value: object) -> bytes:
    """Encode a JSON value, or a msgspec struct, as compact UTF-8."""
    return _encoder.encode(value)


def loads(data: bytes | str) -> JsonValue:
    """Decode JSON text.  Raises `msgspec.DecodeError` (or `UnicodeDecodeError`) where it is not JSON."""
    return cast("JsonValue", _decoder.decode(data))
