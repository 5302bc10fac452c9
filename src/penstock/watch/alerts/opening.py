"""The parts of the alerts out of their settings, for the data plane (`app`) and the control plane (`console`)."""

from collections.abc import Callable
from pathlib import Path

from penstock.config.alerts import (
    AlertSettings,
    EmailSettings,
    SlackSettings,
    SmtpSettings,
    WebhookSettings,
    webhook_key,
)
from penstock.core.clock import Clock
from penstock.watch.alerts.channel import Channel, Terms, Wanted
from penstock.watch.alerts.deliver import Deliverer, Deliveries
from penstock.watch.alerts.email import Email, Server
from penstock.watch.alerts.local import LocalAlerts
from penstock.watch.alerts.retention import AlertRetention
from penstock.watch.alerts.slack import Slack
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.alerts.webhook import Webhook


def open_deliverer(
    settings: AlertSettings, find_url: Callable[[], str | None], clock: Clock
) -> tuple[Deliverer, AlertRetention]:
    """For the control plane: from the database that `find_url` gives, or None while it is not there."""

    def open_store() -> Deliveries | None:
        url = find_url()
        if url is None:
            return None
        store = PostgresAlerts(url)
        if store.has_schema:
            return store
        store.close()  # on a first start somebody is still at making it
        return None

    retention = AlertRetention(find_url, settings.keep_days, clock)
    deliverer = Deliverer(channels_of(settings), open_store, terms_of(settings), clock=clock, tend=retention.tend)
    return deliverer, retention


def open_local(settings: AlertSettings, path: Path, clock: Clock) -> tuple[LocalAlerts, Deliverer]:
    """For a data plane without any database.  Raises `OSError`, and `msgspec.DecodeError` where the file is damaged."""
    channels = channels_of(settings)
    local = LocalAlerts(path, channels)
    return local, Deliverer(channels, lambda: local, terms_of(settings), clock=clock)


def channels_of(settings: AlertSettings) -> tuple[Channel, ...]:
    """Everybody who is told, whichever way."""
    smtp = settings.smtp
    mailed = () if smtp is None else tuple(_email(each, _server(smtp)) for each in settings.email)
    return (*webhooks_of(settings), *(_slack(each) for each in settings.slack), *mailed)


def webhooks_of(settings: AlertSettings) -> tuple[Webhook, ...]:
    """Those of the settings, with the keys that their secrets stand for."""
    return tuple(_webhook(each) for each in settings.webhooks)


def _webhook(settings: WebhookSettings) -> Webhook:
    secrets = (settings.secret, settings.previous_secret)
    keys = (webhook_key(secret) for secret in secrets if secret is not None)
    return Webhook(
        name=settings.name,
        url=settings.url.reveal(),
        keys=tuple(key for key in keys if key is not None),
        wanted=_wanted(settings),
    )


def _slack(settings: SlackSettings) -> Slack:
    return Slack(name=settings.name, url=settings.url.reveal(), wanted=_wanted(settings))


def _email(settings: EmailSettings, server: Server) -> Email:
    return Email(name=settings.name, to=settings.to, server=server, wanted=_wanted(settings))


def _server(smtp: SmtpSettings) -> Server:
    return Server(
        host=smtp.host,
        port=smtp.port,
        sender=smtp.sender,
        security=smtp.security,
        user=smtp.user,
        password=None if smtp.password is None else smtp.password.reveal(),
        ca_file=smtp.ca_file,
    )


def _wanted(settings: WebhookSettings | SlackSettings | EmailSettings) -> Wanted:
    return Wanted(
        kinds=settings.kinds,
        tenants=None if settings.tenants is None else frozenset(settings.tenants),
        min_severity=settings.min_severity,
    )


def terms_of(settings: AlertSettings) -> Terms:
    """How deliveries are tried."""
    return Terms(settings.timeout_s, settings.give_up_after_s, settings.allow_private)
