"""What the types of `identity` cannot say.  Called by `rules`."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from penstock.config.identity import Identity, Issuer
from penstock.config.secret import Secret

_ISSUER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}\Z")
_MODEL_PATTERN = re.compile(r"[^*\s]*\*?\Z")
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def broken_identity(identity: Identity) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    if identity.credentials_key is not None:
        yield from _key("identity.credentials_key", identity.credentials_key)
    elif identity.previous_credentials_keys:
        yield "identity.previous_credentials_keys", "without `credentials_key` there is nothing they come before"
    for index, key in enumerate(identity.previous_credentials_keys):
        yield from _key(f"identity.previous_credentials_keys.{index}", key)
    seen: dict[str, str] = {}
    for name, issuer in identity.issuers.items():
        path = f"identity.issuers.{name}"
        if not _ISSUER_NAME.match(name):
            yield path, "an issuer's name has small letters, digits, `_` and `-` only"
        if issuer.issuer in seen:
            yield f"{path}.issuer", f"it is the issuer of `{seen[issuer.issuer]}` too"
        seen[issuer.issuer] = name
        yield from _issuer(path, issuer)


def _issuer(path: str, issuer: Issuer) -> Iterator[tuple[str, str]]:
    if not issuer.audiences:
        yield f"{path}.audiences", "at least one: without it a token made for another service would be let in"
    if not issuer.algorithms:
        yield f"{path}.algorithms", "at least one"
    if issuer.claims.tenant is None and issuer.tenant is None:
        yield path, "say whose tokens these are: `tenant`, or `claims.tenant` for the claim that names it"
    if issuer.claims.tenant is not None and issuer.tenant is not None:
        yield f"{path}.tenant", "`claims.tenant` says it already"
    if issuer.role_map and issuer.claims.roles is None:
        yield f"{path}.role_map", "without `claims.roles` there is nothing to map"
    if issuer.claims.roles is not None and not issuer.role_map:
        yield f"{path}.claims.roles", "without `role_map` no word of it gives a role"
    if issuer.max_age_s < issuer.refresh_s:
        yield f"{path}.max_age_s", "it is shorter than `refresh_s`: keys would run out before they are fetched anew"
    for index, pattern in enumerate(issuer.models or ()):
        if not _MODEL_PATTERN.match(pattern):
            yield f"{path}.models.{index}", "a model's name, or its beginning and one `*` at the end"
    url = issuer.jwks_url if issuer.jwks_url is not None else issuer.issuer
    place = f"{path}.issuer" if issuer.jwks_url is None else f"{path}.jwks_url"
    yield from _url(place, url)


def _url(path: str, url: str) -> Iterator[tuple[str, str]]:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        yield path, "it is not a URL"
        return
    if parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS:
        return
    if parts.scheme != "https" or not parts.hostname:
        yield path, "keys are fetched over https:// only (http:// from this machine)"
    elif parts.username is not None or parts.fragment:
        yield path, "it must not have a user or a fragment"


def _key(path: str, secret: Secret) -> Iterator[tuple[str, str]]:
    try:
        is_whole = len(bytes.fromhex(secret.reveal())) == 32
    except ValueError:
        is_whole = False
    if not is_whole:
        yield path, "it must be 32 bytes as 64 hexadecimal digits, as `openssl rand -hex 32` prints them"
