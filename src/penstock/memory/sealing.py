"""Seals what is kept, so that a row opens for its owner's turn alone: whoever composes the plane brings the key."""

from collections.abc import Sequence
from typing import Any, Final, Protocol, cast

import msgspec

from penstock.core.errors import MemoryUnavailable
from penstock.memory.turn import Body, Owner

_BOUND_TO: Final = b"memory\0"
_encode = msgspec.msgpack.Encoder().encode
_decode_body = msgspec.msgpack.Decoder(Body).decode
_decode_metadata = msgspec.msgpack.Decoder(dict[str, str]).decode


class Seal(Protocol):
    """Seals bytes under a tenant's key; what was sealed opens for the same `bound_to` alone."""

    def seal_bytes(self, tenant: str, bound_to: bytes, plain: bytes) -> str: ...
    def open_bytes(self, tenant: str, bound_to: bytes, text: str) -> bytes: ...


class Sealed:
    """`cannot_open` are the exceptions with which `seal` says that it has not the key, or that it is another's."""

    def __init__(self, seal: Seal, cannot_open: type[Exception]) -> None:
        self._seal = seal
        self._cannot_open = cannot_open

    def body(self, owner: Owner, turn: str, body: Body) -> str:
        return self._seal.seal_bytes(owner.tenant, _bound(owner, turn), packed(body))

    def opened(self, owner: Owner, turn: str, sealed: str) -> Body:
        """Raises `MemoryUnavailable` where it cannot be opened: it is never left out as if it had not been said."""
        return _decode_body(self._open(owner, turn, sealed))

    def metadata(self, owner: Owner, conversation: str, metadata: dict[str, str]) -> str:
        return self._seal.seal_bytes(owner.tenant, _bound(owner, conversation), packed(metadata))

    def opened_metadata(self, owner: Owner, conversation: str, sealed: str) -> dict[str, str]:
        """Raises `MemoryUnavailable`."""
        return _decode_metadata(self._open(owner, conversation, sealed))

    def _open(self, owner: Owner, name: str, sealed: str) -> bytes:
        try:
            return self._seal.open_bytes(owner.tenant, _bound(owner, name), sealed)
        except self._cannot_open as error:
            raise MemoryUnavailable("What was said before cannot be read here.", detail=str(error)) from error


def packed(value: object) -> bytes:
    """As bytes.  Half a surrogate pair, which is no character, becomes a question mark: a turn must not fail by it."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_sound(msgspec.to_builtins(value)))


def _sound(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case list() | tuple():
            return [_sound(each) for each in cast("list[Any]", value)]
        case dict():
            return {_sound(name): _sound(each) for name, each in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _bound(owner: Owner, name: str) -> bytes:
    parts: Sequence[bytes] = [each.encode("utf-8", "surrogatepass") for each in (owner.tenant, owner.holder, name)]
    return _BOUND_TO + b"".join(len(part).to_bytes(4) + part for part in parts)
