"""What a run of the bench does: how long, how often, in which order."""

from dataclasses import dataclass

RATE = 200.0
"""Requests a second of the open-loop run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`levels` are the numbers of streams that are tried, rising; `gateways` the order within each round."""

    gateways: tuple[str, ...]
    rounds: int
    unary_s: float
    warm_s: float
    arrivals_s: float
    streams_s: float
    levels: tuple[int, ...]

    def describe(self) -> str:
        return (
            f"{self.rounds} interleaved rounds of {self.unary_s:.0f} s closed loop and {self.arrivals_s:.0f} s "
            f"open loop, {self.warm_s:.0f} s of warming up before, streams of {self.streams_s:.0f} s "
            f"at {self.levels} at once"
        )


FULL = Plan(
    gateways=("penstock", "controls", "litellm", "portkey", "nginx"),
    rounds=5,
    unary_s=6,
    warm_s=4,
    arrivals_s=8,
    streams_s=10,
    levels=(10, 25, 50, 100, 200, 400, 500, 600, 800),
)
QUICK = Plan(
    gateways=("penstock", "controls", "litellm", "portkey", "nginx"),
    rounds=2,
    unary_s=3,
    warm_s=2,
    arrivals_s=4,
    streams_s=5,
    levels=(10, 50, 200, 500),
)
