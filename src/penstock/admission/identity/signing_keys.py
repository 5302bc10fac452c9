"""An issuer's key set (RFC 7517) as keys that are ready to check signatures.

What must not be trusted is left out on reading: secret keys, keys for encryption, RSA below 2048 bits, kinds that we do
not know.  Each key says which algorithms it may be used with, so that a token cannot choose another.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from jwt.algorithms import Algorithm

_MIN_RSA_BITS = 2048
_MAX_KEYS = 100
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_KINDS: Mapping[tuple[str, str | None], tuple[str, ...]] = MappingProxyType(
    {
        ("RSA", None): _RSA,
        ("EC", "P-256"): ("ES256",),
        ("EC", "P-384"): ("ES384",),
        ("EC", "P-521"): ("ES512",),
        ("OKP", "Ed25519"): ("EdDSA",),
    }
)


class BadKeySet(Exception):
    """Not a key set, or one without any key that may be used."""


class _Jwk(msgspec.Struct):
    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    crv: str | None = None
    d: object = None


class _KeySet(msgspec.Struct):
    keys: list[msgspec.Raw]


class SigningKey:
    """One public key.  `kid` may be None; `algorithms` are those that it may be used with."""

    __slots__ = ("_key", "algorithms", "kid")

    def __init__(self, kid: str | None, algorithms: frozenset[str], key: Any) -> None:
        self.kid = kid
        self.algorithms = algorithms
        self._key = key

    def has_signed(self, text: bytes, signature: bytes, algorithm: str) -> bool:
        """Whether `signature` over `text` is this key's; false too for an algorithm that is not the key's."""
        return algorithm in self.algorithms and _checks()[algorithm].verify(text, self._key, signature)


class KeySet:
    """The usable keys of one issuer."""

    __slots__ = ("_by_kid", "_keys")

    def __init__(self, keys: tuple[SigningKey, ...]) -> None:
        self._keys = keys
        by_kid: dict[str | None, list[SigningKey]] = {}
        for key in keys:
            by_kid.setdefault(key.kid, []).append(key)
        self._by_kid = by_kid

    def __len__(self) -> int:
        return len(self._keys)

    def knows(self, kid: str | None) -> bool:
        """Whether a token that names `kid`, or names none, can be checked."""
        return kid is None or kid in self._by_kid

    def pick(self, kid: str | None, algorithm: str) -> SigningKey | None:
        """The key to check with; without a `kid` only where no choice is left."""
        candidates = self._keys if kid is None else self._by_kid.get(kid, ())
        fitting = [key for key in candidates if algorithm in key.algorithms]
        return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None

    def decoy(self, algorithm: str) -> SigningKey | None:
        """Some key of that algorithm, to spend on an unknown one the time that a known one takes."""
        return next((key for key in self._keys if algorithm in key.algorithms), None)


def read_key_set(data: bytes) -> KeySet:
    """The usable keys in a JSON Web Key Set.  Raises `BadKeySet`."""
    try:
        found = msgspec.json.decode(data, type=_KeySet).keys
    except (msgspec.DecodeError, RecursionError):
        raise BadKeySet("it is not a JSON Web Key Set") from None
    if len(found) > _MAX_KEYS:
        raise BadKeySet(f"it has more than {_MAX_KEYS} keys")
    keys = tuple(key for raw in found if (key := _usable(bytes(raw))) is not None)
    if not keys:
        raise BadKeySet("it has no key that may be used to check a signature")
    return KeySet(keys)


def _usable(raw: bytes) -> SigningKey | None:
    try:
        jwk = msgspec.json.decode(raw, type=_Jwk)
    except msgspec.DecodeError:
        return None
    names = _KINDS.get((jwk.kty, None if jwk.kty == "RSA" else jwk.crv), ())
    algorithms = frozenset(names if jwk.alg is None else {jwk.alg}.intersection(names))
    # A set that shows a private part is no proof of anything: whoever reads it can sign.
    if not algorithms or jwk.use not in (None, "sig") or jwk.d is not None:
        return None
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - see `_checks`
    from jwt.exceptions import PyJWTError  # noqa: PLC0415 - same

    try:
        key = _checks()[min(algorithms)].from_jwk(raw.decode("utf-8"))
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < _MIN_RSA_BITS:
        return None
    return SigningKey(jwk.kid, algorithms, key)


@cache
def _checks() -> "Mapping[str, Algorithm]":
    # Imported here: jwt and what it takes of cryptography are a twentieth of a start, and most planes have no issuer.
    from jwt.algorithms import get_default_algorithms  # noqa: PLC0415 - see above

    known = get_default_algorithms()
    return MappingProxyType({name: known[name] for names in _KINDS.values() for name in names})
