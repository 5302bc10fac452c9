"""Who is told of alerts: webhooks, Slack channels and people by e-mail, as frozen values."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from penstock.config.alerts.rules import RuleSettings
from penstock.config.secret import Secret, Text

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_KIND = re.compile(r"[a-z0-9_.]*\*?\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z")
"""What goes into headers as it is: no spaces, commas, brackets or line breaks."""
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}\Z")
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


class SlackSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver that takes Slack's incoming webhooks: Slack, Mattermost, Rocket.Chat.  Its URL is its secret."""

    name: _Name
    url: Secret
    kinds: tuple[_Name, ...] | None = None
    tenants: tuple[str, ...] | None = None
    min_severity: Literal["info", "warning", "critical"] = "info"


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """People who are told by e-mail, through the server of `smtp`."""

    name: _Name
    to: tuple[str, ...]
    kinds: tuple[_Name, ...] | None = None
    tenants: tuple[str, ...] | None = None
    min_severity: Literal["info", "warning", "critical"] = "info"


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The server that takes e-mail.  `starttls` refuses to send where the server does not offer it; `none` is for a
    server on this machine or network, and then there is no password.
    """

    host: _Name
    sender: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    ca_file: str | None = None


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`give_up_after_s` is how long a delivery is tried; `allow_private` lets receivers be on private addresses.

    After `keep_days` an alert that nobody waits for is deleted, and with it its id: so never within a month, the
    longest period in which the same occasion could be noticed twice.  `rules` are looked at beside the ready-made ones,
    which `ready_made` turns off; one of the same name takes the place of a ready-made one.
    """

    webhooks: tuple[WebhookSettings, ...] = ()
    slack: tuple[SlackSettings, ...] = ()
    email: tuple[EmailSettings, ...] = ()
    smtp: SmtpSettings | None = None
    timeout_s: _Seconds = 15.0
    give_up_after_s: _Seconds = 86_400.0
    allow_private: bool = True
    keep_days: Annotated[float, msgspec.Meta(ge=35, le=36_500)] = 90.0
    ready_made: bool = True
    rules: dict[str, RuleSettings] = {}


def webhook_key(secret: Secret) -> bytes | None:
    """The bytes that a secret stands for; None where it is not one."""
    try:
        key = b64decode(secret.reveal().removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if 24 <= len(key) <= 64 else None


def broken_alerts(alerts: AlertSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    yield from _receivers(alerts)
    for index, webhook in enumerate(alerts.webhooks):
        path = f"alerts.webhooks.{index}"
        yield from _url(f"{path}.url", webhook.url)
        for name, secret in (("secret", webhook.secret), ("previous_secret", webhook.previous_secret)):
            if secret is not None and webhook_key(secret) is None:
                yield f"{path}.{name}", "it must be 24 to 64 bytes in base64, as `openssl rand -base64 32` prints them"
    for index, slack in enumerate(alerts.slack):
        yield from _url(f"alerts.slack.{index}.url", slack.url)
    yield from _mail(alerts)


def _receivers(alerts: AlertSettings) -> Iterator[tuple[str, str]]:
    """Names and kinds, of whichever way they are told."""
    seen: set[str] = set()
    for way, what, whats, receivers in (
        ("webhooks", "webhook", "webhooks", alerts.webhooks),
        ("slack", "Slack channel", "receivers", alerts.slack),
        ("email", "receiver of e-mail", "receivers", alerts.email),
    ):
        for index, receiver in enumerate(receivers):
            path = f"alerts.{way}.{index}"
            if not _NAME.match(receiver.name):
                yield f"{path}.name", f"a {what}'s name has small letters, digits, `_` and `-` only"
            elif receiver.name in seen:
                yield f"{path}.name", f"there are two {whats} called `{receiver.name}`"
            seen.add(receiver.name)
            for place, kind in enumerate(receiver.kinds or ()):
                if not _KIND.match(kind):
                    yield f"{path}.kinds.{place}", "a kind such as `budget.threshold`, or its beginning and one `*`"


def _mail(alerts: AlertSettings) -> Iterator[tuple[str, str]]:
    smtp = alerts.smtp
    for index, receiver in enumerate(alerts.email):
        if not receiver.to:
            yield f"alerts.email.{index}.to", "name one address at least"
        for place, address in enumerate(receiver.to):
            if not _ADDRESS.match(address):
                yield f"alerts.email.{index}.to.{place}", "an address such as ops@example.com, and nothing else"
    if smtp is None:
        if alerts.email:
            yield "alerts.email", "e-mail needs a server: set `alerts.smtp`"
        return
    if not _ADDRESS.match(smtp.sender):
        yield "alerts.smtp.sender", "an address such as penstock@example.com, and nothing else"
    if not _HOST.match(smtp.host):
        yield "alerts.smtp.host", "the name or address of a server, without anything else"
    if (smtp.user is None) != (smtp.password is None):
        yield "alerts.smtp.user", "`user` and `password` go together"
    if smtp.password is not None and smtp.security == "none":
        yield "alerts.smtp.security", "a password is not sent in the clear: `starttls` or `tls`"


def _url(path: str, url: Secret) -> Iterator[tuple[str, str]]:
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
