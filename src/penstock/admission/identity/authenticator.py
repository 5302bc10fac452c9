"""Who calls, by whichever credential the request brings.  `server` and `console` ask once for each request."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from penstock.admission.keys import LiveKeys, presented, refusal
from penstock.core.errors import AuthError
from penstock.core.exchange import Principal

_TOKEN_BEGINS = "eyJ"  # noqa: S105 - no secret: see below
"""`{"` in base64: how every JWT begins, and no API key."""
TOKEN_KEY_PREFIX = "jwt:"  # noqa: S105 - what a principal's key begins with when it came by token


class Tokens(Protocol):
    """`identity.tokens.LiveTokens`, which brings a library for signatures with it: only where issuers are trusted."""

    def verify(self, token: str) -> Principal: ...
    def is_tenant_active(self, tenant_id: str) -> bool: ...


class Authenticator:
    """API keys and, where issuers are trusted, tokens."""

    __slots__ = ("_keys", "_refusals", "_tokens")

    def __init__(self, keys: LiveKeys, tokens: Tokens | None = None) -> None:
        self._keys = keys
        self._tokens = tokens
        self._refusals: dict[str, int] = {}

    @property
    def refusals(self) -> Mapping[str, int]:
        """How many credentials were refused, by reason: `key`, `missing`, `token_expired`, …  For the metrics."""
        return MappingProxyType(self._refusals)

    def authenticate(self, authorization: str | None, api_key: str | None = None) -> Principal:
        """Whom a request comes from: `authorization` is that header, `api_key` is `x-api-key` or `api-key`.

        Raises `AuthError`, in the same words whatever is wrong with a credential, and `IssuerUnavailable`.
        """
        try:
            credential = presented(authorization, api_key)
            if not credential.startswith(_TOKEN_BEGINS):
                return self._keys.identify(credential)
            if self._tokens is None:
                raise refusal("token_not_expected")
            return self._tokens.verify(credential)
        except AuthError as error:
            reason = error.detail or "unknown"
            self._refusals[reason] = self._refusals.get(reason, 0) + 1
            raise

    def stands(self, principal: Principal) -> bool:
        """Whether a credential that was good when its exchange began has been revoked, or its tenant stopped, since."""
        if principal.key.startswith(TOKEN_KEY_PREFIX):
            return self._tokens is not None and self._tokens.is_tenant_active(principal.tenant)
        return self._keys.holds(principal.key)
