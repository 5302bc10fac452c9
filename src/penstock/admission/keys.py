"""API keys: how one is made, how it is kept, and who it stands for.

`server` asks `LiveKeys.authenticate` once for each request; it waits for nothing and takes about two microseconds.

A key reads `pk_live_` + 43 characters + 6 characters: 256 random bits and their CRC-32, both in base 62, so that a
secret scanner knows one when it sees one.  It is kept as a keyed BLAKE2b hash only: a key holds too much chance to be
guessed, so a slow hash would add nothing but cost, and without the secret in the data directory a stolen table of
hashes is worth nothing at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from secrets import token_bytes, token_hex
from typing import Literal
from zlib import crc32

from penstock.config.datadir import DataDir, read_or_create
from penstock.core.clock import Clock
from penstock.core.errors import AuthError, ConfigError
from penstock.core.exchange import Principal

DEV_TENANT = "default"
DEV_KEY_ID = "dev"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_CHARS = 43
_CHECK_CHARS = 6
_SHOWN_CHARS = 6
_MAX_KEY_CHARS = 200
_MISSING = "No API key was sent: send it as `Authorization: Bearer <key>` or as `x-api-key: <key>`."
_INVALID = "This API key or token is not valid."

KeyHash = bytes
"""32 bytes."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made.  `text` is shown once and never stored; `prefix` tells keys apart."""

    text: str
    prefix: str


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One valid key.  `expires_at` is in Unix seconds."""

    hash: KeyHash
    principal: Principal
    expires_at: float | None = None


def new_key(kind: Literal["live", "dev"]) -> NewKey:
    """A fresh key of 256 random bits."""
    body = _base62(int.from_bytes(token_bytes(32)), _BODY_CHARS)
    text = f"pk_{kind}_{body}{_checksum(body)}"
    return NewKey(text, text[: len(text) - _BODY_CHARS - _CHECK_CHARS + _SHOWN_CHARS])


def is_well_formed(key: str) -> bool:
    """Whether `key` is a whole key: false for one that was cut off, mistyped or made up."""
    head, _, rest = key.rpartition("_")
    body, check = rest[:_BODY_CHARS], rest[_BODY_CHARS:]
    return head in ("pk_live", "pk_dev") and len(body) == _BODY_CHARS and _checksum(body) == check


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode("utf-8")), _CHECK_CHARS)


def _base62(number: int, width: int) -> str:
    chars: list[str] = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        chars.append(_ALPHABET[digit])
    return "".join(reversed(chars))


class KeyHasher:
    """Hashes keys under the installation's secret."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hash(self, key: str) -> KeyHash:
        return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32, key=self._secret).digest()


def open_hasher(data_dir: DataDir) -> KeyHasher:
    """The hasher of this installation; its secret is made on the first start.

    Raises `ConfigError` where the secret is there but not whole: a new one would disown every key.
    """
    text = read_or_create(data_dir.secret, lambda: token_hex(32))
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise ConfigError(f"{data_dir.secret} is damaged: restore it, or remove it and make every API key anew")
    return KeyHasher(secret)


def open_dev_key(data_dir: DataDir, hasher: KeyHasher) -> KeyEntry:
    """The development key of this installation, made on the first start and kept in `dev-key`."""
    key = read_or_create(data_dir.dev_key, lambda: new_key("dev").text)
    if not is_well_formed(key):
        raise ConfigError(f"{data_dir.dev_key} holds no whole key: remove it, and the next start makes one")
    return KeyEntry(hasher.hash(key), Principal(tenant=DEV_TENANT, key=DEV_KEY_ID))


class KeyRing:
    """An immutable snapshot of every valid key."""

    __slots__ = ("_entries", "_hasher", "_ids")

    def __init__(self, entries: tuple[KeyEntry, ...], hasher: KeyHasher) -> None:
        self._entries: Mapping[KeyHash, KeyEntry] = {entry.hash: entry for entry in entries}
        self._ids = frozenset(entry.principal.key for entry in entries)
        self._hasher = hasher

    def __len__(self) -> int:
        return len(self._entries)

    def holds(self, key_id: str) -> bool:
        """Whether the key of that id is still in the ring."""
        return key_id in self._ids

    def find(self, key: str, *, now: float) -> Principal | None:
        """Whom the key stands for; None for every reason there may be to refuse it."""
        # One that is too long is cut, and then of the wrong length for a key: the work stays the same, and bounded.
        digest = self._hasher.hash(key[:_MAX_KEY_CHARS])
        # Looking up a keyed hash tells a clock nothing: the caller cannot know or choose its bytes.
        entry = self._entries.get(digest)
        if entry is None or not compare_digest(entry.hash, digest):
            return None
        if entry.expires_at is not None and entry.expires_at <= now:
            return None
        return entry.principal


class LiveKeys:
    """The key ring of the moment.  `replace` may be called from any thread; requests see the old ring or the new."""

    __slots__ = ("_clock", "_ring")

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def replace(self, ring: KeyRing) -> None:
        self._ring = ring

    def holds(self, key_id: str) -> bool:
        """Whether the key of that id is still good, its expiry aside."""
        return self._ring.holds(key_id)

    def authenticate(self, authorization: str | None, api_key: str | None = None) -> Principal:
        """Whom a request comes from: `authorization` is that header, `api_key` is `x-api-key` or `api-key`.

        A bearer token wins over an API key header.  Raises `AuthError`, in the same words for an unknown, malformed,
        expired and revoked key.
        """
        return self.identify(presented(authorization, api_key))

    def identify(self, key: str) -> Principal:
        """Whom `key` stands for.  Raises `AuthError`."""
        principal = self._ring.find(key, now=self._clock.now())
        if principal is None:
            raise refusal("key")
        return principal


def presented(authorization: str | None, api_key: str | None) -> str:
    """The credential in a request's headers.  Raises `AuthError` where there is none."""
    credential = api_key
    if authorization is not None and authorization[:7].lower() == "bearer ":
        credential = authorization[7:]
    if credential is None or not (credential := credential.strip()):
        raise AuthError(_MISSING, detail="missing")
    return credential


def refusal(reason: str) -> AuthError:
    """The one answer to every credential that is not good; `reason` is a code for our own log and metrics."""
    return AuthError(_INVALID, detail=reason)
