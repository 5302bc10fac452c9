"""The parts of the alerts out of their settings, for the data plane (`app`) and the control plane (`console`)."""

from collections.abc import Callable
from pathlib import Path

from penstock.config.alerts import AlertSettings, WebhookSettings, webhook_key
from penstock.core.clock import Clock
from penstock.watch.alerts.deliver import Deliverer, Deliveries, Terms
from penstock.watch.alerts.local import LocalAlerts
from penstock.watch.alerts.retention import AlertRetention
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.alerts.webhook import Webhook


def open_deliverer(settings: AlertSettings, find_url: Callable[[], str | None], clock: Clock) -> Deliverer:
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
    return Deliverer(_webhooks(settings), open_store, _terms(settings), clock=clock, tend=retention.tend)


def open_local(settings: AlertSettings, path: Path, clock: Clock) -> tuple[LocalAlerts, Deliverer]:
    """For a data plane without any database.  Raises `OSError`, and `msgspec.DecodeError` where the file is damaged."""
    webhooks = _webhooks(settings)
    local = LocalAlerts(path, webhooks)
    return local, Deliverer(webhooks, lambda: local, _terms(settings), clock=clock)


def _webhooks(settings: AlertSettings) -> tuple[Webhook, ...]:
    return tuple(_webhook(each) for each in settings.webhooks)


def _webhook(settings: WebhookSettings) -> Webhook:
    secrets = (settings.secret, settings.previous_secret)
    keys = (webhook_key(secret) for secret in secrets if secret is not None)
    return Webhook(
        name=settings.name,
        url=settings.url.reveal(),
        keys=tuple(key for key in keys if key is not None),
        kinds=settings.kinds,
        tenants=None if settings.tenants is None else frozenset(settings.tenants),
        min_severity=settings.min_severity,
    )


def _terms(settings: AlertSettings) -> Terms:
    return Terms(settings.timeout_s, settings.give_up_after_s, settings.allow_private)
