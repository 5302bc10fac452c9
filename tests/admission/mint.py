"""Makes signing keys, key sets and tokens, good and bad, for the tests of identity."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from penstock.admission.identity.known import TenantEntry
from penstock.admission.identity.signing_keys import read_key_set
from penstock.admission.identity.tokens import LiveTokens
from penstock.config.identity import Claims, Issuer
from penstock.core.json import dumps, loads
from penstock.testing.clock import FakeClock

ISSUER = "https://login.example.com"
NOW = int(FakeClock().now())


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


@dataclass(frozen=True)
class Signer:
    """A private key of an issuer."""

    kid: str
    alg: str
    private: Any

    @property
    def jwk(self) -> dict[str, object]:
        shown = loads(get_default_algorithms()[self.alg].to_jwk(self.private.public_key()))
        assert isinstance(shown, dict)
        shown.pop("key_ops", None)
        return {**shown, "kid": self.kid, "use": "sig", "alg": self.alg}

    def sign(self, claims: dict[str, object], **header: object) -> str:
        head = {"alg": self.alg, "typ": "JWT", "kid": self.kid, **header}
        text = f"{b64(dumps({name: value for name, value in head.items() if value is not None}))}.{b64(dumps(claims))}"
        signature = get_default_algorithms()[self.alg].sign(text.encode("ascii"), self.private)
        return f"{text}.{b64(signature)}"

    def public_pem(self) -> bytes:
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem


@cache
def signer(kid: str, alg: str = "RS256", bits: int = 2048) -> Signer:
    """The same key for the same id: making one takes time."""
    match alg[:2]:
        case "ES":
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[alg]
            return Signer(kid, alg, ec.generate_private_key(curve))
        case "Ed":
            return Signer(kid, alg, ed25519.Ed25519PrivateKey.generate())
        case _:
            return Signer(kid, alg, rsa.generate_private_key(65537, bits))


def key_set(*signers: Signer) -> bytes:
    return dumps({"keys": [each.jwk for each in signers]})


def claims(**changes: object) -> dict[str, object]:
    """Sound claims with `changes`; a claim changed to None is left out."""
    sound: dict[str, object] = {
        "iss": ISSUER,
        "aud": "penstock",
        "sub": "ada",
        "iat": NOW,
        "exp": NOW + 300,
        "org": {"id": "acme"},
    }
    return {name: value for name, value in {**sound, **changes}.items() if value is not None}


def hs256(claims: dict[str, object], secret: bytes, **header: object) -> str:
    """A token signed with a shared secret, as one does who hopes that a public key is taken for one."""
    text = f"{b64(dumps({'alg': 'HS256', 'typ': 'JWT', **header}))}.{b64(dumps(claims))}"
    return f"{text}.{b64(hmac.new(secret, text.encode('ascii'), sha256).digest())}"


SETTINGS = Issuer(
    issuer=ISSUER,
    audiences=("penstock", "other-name"),
    algorithms=("RS256", "ES256", "ES384", "EdDSA", "PS256"),
    claims=Claims(tenant="org.id", project="org.project", roles="realm.roles", groups="groups"),
    role_map={"llm-admins": "admin", "llm-users": "developer"},
)
TENANTS = {
    "acme": TenantEntry("acme", is_active=True, weight=2.0, projects=frozenset({"web"})),
    "gone": TenantEntry("gone", is_active=False),
}


def live_tokens(
    *signers: Signer, clock: FakeClock | None = None, want: Callable[[str], bool] = lambda _: False, **changes: Any
) -> LiveTokens:
    """Tokens of the issuer `corp`, whose keys are known, or never were where there are no `signers`."""
    clock = clock or FakeClock()
    settings = msgspec.structs.replace(SETTINGS, **changes)
    tokens = LiveTokens({"corp": settings}, clock, want)
    tokens.replace_tenants(TENANTS)
    if signers:
        tokens.replace_keys("corp", read_key_set(key_set(*signers)), confirmed_at=clock.now())
    return tokens
