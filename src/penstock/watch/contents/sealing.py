"""Seals what is kept, so that a row opens for its own tenant and exchange alone: `app` brings the key."""

import zlib
from base64 import b64decode, b64encode
from typing import Final, Protocol

import msgspec

from penstock.watch.contents.content import Content

_BOUND_TO: Final = b"contents\0"
_MOST_BYTES: Final = 64 << 20
_LEVEL: Final = 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


class Seal(Protocol):
    """Seals bytes under a tenant's key, as `<key's id>:<base64>`; it opens for the same `bound_to` alone."""

    def seal_bytes(self, tenant: str, bound_to: bytes, plain: bytes) -> str: ...
    def open_bytes(self, tenant: str, bound_to: bytes, text: str) -> bytes: ...


class Unreadable(Exception):
    """It cannot be opened here: sealed under a key that we do not have, tampered with, or another's."""


class Sealed:
    """`cannot_open` are the exceptions with which `seal` says that it has not the key, or that it is another's."""

    def __init__(self, seal: Seal, cannot_open: type[Exception]) -> None:
        self._seal = seal
        self._cannot_open = cannot_open

    def seal(self, tenant: str, exchange: str, content: Content) -> tuple[str, bytes]:
        """The id of the key that it is sealed under, and what lies anywhere."""
        packed = zlib.compress(_encode(content), _LEVEL)
        key_id, _, encoded = self._seal.seal_bytes(tenant, _bound(tenant, exchange), packed).partition(":")
        return key_id, b64decode(encoded)

    def open(self, tenant: str, exchange: str, key_id: str, sealed: bytes) -> Content:
        """Raises `Unreadable`."""
        text = f"{key_id}:{b64encode(sealed).decode('ascii')}"
        try:
            packed = self._seal.open_bytes(tenant, _bound(tenant, exchange), text)
            return _decode(zlib.decompressobj().decompress(packed, _MOST_BYTES))
        except (self._cannot_open, zlib.error, msgspec.DecodeError) as error:
            raise Unreadable(str(error)) from error


def _bound(tenant: str, exchange: str) -> bytes:
    parts = [each.encode("utf-8", "surrogatepass") for each in (tenant, exchange)]
    return _BOUND_TO + b"".join(len(part).to_bytes(4) + part for part in parts)
