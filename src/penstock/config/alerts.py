"""Who is told of alerts: webhooks, as frozen values.  `app` and `console` hand them to `watch.alerts`."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from penstock.config.secret import Secret, Text

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_KIND = re.compile(r"[a-z0-9_.]*\*?\Z")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - it says what follows


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver of alerts.

    `secret` signs them as https://www.standardwebhooks.com says: `whsec_` and 24 to 64 bytes in base64; while
    `previous_secret` is named, each has a signature by either.  Without `kinds` (each exact, or ending in `*`) or
    `tenants` it is told of all; alerts about the installation itself belong to no tenant.
    """

    name: _Name
    url: Text
    secret: Secret
    previous_secret: Secret | None = None
    kinds: tuple[_Name, ...] | None = None
    tenants: tuple[str, ...] | None = None
    min_severity: Literal["info", "warning", "critical"] = "info"


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`give_up_after_s` is how long a delivery is tried; `allow_private` lets webhooks be on private addresses.

    After `keep_days` an alert that nobody waits for is deleted, and with it its id: so never within a month, the
    longest period in which the same occasion could be noticed twice.
    """

    webhooks: tuple[WebhookSettings, ...] = ()
    timeout_s: _Seconds = 15.0
    give_up_after_s: _Seconds = 86_400.0
    allow_private: bool = True
    keep_days: Annotated[float, msgspec.Meta(ge=35, le=36_500)] = 90.0


def webhook_key(secret: Secret) -> bytes | None:
    """The bytes that a secret stands for; None where it is not one."""
    try:
        key = b64decode(secret.reveal().removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if 24 <= len(key) <= 64 else None


def broken_alerts(alerts: AlertSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    seen: set[str] = set()
    for index, webhook in enumerate(alerts.webhooks):
        path = f"alerts.webhooks.{index}"
        if not _NAME.match(webhook.name):
            yield f"{path}.name", "a webhook's name has small letters, digits, `_` and `-` only"
        elif webhook.name in seen:
            yield f"{path}.name", f"there are two webhooks called `{webhook.name}`"
        seen.add(webhook.name)
        yield from _url(f"{path}.url", webhook.url)
        for name, secret in (("secret", webhook.secret), ("previous_secret", webhook.previous_secret)):
            if secret is not None and webhook_key(secret) is None:
                yield f"{path}.{name}", "it must be 24 to 64 bytes in base64, as `openssl rand -base64 32` prints them"
        for place, kind in enumerate(webhook.kinds or ()):
            if not _KIND.match(kind):
                yield (
                    f"{path}.kinds.{place}",
                    "a kind such as `budget.threshold`, or its beginning and one `*`",
                )


def _url(path: str, url: Text) -> Iterator[tuple[str, str]]:
    text = url.reveal()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        yield path, "it is not a URL"
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield path, "it must begin with http:// or https:// and name a host"
    elif parts.username is not None or parts.fragment:
        yield path, "it must not have a user or a fragment"
    elif not (text.isascii() and text.isprintable()) or " " in text:
        yield path, "it has characters that a URL has not"
