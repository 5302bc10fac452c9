"""Seals what a conversation's tokens stand for: AES-256-GCM, under a key of its tenant's own.

Each tenant's key is derived (HKDF-SHA-256, RFC 5869) from one key of the installation.  What is sealed is bound to its
scope, so that a row cannot be passed off as another's.  Nonces are drawn at random, which is sound for 2^32 writes of
one tenant under one key (NIST SP 800-38D, 8.3).
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import blake2b
from secrets import token_bytes
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from penstock.guard.personal.vault.book import Written
from penstock.guard.personal.vault.scope import Scope

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_INFO: Final = b"penstock vault 1\0"
_MOST_TENANTS: Final = 10_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Written).decode


class CannotOpen(Exception):
    """Sealed under a key that we do not have, tampered with, or not ours to read."""


class Sealer:
    """Seals under the current key of the installation; opens under that one and earlier ones.  For any thread."""

    __slots__ = ("_current", "_keys", "_made")

    def __init__(self, current: bytes, previous: tuple[bytes, ...] = ()) -> None:
        self._keys = {_key_id(key): key for key in (*previous, current)}
        self._current = _key_id(current)
        self._made: dict[tuple[str, str], AESGCM] = {}

    @property
    def key_id(self) -> str:
        """Of the key under which is sealed."""
        return self._current

    def seal(self, scope: Scope, written: Written) -> bytes:
        nonce = token_bytes(_NONCE_BYTES)
        return nonce + self._key(self._current, scope.tenant).encrypt(nonce, _encode(written), _bound_to(scope))

    def open(self, scope: Scope, key_id: str, sealed: bytes) -> Written:
        """Raises `CannotOpen`."""
        if key_id not in self._keys:
            raise CannotOpen(f"it is sealed under the key {key_id}, which is not configured")
        try:
            plain = self._key(key_id, scope.tenant).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(scope)
            )
            return _decode(plain)
        except (InvalidTag, ValueError):
            raise CannotOpen("it has been changed since it was sealed, or is another's") from None
        except msgspec.DecodeError:
            raise CannotOpen("another version of Penstock has written it") from None

    def seal_bytes(self, tenant: str, bound_to: bytes, plain: bytes) -> str:
        """Anything else of the tenant's, as text; it opens for the same `bound_to` alone."""
        nonce = token_bytes(_NONCE_BYTES)
        sealed = nonce + self._key(self._current, tenant).encrypt(nonce, plain, _INFO + bound_to)
        return f"{self._current}:{b64encode(sealed).decode('ascii')}"

    def open_bytes(self, tenant: str, bound_to: bytes, text: str) -> bytes:
        """What `seal_bytes` has sealed.  Raises `CannotOpen`."""
        key_id, _, encoded = text.partition(":")
        if key_id not in self._keys:
            raise CannotOpen(f"it is sealed under the key {key_id}, which is not configured")
        try:
            sealed = b64decode(encoded, validate=True)
            return self._key(key_id, tenant).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _INFO + bound_to)
        except (InvalidTag, ValueError):
            raise CannotOpen("it has been changed since it was sealed, or is another's") from None

    def derived(self, tenant: str, purpose: bytes) -> Mapping[str, bytes]:
        """The tenant's keys for something else than sealing, by the id of the key that each is derived from."""
        info = purpose + b"\0" + tenant.encode("utf-8", "surrogatepass")
        return {
            key_id: HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(key)
            for key_id, key in self._keys.items()
        }

    def _key(self, key_id: str, tenant: str) -> AESGCM:
        found = self._made.get((key_id, tenant))
        if found is None:
            if len(self._made) >= _MOST_TENANTS:
                self._made.clear()
            info = _INFO + tenant.encode("utf-8", "surrogatepass")
            made = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._keys[key_id])
            found = self._made[key_id, tenant] = AESGCM(made)
        return found


def _key_id(key: bytes) -> str:
    return blake2b(key, digest_size=8, person=b"penstock-vaultid").hexdigest()


def _bound_to(scope: Scope) -> bytes:
    parts = (scope.tenant.encode("utf-8", "surrogatepass"), scope.holder.encode("utf-8", "surrogatepass"), scope.key)
    return _INFO + b"".join(len(part).to_bytes(4) + part for part in parts)
