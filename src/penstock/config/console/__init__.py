"""The web console's settings, and what their types cannot say of them.  A part of `control`."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from penstock.config.identity import Identity
from penstock.config.secret import Secret

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Count = Annotated[int, msgspec.Meta(ge=1)]
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sign-in at an issuer of `identity.issuers`, by OpenID Connect's code flow.

    `client_id` must be one of that issuer's `audiences`, since the ID token is what the admin API is asked with.
    Without `client_secret` the client is a public one, proven by PKCE alone.  `label` stands on the button.
    """

    client_id: _Text
    client_secret: Secret | None = None
    scopes: tuple[_Text, ...] = ("openid", "profile", "email")
    label: _Text | None = None


class ConsoleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The console at `/console` of the control plane.

    `public_url` is where browsers find the control plane (`https://penstock.example`); without it, that is what they
    ask for.  A session ends `session_idle_s` after its user was last active, `session_max_s` after sign-in at the
    latest; with more than `max_sessions` the one that was idle longest ends.  An address that failed to sign in
    `tries_per_minute` times waits.  What is live on a page is read again every `refresh_s`.  `oidc` is by the names in
    `identity.issuers`.
    """

    enabled: bool = True
    public_url: _Text | None = None
    session_idle_s: _Seconds = 3600.0
    session_max_s: _Seconds = 43_200.0
    max_sessions: _Count = 1000
    tries_per_minute: _Count = 10
    refresh_s: Annotated[float, msgspec.Meta(ge=0.1)] = 5.0
    oidc: dict[str, OidcSettings] = {}


def broken_console(console: ConsoleSettings, identity: Identity) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    if console.session_idle_s > console.session_max_s:
        yield "control.console.session_idle_s", "it is longer than `session_max_s`: no session would ever be idle"
    if console.public_url is not None:
        yield from _public_url(console.public_url)
    elif console.oidc:
        yield "control.console.oidc", "it needs `control.console.public_url`, where issuers send people back to"
    for name, oidc in console.oidc.items():
        path = f"control.console.oidc.{name}"
        issuer = identity.issuers.get(name)
        if issuer is None:
            yield path, "there is no such issuer in `identity.issuers`"
        elif oidc.client_id not in issuer.audiences:
            yield f"{path}.client_id", f"it must be one of `identity.issuers.{name}.audiences`: tokens are made for it"
        if "openid" not in oidc.scopes:
            yield f"{path}.scopes", "without `openid` there is no ID token"


def _public_url(url: str) -> Iterator[tuple[str, str]]:
    path = "control.console.public_url"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        yield path, "it is not a URL"
        return
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        yield path, "it is scheme, host and port only, such as https://penstock.example"
    elif not parts.hostname or parts.scheme not in ("http", "https"):
        yield path, "it begins with https:// or http:// and has a host"
    elif parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
        yield path, "credentials are sent over https:// only (http:// on this machine)"
