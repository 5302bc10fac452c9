"""What a sign-in needs of an OpenID Connect issuer: where it is, and a code exchanged for an ID token.

Sources: OpenID Connect Core 1.0 sections 3.1 and 3.1.3.7, OpenID Connect Discovery 1.0, RFC 6749 section 4.1.3,
RFC 7636 (PKCE, S256).  Everything here blocks: it is called in threads, and takes ten seconds or so at most.
"""

import binascii
import http.client
import ssl
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Annotated
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from penstock.admission.identity.fetch import FetchFailed, fetch
from penstock.config.console import OidcSettings
from penstock.config.identity import Issuer

_DISCOVERY = "/.well-known/openid-configuration"
_TIMEOUT_S = 5.0
_MAX_BYTES = 256 * 1024
_Url = Annotated[str, msgspec.Meta(max_length=2000)]


class SignInFailed(Exception):
    """`str()` says why, for our log; it holds nothing secret."""


class Found(msgspec.Struct, frozen=True):
    """What the discovery document says, as far as we use it."""

    issuer: str
    authorization_endpoint: _Url
    token_endpoint: _Url
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct):
    id_token: str


class _Nonce(msgspec.Struct):
    nonce: str | None = None


def discover(issuer: Issuer) -> Found:
    """Raises `SignInFailed`."""
    try:
        found = msgspec.json.decode(fetch(issuer.issuer.rstrip("/") + _DISCOVERY), type=Found)
    except FetchFailed as error:
        raise SignInFailed(f"its discovery document was not fetched: {error}") from None
    except (msgspec.DecodeError, RecursionError):
        raise SignInFailed("its discovery document is not one") from None
    if found.issuer != issuer.issuer:
        raise SignInFailed("its discovery document names another issuer")
    is_local = issuer.issuer.startswith("http://")
    for url in (found.authorization_endpoint, found.token_endpoint):
        if not url.startswith("https://") and not (is_local and url.startswith("http://")):
            raise SignInFailed("its discovery document names an endpoint that is not https://")
    return found


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def authorization_url(found: Found, settings: OidcSettings, *, redirect: str, state: str, nonce: str, pkce: str) -> str:
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect,
        "scope": " ".join(settings.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": pkce,
        "code_challenge_method": "S256",
    }
    between = "&" if "?" in found.authorization_endpoint else "?"
    return found.authorization_endpoint + between + urlencode(query)


def exchange(found: Found, settings: OidcSettings, *, code: str, redirect: str, verifier: str) -> str:
    """The ID token for a code.  Raises `SignInFailed`."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "client_id": settings.client_id,
        "code_verifier": verifier,
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    if settings.client_secret is not None:
        secret = settings.client_secret.reveal()
        if "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
            headers["authorization"] = "Basic " + b64encode(pair.encode("utf-8")).decode("ascii")
        else:
            form["client_secret"] = secret
    body = _post(found.token_endpoint, urlencode(form).encode("ascii"), headers)
    try:
        return msgspec.json.decode(body, type=_Tokens).id_token
    except (msgspec.DecodeError, RecursionError):
        raise SignInFailed("its answer to the code holds no ID token") from None


def nonce_of(id_token: str) -> str | None:
    """The nonce of a token whose signature has been checked already."""
    payload = id_token.split(".")[1]
    try:
        claims = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(claims, type=_Nonce).nonce
    except (binascii.Error, ValueError):
        return None


def _post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_S, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)
    )
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        response = connection.getresponse()
        data = response.read(_MAX_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SignInFailed(f"its token endpoint cannot be reached ({type(error).__name__})") from None
    finally:
        connection.close()
    if response.status != 200:
        raise SignInFailed(f"its token endpoint answered {response.status}")
    return data
