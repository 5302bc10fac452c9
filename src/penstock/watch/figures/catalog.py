"""The figures: what each is called, in what unit, what it is made of, and how Prometheus would say it.

Console, API, alert rules, objectives, dashboards and reports all read this one table, so that a name means the same in
each of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from penstock.core.errors import MalformedRequest
from penstock.watch.figures import promql
from penstock.watch.figures.sums import FAULTS, UNJUDGED, Sums, Times

Unit: TypeAlias = Literal["count", "share", "nanousd", "seconds", "tokens"]
Better: TypeAlias = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`value` is None where there is nothing to divide by, or nothing is known.

    `is_total` says that it is a whole number, and that those of parts add up to that of the whole.  `times` are the
    histograms that it is told of.  `better` is the direction that people want.  `prometheus` is the same over the
    metrics of the data planes (`figures.promql`), money in US dollars as Prometheus has it; None where metrics do
    not tell it.
    """

    name: str
    title: str
    meaning: str
    unit: Unit
    value: Callable[[Sums], float | None]
    is_total: bool = False
    times: tuple[Times, ...] = ()
    better: Better | None = None
    prometheus: str | None = None

    @property
    def parts(self) -> tuple[Callable[[Sums], float | None], ...]:
        """What it is computed by: of a share, part and whole."""
        return (self.value.part, self.value.whole) if isinstance(self.value, _Share) else (self.value,)

    def told_of(self, sums: Sums) -> int:
        """Of how many it is told: of a share its whole, of all else the exchanges."""
        return self.value.whole(sums) if isinstance(self.value, _Share) else sums.exchanges


@dataclass(frozen=True, slots=True)
class _Share:
    """Of `whole`, None where there is none of it."""

    part: Callable[[Sums], int]
    whole: Callable[[Sums], int]

    def __call__(self, sums: Sums) -> float | None:
        whole = self.whole(sums)
        return self.part(sums) / whole if whole else None


@dataclass(frozen=True, slots=True)
class _Ended:
    """How many ended so."""

    outcome: str

    def __call__(self, sums: Sums) -> int:
        return sums.outcomes.get(self.outcome, 0)


@dataclass(frozen=True, slots=True)
class _Percentile:
    of: Times
    share: float

    def __call__(self, sums: Sums) -> float | None:
        return sums.percentile(self.of, self.share)


class _Words(NamedTuple):
    """What a figure is called, and means."""

    name: str
    title: str
    meaning: str


def _total(unit: Unit, words: _Words, value: Callable[[Sums], int], prometheus: str | None = None) -> Figure:
    return Figure(
        name=words.name,
        title=words.title,
        meaning=words.meaning,
        unit=unit,
        value=value,
        is_total=True,
        prometheus=prometheus,
    )


def _rate(words: _Words, share: _Share, better: Better | None, prometheus: str | None = None) -> Figure:
    return Figure(
        name=words.name,
        title=words.title,
        meaning=words.meaning,
        unit="share",
        value=share,
        better=better,
        prometheus=prometheus,
    )


def _exchanges(sums: Sums) -> int:
    return sums.exchanges


_FAULTS = f'outcome=~"{"|".join(sorted(FAULTS))}"'
_JUDGED = f'outcome!~"{"|".join(sorted(UNJUDGED))}"'


def _ended(outcome: str) -> str:
    return promql.total("penstock_exchanges_total", f'outcome="{outcome}"')


def _tokens(labels: str) -> str:
    return promql.total("penstock_tokens_total", labels)


