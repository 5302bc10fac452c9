"""Who may call: issuers of tokens, and the key under which providers' credentials are kept."""

from typing import Annotated, Literal

import msgspec

from penstock.config.secret import Secret
from penstock.core.exchange import Priority

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric ones only: a shared secret, or none at all, proves nothing of where a token comes from."""

Role = Literal["owner", "admin", "developer", "reviewer", "auditor", "viewer"]

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Where a token says what: dotted paths into its claims (`org.id`); a claim whose own name has dots is found too.

    Without a path for `tenant` the issuer's `tenant` holds for all of its tokens.
    """

    tenant: _Text | None = None
    project: _Text | None = None
    user: _Text = "sub"
    roles: _Text | None = None
    groups: _Text | None = None
    models: _Text | None = None


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """One issuer of tokens.

    `issuer` is the exact value of `iss`; a token must be made for one of `audiences`.  Keys come from `jwks_url` or,
    without one, from where `<issuer>/.well-known/openid-configuration` points.  They are fetched anew every `refresh_s`
    and, should the issuer not answer, used until `max_age_s` after they were last confirmed.  `role_map` turns the
    issuer's words into roles; a word that is not in it gives none.  `spans_tenants` lets roles hold for every tenant.
    """

    issuer: _Text
    audiences: tuple[_Text, ...]
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")
    jwks_url: _Text | None = None
    clock_skew_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 30.0
    refresh_s: _Seconds = 300.0
    max_age_s: _Seconds = 86_400.0
    claims: Claims = Claims()
    tenant: _Text | None = None
    role_map: dict[str, Role] = {}
    models: tuple[_Text, ...] | None = None
    priority: Priority = "interactive"
    feature: _Text | None = None
    spans_tenants: bool = False


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`credentials_key` encrypts the providers' credentials in the database: 32 bytes as 64 hexadecimal digits.

    To change it, name the new one here and the old one in `previous_credentials_keys` until all are encrypted anew.
    """

    credentials_key: Secret | None = None
    previous_credentials_keys: tuple[Secret, ...] = ()
    issuers: dict[str, Issuer] = {}
