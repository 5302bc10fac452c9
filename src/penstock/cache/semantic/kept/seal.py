"""Questions, sealed at rest with AES-256-GCM: what a caller wrote cannot be read without the installation's secret.

Each partition has a key of its own, so that a row cannot be passed off as another partition's; the entry that it is of
stands within what is sealed.
"""

from collections.abc import Callable
from secrets import token_bytes
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class Seals:
    """`key_of` gives the key of a partition, 32 bytes."""

    __slots__ = ("_key_of",)

    def __init__(self, key_of: Callable[[bytes], bytes]) -> None:
        self._key_of = key_of

    def of(self, partition: bytes) -> "Seal":
        """For whoever has many of one partition."""
        return Seal(self._key_of(partition))


class Seal:
    """One partition's."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)

    def seal(self, body: bytes) -> bytes:
        nonce = token_bytes(_NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, body, None)

    def open(self, sealed: bytes) -> bytes | None:
        """None where it was sealed under another key, or changed since."""
        try:
            return self._key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            return None
