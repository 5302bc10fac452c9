"""What is to become of one answer, decided and not yet done: so that of two opinions one can be carried out."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.core.events import Event
from penstock.core.exchange import Exchange, HoldReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`confidence` is None where nobody knows it: then any other opinion is better.

    `is_unsteady` says that its model, asked again, did not say the same.
    """

    events: Sequence[Event]
    confidence: float | None = None
    is_refused: bool = False
    hold_reasons: Sequence[HoldReason] = ()
    is_unsteady: bool = False

    def is_better_than(self, other: "Outcome") -> bool:
        """An answer is better than a refusal, one that its model does not say again is no better than any that it does
        or that was not asked for again, and of two such the surer is; the first of equals stands.
        """
        return self.rank > other.rank

    def carry_out(self, exchange: Exchange) -> Sequence[Event]:
        """What goes out, once the exchange says why."""
        exchange.confidence = self.confidence
        if self.is_refused:
            exchange.is_refused = True
        exchange.hold_reasons += self.hold_reasons
        return self.events

    @property
    def rank(self) -> tuple[bool, bool, float]:
        return not self.is_refused, not self.is_unsteady, -1.0 if self.confidence is None else self.confidence
