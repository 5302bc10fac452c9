"""Providers' credentials: sealed at rest with AES-256-GCM, opened in memory by whoever has the key.

The admin API seals, `store` keeps and follows, `LiveCredentials` gives a provider's credential to its calls.  The
provider's name is part of what is authenticated, so that a row cannot be passed off as another's.
"""

import threading
from hashlib import blake2b
from secrets import token_bytes

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock.admission.identity.known import SealedCredential
from penstock.config.identity import Identity

_NONCE_BYTES = 12
_SHOWN_CHARS = 4

_log = structlog.get_logger(__name__)


class CannotOpen(Exception):
    """Sealed under a key that we do not have, or tampered with."""


class Sealer:
    """Seals under the current key; opens under that one and earlier ones.  Keys are 32 bytes."""

    __slots__ = ("_keys", "key_id")

    def __init__(self, current: bytes, previous: tuple[bytes, ...] = ()) -> None:
        self._keys = {_key_id(key): AESGCM(key) for key in (current, *previous)}
        self.key_id = _key_id(current)

    def seal(self, provider: str, credential: str) -> SealedCredential:
        nonce = token_bytes(_NONCE_BYTES)
        sealed = self._keys[self.key_id].encrypt(nonce, credential.encode("utf-8"), _bound_to(provider))
        return SealedCredential(provider, self.key_id, nonce, sealed)

    def open(self, credential: SealedCredential) -> str:
        """The credential itself.  Raises `CannotOpen`."""
        key = self._keys.get(credential.key_id)
        if key is None:
            raise CannotOpen(f"it is sealed under the key {credential.key_id}, which is not configured")
        try:
            return key.decrypt(credential.nonce, credential.sealed, _bound_to(credential.provider)).decode("utf-8")
        except (InvalidTag, ValueError):
            raise CannotOpen("it has been changed since it was sealed") from None


def open_sealer(settings: Identity) -> Sealer | None:
    """The sealer of the configuration; None where it names no key."""
    if settings.credentials_key is None:
        return None
    previous = tuple(bytes.fromhex(key.reveal()) for key in settings.previous_credentials_keys)
    return Sealer(bytes.fromhex(settings.credentials_key.reveal()), previous)


def last_chars(credential: str) -> str:
    """What may be shown of a credential: its end, and nothing of one so short that this would tell much."""
    return credential[-_SHOWN_CHARS:] if len(credential) >= 4 * _SHOWN_CHARS else ""


def _key_id(key: bytes) -> str:
    return blake2b(key, digest_size=8, person=b"penstock-key-id").hexdigest()


def _bound_to(provider: str) -> bytes:
    return b"penstock provider credential\0" + provider.encode("utf-8")


class LiveCredentials:
    """The credentials of the moment.  `replace` may be called from any thread; `get` waits for nothing."""

    __slots__ = ("_opened", "_problems", "_sealer", "_writing")

    def __init__(self, sealer: Sealer | None) -> None:
        self._sealer = sealer
        self._opened: dict[str, str] = {}
        self._problems: tuple[str, ...] = ()
        self._writing = threading.Lock()

    def get(self, provider: str) -> str | None:
        """The provider's credential; None where none is stored, and then that of the configuration counts."""
        return self._opened.get(provider)

    def problems(self) -> tuple[str, ...]:
        """What could not be opened and why, for `/health`."""
        return self._problems

    def replace(self, credentials: tuple[SealedCredential, ...]) -> None:
        """Open what is stored now.  One that cannot be opened is a problem, and leaves the last one in use."""
        with self._writing:
            opened: dict[str, str] = {}
            problems: list[str] = []
            for each in credentials:
                try:
                    opened[each.provider] = self._open(each)
                except CannotOpen as error:
                    problems.append(f"the stored credential of `{each.provider}` cannot be used: {error}")
                    if each.provider in self._opened:
                        opened[each.provider] = self._opened[each.provider]
            for problem in set(problems).difference(self._problems):
                _log.error("credential_not_opened", reason=problem)
            self._opened, self._problems = opened, tuple(problems)

    def _open(self, credential: SealedCredential) -> str:
        if self._sealer is None:
            raise CannotOpen("`identity.credentials_key` is not configured")
        return self._sealer.open(credential)
