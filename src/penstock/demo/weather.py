"""The provider's weather: how slow it is and how often it fails, the same for all passes."""

from collections.abc import Sequence
from dataclasses import dataclass

FAULTS = "status@500|status@503|reset@0|reset@8|throttle"
FAULT_RATE = 0.06
PRIMARY, BACKUP = "north-large", "south-large"
USD_PER_MILLION_INPUT, USD_PER_MILLION_OUTPUT = 0.40, 1.60
_OUTAGE_BEGINS, _OUTAGE_SHARE = 0.6, 0.07


@dataclass(frozen=True, slots=True)
class Weather:
    """`speed` is how many times faster than real time passes; all durations here are real ones before that."""

    speed: float
    span_s: float
    answer_tokens: Sequence[int]
    first_median_s: float = 0.4
    first_p95_s: float = 1.2
    gap_s: float = 0.06
    tokens_per_event: int = 4

    @property
    def outage_s(self) -> float:
        """How long the first model is down altogether, in real seconds."""
        return self.span_s * _OUTAGE_SHARE

    def profile(self) -> str:
        """The simulator's profile: two models, of which only the first has the outage.

        An answer's length is drawn from those of the trace, by the question: asked again it is as long as before.
        """
        lengths = f"oneof({'/'.join(map(str, self.answer_tokens))})"
        first = f"first=lognormal({self._ms(self.first_median_s)}/{self._ms(self.first_p95_s)})"
        pace = f"gap={self._ms(self.gap_s)},per_event={self.tokens_per_event},tokens={lengths}"
        faults = f"fault={FAULTS},rate={FAULT_RATE},retry_after={self._ms(1.0)}"
        begins_s = self.span_s * _OUTAGE_BEGINS
        outage = f"outage={self._ms(begins_s + self.outage_s)}/{self._ms(self.outage_s)}"
        usual = f"{first},{pace},{faults}"
        return f'models:\n  {PRIMARY}: "{usual},{outage}"\n  {BACKUP}: "{usual}"\n'

    def _ms(self, seconds: float) -> str:
        return f"{seconds / self.speed * 1000:.3f}ms"