_COUNTS = (
    _total(
        "count",
        _Words("exchanges", "Exchanges", "Requests that were settled, however they ended."),
        _exchanges,
        promql.total("penstock_exchanges_total"),
    ),
    _total(
        "count",
        _Words("attempts", "Calls of providers", "Calls that were begun."),
        lambda s: s.attempts,
        promql.total("penstock_attempts_total"),
    ),
    _total(
        "count",
        _Words("failed_attempts", "Failed calls", "Calls of providers that gave no answer."),
        lambda s: s.failed_attempts,
        promql.total("penstock_attempt_failures_total"),
    ),
    _total(
        "count",
        _Words("faults", "Faults", "Exchanges that failed by our fault, or a provider's."),
        lambda s: s.faults,
        promql.total("penstock_exchanges_total", _FAULTS),
    ),
    _total(
        "count",
        _Words("completed", "Completed", "Exchanges that were answered in full."),
        _Ended("completed"),
        _ended("completed"),
    ),
    _total(
        "count",
        _Words("blocked", "Blocked", "Exchanges whose request or answer a guard has blocked."),
        _Ended("blocked"),
        _ended("blocked"),
    ),
    _total(
        "count",
        _Words("held", "Held", "Exchanges whose answer a person is to give."),
        _Ended("held"),
        _ended("held"),
    ),
    _total(
        "count",
        _Words("rejected", "Rejected", "Exchanges refused before any call: bad input, limits."),
        _Ended("rejected"),
        _ended("rejected"),
    ),
    _total(
        "count",
        _Words("client_gone", "Clients gone", "Exchanges whose client left before the end."),
        _Ended("client_gone"),
        _ended("client_gone"),
    ),
    _total(
        "count",
        _Words("cache_hits", "Cache hits", "Answers that had been given before."),
        lambda s: s.cache_hits,
        promql.total("penstock_cache_hits_total"),
    ),
    _total(
        "count",
        _Words("cache_misses", "Cache misses", "Exchanges for which nothing was kept."),
        lambda s: s.cache_misses,
        promql.total("penstock_cache_misses_total"),
    ),
)
_TOKENS = (
    _total(
        "tokens",
        _Words("input_tokens", "Input tokens", "Everything that went in, cached ones included."),
        lambda s: s.input_tokens,
        _tokens('kind="input"'),
    ),
    _total(
        "tokens",
        _Words("output_tokens", "Output tokens", "Everything that came out, reasoning included."),
        lambda s: s.output_tokens,
        _tokens('kind="output"'),
    ),
    _total(
        "tokens",
        _Words("tokens", "Tokens", "Input and output together."),
        lambda s: s.input_tokens + s.output_tokens,
        _tokens('kind=~"input|output"'),
    ),
    _total(
        "tokens",
        _Words("cache_read_tokens", "Tokens read from prompt caches", "Input that a provider had kept."),
        lambda s: s.cache_read_tokens,
        _tokens('kind="cache_read"'),
    ),
    _total(
        "tokens",
        _Words("cache_write_tokens", "Tokens written to prompt caches", "Input that a provider keeps for later."),
        lambda s: s.cache_write_tokens,
        _tokens('kind="cache_write"'),
    ),
    _total(
        "tokens",
        _Words("reasoning_tokens", "Reasoning tokens", "Output that nobody is shown."),
        lambda s: s.reasoning_tokens,
        _tokens('kind="reasoning"'),
    ),
)
_MONEY = (
    _total(
        "nanousd",
        _Words("cost_nanousd", "Cost", "What exchanges cost, where it is known."),
        lambda s: s.cost_nanousd,
        promql.total("penstock_cost_usd_total"),
    ),
    _total(
        "count",
        _Words("unknown_costs", "Unknown costs", "Exchanges whose cost nobody knows."),
        lambda s: s.unknown_costs,
        promql.total("penstock_cost_unknown_total"),
    ),
    _total(
        "count",
        _Words("estimated", "Estimated usage", "Exchanges whose tokens had to be counted."),
        lambda s: s.estimated,
        promql.total("penstock_usage_estimated_total"),
    ),
    _total(
        "nanousd",
        _Words("saved_nanousd", "Saved", "What caches, routing, shorter prompts and kept prompts saved."),
        lambda s: s.saved_nanousd,
        promql.saved_in_all(),
    ),
    _total(
        "nanousd",
        _Words("saved_cache_nanousd", "Saved by caches", "What hits would have cost."),
        lambda s: s.saved_cache_nanousd,
        promql.total("penstock_cache_saved_usd_total"),
    ),
    _total(
        "nanousd",
        _Words("saved_routing_nanousd", "Saved by routing", "Against the strongest tier."),
        lambda s: s.saved_routing_nanousd,
        promql.saved("routing"),
    ),
    _total(
        "nanousd",
        _Words("saved_compaction_nanousd", "Saved by compaction", "By shorter prompts."),
        lambda s: s.saved_compaction_nanousd,
        promql.saved("compaction"),
    ),
    _total(
        "nanousd",
        _Words(
            "saved_prompt_cache_nanousd",
            "Saved by prompt caching",
            "By prompts that providers kept; below zero where writing them cost more.",
        ),
        lambda s: s.saved_prompt_cache_nanousd,
        promql.saved("prompt_cache"),
    ),
    Figure(
        name="cost_per_exchange_nanousd",
        title="Cost of an exchange",
        meaning="The mean, of those whose cost is known.",
        unit="nanousd",
        value=_Share(lambda s: s.cost_nanousd, lambda s: s.exchanges - s.unknown_costs),
        better="lower",
        prometheus=promql.cost_per_exchange(),
    ),
)
_RATES = (
    _rate(
        _Words(
            "availability",
            "Availability",
            "Of the exchanges that count, those without a fault of ours or a provider's.",
        ),
        _Share(lambda s: s.judged - s.faults, lambda s: s.judged),
        "higher",
        f"1 - {promql.ratio(_FAULTS, _JUDGED)}",
    ),
    _rate(
        _Words("fault_rate", "Fault rate", "Of the exchanges that count, those with a fault of ours or a provider's."),
        _Share(lambda s: s.faults, lambda s: s.judged),
        "lower",
        promql.ratio(_FAULTS, _JUDGED),
    ),
    _rate(
        _Words("blocked_rate", "Blocked, share", "Of all, those that a guard has blocked."),
        _Share(_Ended("blocked"), _exchanges),
        None,
        promql.ratio('outcome="blocked"'),
    ),
    _rate(
        _Words("held_rate", "Held, share", "Of all, those that went to a person."),
        _Share(_Ended("held"), _exchanges),
        None,
        promql.ratio('outcome="held"'),
    ),
    _rate(
        _Words("rejected_rate", "Rejected, share", "Of all, those refused before any call."),
        _Share(_Ended("rejected"), _exchanges),
        "lower",
        promql.ratio('outcome="rejected"'),
    ),
    _rate(
        _Words("client_gone_rate", "Clients gone, share", "Of all, those whose client left."),
        _Share(_Ended("client_gone"), _exchanges),
        "lower",
        promql.ratio('outcome="client_gone"'),
    ),
    _rate(
        _Words("failed_attempt_rate", "Failed calls, share", "Of the calls of providers, those that gave no answer."),
        _Share(lambda s: s.failed_attempts, lambda s: s.attempts),
        "lower",
        promql.failed_attempt_rate(),
    ),
    _rate(
        _Words(
            "cache_hit_rate",
            "Cache hits, share",
            "Of the exchanges that the cache was asked for, those that it answered.",
        ),
        _Share(lambda s: s.cache_hits, lambda s: s.cache_hits + s.cache_misses),
        "higher",
        promql.cache_hit_rate(),
    ),
)


