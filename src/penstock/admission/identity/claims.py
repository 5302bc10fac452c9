"""A verified token's claims into a principal, by the paths that the configuration names.

Everything that a claim says is outside text: it is taken only in the form that is expected, in a bound, and a tenant or
project only if there is one of that id.
"""

from collections.abc import Mapping
from typing import cast

from penstock.admission.identity.known import TenantEntry
from penstock.admission.keys import refusal
from penstock.config.identity import Issuer
from penstock.core.errors import AuthError
from penstock.core.exchange import Principal

_MAX_TEXT_CHARS = 256
_MAX_WORDS = 256

Claims = Mapping[str, object]


def find_claim(claims: Claims, path: str) -> object:
    """The value at a dotted path, None where there is none.

    A name that itself has dots (`https://example.com/tenant`) wins over steps into what it could mean.
    """
    if path in claims:
        return claims[path]
    dot = path.rfind(".")
    while dot > 0:
        inner = claims.get(path[:dot])
        if isinstance(inner, dict):
            found = find_claim(cast("Claims", inner), path[dot + 1 :])
            if found is not None:
                return found
        dot = path.rfind(".", 0, dot)
    return None


def principal_of(claims: Claims, name: str, issuer: Issuer, tenants: Mapping[str, TenantEntry]) -> Principal:
    """Whom the claims stand for.  Raises `AuthError` where they say it wrongly, or name who is not here."""
    paths = issuer.claims
    tenant_id = issuer.tenant if paths.tenant is None else _text(find_claim(claims, paths.tenant))
    tenant = tenants.get(tenant_id) if tenant_id is not None else None
    if tenant is None or not tenant.is_active:
        raise refusal("token_tenant")
    project = None if paths.project is None else _text(find_claim(claims, paths.project))
    if project is not None and project not in tenant.projects:
        raise refusal("token_project")
    words = () if paths.roles is None else _words(find_claim(claims, paths.roles))
    return Principal(
        tenant=tenant.id,
        key=f"jwt:{name}",
        user=_text(find_claim(claims, paths.user)),
        roles=tuple(dict.fromkeys(issuer.role_map[word] for word in words if word in issuer.role_map)),
        groups=() if paths.groups is None else _words(find_claim(claims, paths.groups)),
        project=project,
        models=_models(claims, issuer),
        priority=issuer.priority,
        feature=issuer.feature,
        weight=tenant.weight,
        spans_tenants=issuer.spans_tenants,
    )


def _models(claims: Claims, issuer: Issuer) -> tuple[str, ...] | None:
    """The issuer's list, or the token's own where a claim is named for it: a token without that claim may use none."""
    if issuer.claims.models is None:
        return issuer.models
    return _words(find_claim(claims, issuer.claims.models))


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT_CHARS or not value.isprintable():
        raise _malformed()
    return value


def _words(value: object) -> tuple[str, ...]:
    """A list of words, or words in one text as `scope` has them."""
    if value is None:
        return ()
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _malformed()
    words = cast("list[object]", items)
    # One word too many is not dropped in silence: it might have been the one that forbids.
    if len(words) > _MAX_WORDS:
        raise _malformed()
    return tuple(word for word in map(_text, words) if word is not None)


def _malformed() -> AuthError:
    return refusal("token_claims")
