"""The settings of what stands before a target, as frozen values; every default works.

`app` hands them to `admission.targets`.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from penstock.core.exchange import Priority

PRIORITIES: tuple[Priority, ...] = ("interactive", "standard", "batch")

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who waits for a place, and how many at most.

    The shares are what each class is sure of when all of them want more; they are taken as proportions.  A class
    lends what it has not used in the last `lend_after_s` or longer.  `max_waiting` bounds each class.  A call that has
    another target to go to does so rather than wait here for longer than `patience_s`.
    """

    interactive: Share = 0.6
    standard: Share = 0.3
    batch: Share = 0.1
    max_waiting: Count = 1_000
    lend_after_s: Seconds = 10.0
    patience_s: Seconds = 1.0


class ConcurrencySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The learned number of calls at once: where it begins and what it never leaves.

    It begins high: nobody is made to wait for what was only guessed.  429s and timeouts lower it from there at once;
    latencies teach nothing while fewer calls are in flight than it allows, so for a server of one's own begin near what
    it can take.
    """

    initial: Count = 1_000
    least: Count = 1
    most: Count = 10_000


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a target counts as down.

    It opens once `failure_ratio` of at least `min_calls` within `window_s` have failed, or `consecutive` in a row.
    It stays open for `open_s`, twice as long each time a probe fails, `open_most_s` at most; then `probes` calls at a
    time are let through, and it closes after `probes_to_close` good ones.
    """

    window_s: Seconds = 30.0
    failure_ratio: Share = 0.5
    min_calls: Count = 20
    consecutive: Count = 8
    open_s: Seconds = 5.0
    open_most_s: Seconds = 15.0
    probes: Count = 1
    probes_to_close: Count = 2


class PacingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider's announced limits are kept.

    `share` is the part of them that is Penstock's; a fleet divides it among the processes that call.  `pause_s` is the
    pause after 429s that name none, once nothing else gets through, twice as long after each one that follows,
    `pause_most_s` at most.  `burst` is the part of a limit that may go out at once where the limit is a fixed window,
    whose rest is then spread over it.
    """

    share: Share = 1.0
    pause_s: Seconds = 1.0
    pause_most_s: Seconds = 60.0
    burst: Share = 0.05


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands before one target."""

    queue: QueueSettings = QueueSettings()
    concurrency: ConcurrencySettings = ConcurrencySettings()
    breaker: BreakerSettings = BreakerSettings()
    pacing: PacingSettings = PacingSettings()


def broken_gates(gates: GateSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    concurrency, breaker, pacing = gates.concurrency, gates.breaker, gates.pacing
    if concurrency.least > concurrency.most:
        yield "gates.concurrency.least", f"it is more than `most` ({concurrency.most:,})"
    elif not concurrency.least <= concurrency.initial <= concurrency.most:
        between = f"`least` ({concurrency.least:,}) and `most` ({concurrency.most:,})"
        yield "gates.concurrency.initial", f"it must lie between {between}, and is {concurrency.initial:,}"
    if breaker.open_s > breaker.open_most_s:
        yield "gates.breaker.open_s", f"it is more than `open_most_s` ({breaker.open_most_s:g})"
    if pacing.pause_s > pacing.pause_most_s:
        yield "gates.pacing.pause_s", f"it is more than `pause_most_s` ({pacing.pause_most_s:g})"


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much a route may call beyond what it was asked, as a part of all its calls.

    `floor` calls are allowed within a half-life however few requests there are: without them a quiet route could
    never retry at all.
    """

    ratio: Share = 0.1
    floor: Count = 20
    half_life_s: Seconds = 60.0


class HedgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a second call is made beside one that is late, for models that allow it (`models.*.hedged`).

    A call is late beyond `quantile` of the target's recent times to the first event.  Second calls are at most
    `max_calls` of a route's requests, and what the calls that lose cost is at most `max_spend` of what its answers do.
    `as_stream` has answers that the client wants in one piece asked for as streams, where the provider tells the usage
    of streams: a call that loses then costs its prompt and not a whole answer.
    """

    quantile: Share = 0.85
    max_calls: Share = 0.2
    max_spend: Share = 0.05
    as_stream: bool = True