def _times(words: _Words, of: Times, metric: str) -> Iterator[Figure]:
    for percent in (50, 95, 99):
        yield Figure(
            name=f"{words.name}_p{percent}_s",
            title=f"{words.title}, p{percent}",
            meaning=f"The time {words.meaning} that {percent} % of exchanges do not exceed.",
            unit="seconds",
            value=_Percentile(of, percent / 100),
            times=(of,),
            better="lower",
            prometheus=promql.quantile(percent / 100, metric),
        )


_TIMES = (
    *_times(
        _Words("duration", "Duration", "from first byte in to settlement"),
        "durations",
        "penstock_exchange_duration_seconds",
    ),
    *_times(
        _Words("first_event", "First event", "from first byte in to the answer's first event"),
        "firsts",
        "penstock_first_event_seconds",
    ),
)
FIGURES: Final[Mapping[str, Figure]] = MappingProxyType(
    {each.name: each for each in (*_COUNTS, *_TOKENS, *_MONEY, *_RATES, *_TIMES)}
)


def figures_named(names: Iterable[str]) -> tuple[Figure, ...]:
    """Raises `MalformedRequest` for a name that is none of them."""
    found: list[Figure] = []
    for name in names:
        if name not in FIGURES:
            raise MalformedRequest(f"There is no figure {name!r}: there are {', '.join(FIGURES)}.", field="figures")
        found.append(FIGURES[name])
    return tuple(found)
