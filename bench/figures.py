"""What one run of the bench found, as it is written to results/<time>.json and read by the report."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from bench import open_loop
from bench.measure import Footprint, Streams, Unary

QUEUEING_MS = 500.0
"""A median response time over this, to an upstream that answers at once, is a queue that grows."""


class Conditions(msgspec.Struct, kw_only=True):
    """Where and how it was measured.  `shared` says how busy the machine was with other things before the start."""

    date: str
    cores: int
    cpu: str
    memory_gb: float
    system: str
    python: str
    wrk: str
    upstream: str
    plan: str
    request_bytes: int
    answer_bytes: int
    connections: int
    rate: float
    load_before: float
    others_cpu_share: float
    commit: str


class AdmissionCost(msgspec.Struct, kw_only=True):
    """Microseconds of CPU an exchange, by `bench.admission`.

    `known_us` is all of admission with a token that was seen before, `unseen_us` with one that was not: its signature
    is checked.  `credential_us` is the known token alone, `without_us` all with a known token and no limits.
    """

    known_us: float
    unseen_us: float
    credential_us: float
    without_us: float
    algorithm: str


class Measured(msgspec.Struct, kw_only=True):
    """One gateway's figures; `reasons` says what could not be measured and why."""

    name: str
    version: str = ""
    settings: str = ""
    ready_s: list[float] = []
    unary: list[Unary] = []
    arrivals: list[open_loop.Result] = []
    added_p50_ms: list[float] = []
    added_p99_ms: list[float] = []
    streams: list[Streams] = []
    idle: Footprint | None = None
    loaded: Footprint | None = None
    reasons: list[str] = []

    def median(self, of: Callable[[Unary], float]) -> float | None:
        return statistics.median(of(run) for run in self.unary) if self.unary else None

    @property
    def requests_per_s(self) -> float | None:
        return self.median(lambda run: run.requests_per_s)

    @property
    def cpu_us(self) -> float | None:
        return self.median(lambda run: run.cpu_us)

    @property
    def cpu_all_us(self) -> float | None:
        return self.median(lambda run: run.cpu_all_us)

    @property
    def added_p99(self) -> float | None:
        return statistics.median(self.added_p99_ms) if self.added_p99_ms else None

    @property
    def added_p50(self) -> float | None:
        return statistics.median(self.added_p50_ms) if self.added_p50_ms else None

    @property
    def keeps_up(self) -> bool:
        """Whether every open-loop run answered what it was sent, to one in a thousand, without a growing queue."""
        return bool(self.arrivals) and all(
            run.answered >= 0.999 * run.sent and run.p50_ms < QUEUEING_MS for run in self.arrivals
        )

    @property
    def most_streams(self) -> int:
        return max((run.result.streams for run in self.streams if run.is_clean), default=0)

    @property
    def best_streams(self) -> Streams | None:
        """The run at the highest level that had no stall, or the lowest one where all had."""
        clean = [run for run in self.streams if run.is_clean]
        if clean:
            return max(clean, key=lambda run: run.result.streams)
        return self.streams[0] if self.streams else None

    def median_first_ms(self) -> float | None:
        best = self.best_streams
        return statistics.median(best.result.first_ms) if best and best.result.first_ms else None


class Run(msgspec.Struct, kw_only=True):
    conditions: Conditions
    direct: list[open_loop.Result]
    gateways: list[Measured]
    admission: AdmissionCost | None = None

    @property
    def floor_p99_ms(self) -> float:
        """How slow upstream itself was for its slowest 1 %: the machine's noise."""
        return statistics.median(one.p99_ms for one in self.direct) if self.direct else 0.0

    def named(self, name: str) -> Measured | None:
        return next((each for each in self.gateways if each.name == name), None)


def spread(values: Sequence[float]) -> str:
    """The least and the greatest, to show how steady the machine was."""
    return f"{min(values):,.0f} to {max(values):,.0f}" if values else ""
