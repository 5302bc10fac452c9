"""Tokens (JWT, RFC 7519) of trusted issuers: whether one is good, and whom it stands for.

`Authenticator` asks `LiveTokens.verify` for each request that brings one.  It waits for nothing: keys are fetched by
`issuers` in threads of their own, tenants are followed by `store`.  A token that was found good is remembered, by a
keyed hash, until it expires or anything that the finding rested on changes.

What cannot be told from a token alone (its issuer's keys are missing, too old, or do not have the one it names while
a new set is under way) is `IssuerUnavailable`, 503 with `Retry-After`, which SDKs try again.  Every other fault is one
and the same `AuthError`; its reason goes to the metrics only.
"""

import binascii
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from secrets import token_bytes
from types import MappingProxyType
from typing import Final

import msgspec

from penstock.admission.identity.claims import Claims, principal_of
from penstock.admission.identity.known import TenantEntry
from penstock.admission.identity.signing_keys import KeySet
from penstock.admission.keys import refusal
from penstock.config.identity import Issuer
from penstock.core.clock import Clock
from penstock.core.errors import IssuerUnavailable
from penstock.core.exchange import Principal

MAX_TOKEN_CHARS: Final = 8192
_MAX_REMEMBERED: Final = 10_000
_RETRY_AFTER_S: Final = 1.0
_NO_KEYS: Final = KeySet(())


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None
    crit: object = msgspec.UNSET


class _Trusted:
    """One issuer with its keys of the moment.  `confirmed_at` and `usable_until` move on without a new set of keys."""

    __slots__ = ("confirmed_at", "keys", "name", "settings", "usable_until")

    def __init__(self, name: str, settings: Issuer, keys: KeySet = _NO_KEYS, confirmed_at: float = 0.0) -> None:
        self.name = name
        self.settings = settings
        self.keys = keys
        self.confirm(confirmed_at)

    def confirm(self, at: float) -> None:
        self.confirmed_at = at
        self.usable_until = at + self.settings.max_age_s if len(self.keys) else 0.0


_Remembered = tuple[Principal, float, float, _Trusted]
"""Whom, from when, until when, and by whose keys."""


@dataclass(frozen=True, slots=True)
class _State:
    """What verdicts rest on.  Replaced whole, with nothing remembered, when a part of it changes."""

    trusted: Mapping[str, _Trusted]
    tenants: Mapping[str, TenantEntry]
    remembered: dict[bytes, _Remembered] = field(default_factory=dict[bytes, _Remembered])


