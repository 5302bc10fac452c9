"""The control plane's part in traces: one exporter while there is a collector, and nothing while there is none."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as MetricCollector

from penstock.config.traces import TraceSettings
from penstock.core.clock import Clock
from penstock.watch.traces.counts import Counts
from penstock.watch.traces.peer import Peer

if TYPE_CHECKING:
    from penstock.watch.traces.export import Exporter

_STOP_S = 12.0

_log = structlog.get_logger(__name__)


class Tracing(MetricCollector):
    """`start` once, `stop` once.  `peers` is asked when there is somebody to send to: who the providers are."""

    def __init__(self, settings: TraceSettings, peers: Callable[[], Mapping[str, Peer]], clock: Clock) -> None:
        self._settings = settings
        self._peers = peers
        self._clock = clock
        self._counts = Counts()
        self._exporter: Exporter | None = None
        self._lock = threading.Lock()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def start(self) -> None:
        with self._lock:
            self._exporter = self._open(self._settings)

    def stop(self) -> None:
        """What waits is tried once more, and given some seconds."""
        with self._lock:
            exporter, self._exporter = self._exporter, None
        if exporter is not None:
            exporter.stop()
            if not exporter.join(_STOP_S):
                _log.warning("traces_not_finished", waiting=exporter.waiting)

    def use(self, settings: TraceSettings) -> None:
        """Other settings, from the next exchange on; what waits goes where it was to go."""
        with self._lock:
            if settings == self._settings:
                return
            self._settings = settings
            before, self._exporter = self._exporter, self._open(settings)
        if before is not None:
            before.stop()

    def offer(self, payloads: Sequence[bytes]) -> None:
        """Journal lines' JSON that has just reached the ledger.  Never raises and waits for nothing."""
        exporter = self._exporter
        if exporter is not None:
            exporter.offer(payloads)

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        exporter = self._exporter
        return () if exporter is None else exporter.problems()

    def metrics(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing yet: names are checked once there are values."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        counts, exporter = self._counts, self._exporter
        waiting = 0 if exporter is None else exporter.waiting
        yield GaugeMetricFamily("penstock_traces_waiting", "Exchanges whose trace waits to be sent.", waiting)
        yield CounterMetricFamily(
            "penstock_traces_exported", "Exchanges whose trace the collector took.", counts.exported
        )
        dropped = CounterMetricFamily(
            "penstock_traces_dropped", "Exchanges whose trace was to be sent and was not.", labels=("reason",)
        )
        for reason, count in counts.dropped.items():
            dropped.add_metric((reason,), count)
        yield dropped
        yield CounterMetricFamily(
            "penstock_trace_spans_lost", "Spans that a collector would not have of what it took.", counts.lost_spans
        )

    def _open(self, settings: TraceSettings) -> "Exporter | None":
        if settings.endpoint is None:
            return None
        # Imported here: most control planes have no collector, and protobuf is not small.
        from penstock.watch.posting import Way  # noqa: PLC0415 - see above
        from penstock.watch.traces.export import Exporter  # noqa: PLC0415
        from penstock.watch.traces.sampling import Sampling  # noqa: PLC0415
        from penstock.watch.traces.sending import Collector  # noqa: PLC0415

        collector = Collector(
            settings.endpoint.reveal(),
            {name: value.reveal() for name, value in settings.headers.items()},
            settings.resource,
            Way(timeout_s=settings.timeout_s, allow_private=True, ca_file=settings.ca_file),
        )
        sampling = Sampling(settings.sample, settings.slow_s)
        exporter = Exporter(
            collector, sampling, self._peers(), self._counts, clock=self._clock, most_waiting=settings.most_waiting
        )
        exporter.start()
        return exporter
