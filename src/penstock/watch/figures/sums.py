"""What a figure is computed from: the sums of the exchanges that were asked about, and how long they took."""

from typing import Final, Literal, TypeAlias

import msgspec

from penstock.watch.rollups.histogram import bucket_of, percentile

FAULTS: Final = frozenset({"upstream_failed", "deadline", "shutdown", "failed"})
"""Ends that are ours, or our providers', to answer for."""
UNJUDGED: Final = frozenset({"rejected", "client_gone"})
"""Ends that say nothing of the service: the caller's own fault or limit, or its leaving."""

Times: TypeAlias = Literal["durations", "firsts"]
"""From first byte in to settlement, and to the first event of the answer."""


class Sums(msgspec.Struct, kw_only=True):
    """Whole numbers throughout: money in nano-US-dollars, times in microseconds.

    `outcomes` counts the exchanges by how they ended; `durations` and `firsts` by buckets of `rollups.histogram`, and
    are empty where nobody asked for times.
    """

    exchanges: int = 0
    attempts: int = 0
    failed_attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nanousd: int = 0
    unknown_costs: int = 0
    estimated: int = 0
    saved_cache_nanousd: int = 0
    saved_routing_nanousd: int = 0
    saved_compaction_nanousd: int = 0
    saved_prompt_cache_nanousd: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    duration_us: int = 0
    first_events: int = 0
    first_event_us: int = 0
    outcomes: dict[str, int] = {}
    durations: dict[int, int] = {}
    firsts: dict[int, int] = {}

    @property
    def faults(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome in FAULTS)

    @property
    def judged(self) -> int:
        """Exchanges that count for or against the service."""
        return self.exchanges - sum(count for outcome, count in self.outcomes.items() if outcome in UNJUDGED)

    @property
    def saved_nanousd(self) -> int:
        return (
            self.saved_cache_nanousd
            + self.saved_routing_nanousd
            + self.saved_compaction_nanousd
            + self.saved_prompt_cache_nanousd
        )

    def percentile(self, of: Times, share: float) -> float | None:
        """In seconds, by nearest rank."""
        return percentile(self.durations if of == "durations" else self.firsts, share)

    def within(self, of: Times, seconds: float) -> int:
        """How many took no longer than that; right but for those within a percent of it."""
        counts = self.durations if of == "durations" else self.firsts
        last = bucket_of(seconds)
        return sum(count for bucket, count in counts.items() if bucket <= last)
