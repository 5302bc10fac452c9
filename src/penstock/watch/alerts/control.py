"""The control plane's part in alerts: it ships what lies on this machine, and delivers what is in the database."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from penstock.config.alerts import AlertSettings
from penstock.core.clock import Clock
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import Channel, Reply
from penstock.watch.alerts.courier import AlertCourier
from penstock.watch.alerts.opening import channels_of, open_deliverer, terms_of
from penstock.watch.alerts.outbox import FOLDER

_STOP_S = 20.0


class Alerting(Collector):
    """`start` once, `stop` once."""

    def __init__(self, settings: AlertSettings, root: Path, find_url: Callable[[], str | None], clock: Clock) -> None:
        self._clock = clock
        self._deliverer, self._retention = open_deliverer(settings, find_url, clock)
        self._courier = AlertCourier(root / FOLDER, find_url, clock=clock)
        self._thread = threading.Thread(target=self._deliverer.run, name="penstock-deliverer", daemon=True)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    @property
    def channels(self) -> tuple[Channel, ...]:
        return self._deliverer.channels

    def start(self) -> None:
        self._courier.start()
        self._thread.start()

    def stop(self) -> None:
        """What is being sent is finished, within the receivers' time."""
        self._deliverer.stop()
        self._courier.stop()
        self._thread.join(_STOP_S)

    def use(self, settings: AlertSettings) -> None:
        """Other receivers and terms, within a second or so."""
        self._retention.keep_days = settings.keep_days
        self._deliverer.use(channels_of(settings), terms_of(settings))

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return (*self._courier.problems(), *self._deliverer.problems())

    async def test(self, channel: Channel, alert: Alert) -> Reply:
        """Send it once, in a thread."""
        return await asyncio.to_thread(self._deliverer.test, channel, alert)

    def gauges(self) -> dict[str, float]:
        """What rules may be of."""
        now = self._clock.now()
        standings = self._deliverer.standings
        ages = (now - each.oldest_at for each in standings if each.waiting and each.oldest_at is not None)
        return {
            "alerts_waiting_s": max(0.0, *ages, 0.0),
            "alerts_given_up": float(sum(each.failed for each in standings)),
        }

    def metrics(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing yet: names are checked once there are values."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        deliveries = GaugeMetricFamily(
            "penstock_alert_deliveries",
            "Alerts that a channel has not been told: still waiting, or given up and not acknowledged.",
            labels=("webhook", "state"),
        )
        oldest = GaugeMetricFamily(
            "penstock_alert_oldest_waiting_seconds", "Since the oldest of them arrived.", labels=("webhook",)
        )
        known = {each.channel: each for each in self._deliverer.standings}
        for name in sorted({*known, *(channel.name for channel in self.channels)}):
            each = known.get(name)
            deliveries.add_metric((name, "waiting"), 0 if each is None else each.waiting)
            deliveries.add_metric((name, "given_up"), 0 if each is None else each.failed)
            begun = None if each is None else each.oldest_at
            oldest.add_metric((name,), 0.0 if begun is None else max(0.0, self._clock.now() - begun))
        yield deliveries
        yield oldest