class LiveTokens:
    """Verifies tokens by the issuers, keys and tenants of the moment.

    `replace_tenants`, `replace_keys` and `confirm_keys` may be called from any thread.  `want_keys` is asked for an
    issuer's keys anew, by the issuer's name, and says whether that is under way; it must not wait.
    """

    def __init__(self, issuers: Mapping[str, Issuer], clock: Clock, want_keys: Callable[[str], bool]) -> None:
        self._clock = clock
        self._want_keys = want_keys
        self._secret = token_bytes(32)
        self._writing = threading.Lock()
        trusted = {settings.issuer: _Trusted(name, settings) for name, settings in issuers.items()}
        self._issuers = {name: settings.issuer for name, settings in issuers.items()}
        self._state = _State(MappingProxyType(trusted), MappingProxyType({}))

    def replace_tenants(self, tenants: Mapping[str, TenantEntry]) -> None:
        with self._writing:
            if tenants != self._state.tenants:
                self._state = _State(self._state.trusted, tenants)

    def replace_keys(self, name: str, keys: KeySet, *, confirmed_at: float) -> None:
        with self._writing:
            trusted = dict(self._state.trusted)
            old = trusted[self._issuers[name]]
            trusted[self._issuers[name]] = _Trusted(name, old.settings, keys, confirmed_at)
            self._state = _State(MappingProxyType(trusted), self._state.tenants)

    def confirm_keys(self, name: str, *, at: float) -> None:
        """The issuer still has the same keys."""
        with self._writing:
            self._state.trusted[self._issuers[name]].confirm(at)

    def unconfirmed_s(self, name: str) -> float:
        """How long ago the issuer last confirmed its keys; infinite where it never did."""
        trusted = self._state.trusted[self._issuers[name]]
        return self._clock.now() - trusted.confirmed_at if len(trusted.keys) else float("inf")

    def is_tenant_active(self, tenant_id: str) -> bool:
        tenant = self._state.tenants.get(tenant_id)
        return tenant is not None and tenant.is_active

    def verify(self, token: str) -> Principal:
        """Whom the token stands for.  Raises `AuthError` and `IssuerUnavailable`."""
        if len(token) > MAX_TOKEN_CHARS:
            raise refusal("token_too_long")
        if not token.isascii():
            raise refusal("token_malformed")
        state = self._state
        raw = token.encode("ascii")
        digest = blake2b(raw, digest_size=16, key=self._secret).digest()
        now = self._clock.now()
        known = state.remembered.get(digest)
        if known is not None:
            principal, begins, ends, trusted = known
            if begins <= now < ends and now < trusted.usable_until:
                return principal
        return self._verify(raw, digest, state, now)

    def _verify(self, raw: bytes, digest: bytes, state: _State, now: float) -> Principal:
        signed, _, encoded_signature = raw.rpartition(b".")
        encoded_header, _, encoded_claims = signed.partition(b".")
        try:
            header = msgspec.json.decode(_unencoded(encoded_header), type=_Header)
            claims = msgspec.json.decode(_unencoded(encoded_claims), type=dict[str, object])
            signature = _unencoded(encoded_signature)
        except (binascii.Error, ValueError, RecursionError):  # msgspec's errors are ValueErrors
            raise refusal("token_malformed") from None
        issuer = claims.get("iss")
        trusted = state.trusted.get(issuer) if isinstance(issuer, str) else None
        if trusted is None:
            raise refusal("token_issuer")
        self._check_signature(trusted, header, signed, signature, now)
        begins, ends = _times(claims, trusted.settings, now)
        if not _is_for(claims.get("aud"), trusted.settings.audiences):
            raise refusal("token_audience")
        principal = principal_of(claims, trusted.name, trusted.settings, state.tenants)
        if len(state.remembered) >= _MAX_REMEMBERED:
            state.remembered.clear()
        state.remembered[digest] = (principal, begins, ends, trusted)
        return principal

    def _check_signature(self, trusted: _Trusted, header: _Header, signed: bytes, signature: bytes, now: float) -> None:
        if header.alg not in trusted.settings.algorithms or header.crit is not msgspec.UNSET:
            raise refusal("token_algorithm")
        if now >= trusted.usable_until:
            self._want_keys(trusted.name)
            raise _unavailable()
        keys = trusted.keys
        if not keys.knows(header.kid):
            if self._want_keys(trusted.name):
                raise _unavailable()
            decoy = keys.decoy(header.alg)
            if decoy is not None:
                decoy.has_signed(signed, signature, header.alg)
            raise refusal("token_key_unknown")
        key = keys.pick(header.kid, header.alg)
        if key is None:
            raise refusal("token_algorithm")
        if not key.has_signed(signed, signature, header.alg):
            raise refusal("token_signature")


def _unavailable() -> IssuerUnavailable:
    return IssuerUnavailable("This token cannot be checked right now: try again.", retry_after_s=_RETRY_AFTER_S)


def _unencoded(text: bytes) -> bytes:
    """Base64url without padding, strictly: nothing that does not belong there is skipped."""
    if b"+" in text or b"/" in text or b"=" in text:
        raise ValueError("not base64url")
    padded = text.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(text) % 4)
    return binascii.a2b_base64(padded, strict_mode=True)


def _times(claims: Claims, settings: Issuer, now: float) -> tuple[float, float]:
    """From when and until when the token holds, the allowed skew included.  Raises `AuthError` if not now."""
    skew_s = settings.clock_skew_s
    expires = _number(claims.get("exp"))
    if expires is None:
        raise refusal("token_claims")
    begins = float("-inf")
    for name in ("nbf", "iat"):
        if name in claims:
            at = _number(claims[name])
            if at is None:
                raise refusal("token_claims")
            begins = max(begins, at)
    if now >= expires + skew_s:
        raise refusal("token_expired")
    if now < begins - skew_s:
        raise refusal("token_not_yet")
    return begins - skew_s, expires + skew_s


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


def _is_for(audience: object, ours: tuple[str, ...]) -> bool:
    match audience:
        case str():
            return audience in ours
        case list():
            return any(name in audience for name in ours)
        case _:
            return False
