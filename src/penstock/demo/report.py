"""From what was seen and counted to the table: every figure is computed here, none is written in."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from rich.table import Table

from penstock.demo.client import Outcome
from penstock.demo.weather import USD_PER_MILLION_INPUT, USD_PER_MILLION_OUTPUT


class Tokens(msgspec.Struct, frozen=True):
    """One model's count of the simulator, as far as it is needed here."""

    input_tokens: int = 0
    output_tokens: int = 0


class ProviderCount(msgspec.Struct, frozen=True):
    """`GET /sim/stats`: the provider's own count of one pass."""

    calls: int
    models: dict[str, Tokens] = {}

    @property
    def cost_usd(self) -> float:
        """What the provider bills: all tokens that it read and said, those of broken answers included."""
        read = sum(tokens.input_tokens for tokens in self.models.values())
        said = sum(tokens.output_tokens for tokens in self.models.values())
        return (read * USD_PER_MILLION_INPUT + said * USD_PER_MILLION_OUTPUT) / 1_000_000


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the questions.  `recorded` are the request ids that a ledger holds; without a ledger, none."""

    outcomes: Sequence[Outcome]
    provider: ProviderCount
    recorded: frozenset[str] = frozenset()

    @property
    def answered(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.failure]

    @property
    def failures(self) -> Counter[str]:
        return Counter(outcome.failure for outcome in self.outcomes if outcome.failure)

    @property
    def lost(self) -> int:
        """Answers that somebody got and nobody wrote down."""
        return sum(outcome.request_id not in self.recorded for outcome in self.answered)

    @property
    def mean_s(self) -> float:
        durations = self._durations()
        return sum(durations) / len(durations) if durations else math.nan

    @property
    def p95_s(self) -> float:
        """The 95th percentile of the response time (nearest rank)."""
        durations = self._durations()
        return durations[math.ceil(0.95 * len(durations)) - 1] if durations else math.nan

    def _durations(self) -> list[float]:
        return sorted(outcome.duration_s for outcome in self.answered)


def table_of(direct: Pass, through: Pass, again: Pass, *, title: str) -> Table:
    """The comparison; `again` are the same questions once more, through the same Penstock."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    table.add_column("")
    table.add_column("directly", justify="right")
    table.add_column("through Penstock", justify="right")
    table.add_column("asked again", justify="right")
    rows = (("questions", _questions), ("answered in full", _success), ("not answered", _failures))
    rows += (("provider calls", _calls), ("response time, mean", _mean), ("response time, p95", _p95))
    rows += (("cost", _cost), ("cost of 1,000 answers", _cost_of_answers), ("lost records", _lost))
    for name, of in rows:
        table.add_row(name, of(direct), of(through), of(again))
    return table


def saving_of(once: Pass, again: Pass) -> str:
    """What kept answers saved, as a sentence: the difference of two passes over the same questions."""
    calls = once.provider.calls - again.provider.calls
    cost_usd = once.provider.cost_usd - again.provider.cost_usd
    waited_s = sum(each.duration_s for each in once.outcomes) - sum(each.duration_s for each in again.outcomes)
    share = calls / once.provider.calls if once.provider.calls else 0.0
    return (
        f"Kept answers saved {calls} of {once.provider.calls} provider calls ({share:.0%}), ${cost_usd:.4f},"
        f" and {waited_s:.0f} s of waiting."
    )


def _questions(each: Pass) -> str:
    return str(len(each.outcomes))


def _success(each: Pass) -> str:
    return f"{len(each.answered)} ({len(each.answered) / len(each.outcomes):.1%})"


def _failures(each: Pass) -> str:
    return ", ".join(f"{number} x {name}" for name, number in each.failures.most_common()) or "0"


def _calls(each: Pass) -> str:
    return str(each.provider.calls)


def _mean(each: Pass) -> str:
    return f"{each.mean_s * 1000:.0f} ms"


def _p95(each: Pass) -> str:
    return f"{each.p95_s * 1000:.0f} ms"


def _cost(each: Pass) -> str:
    return f"${each.provider.cost_usd:.4f}"


def _cost_of_answers(each: Pass) -> str:
    return f"${each.provider.cost_usd / len(each.answered) * 1000:.4f}" if each.answered else "-"


def _lost(each: Pass) -> str:
    return str(each.lost)
