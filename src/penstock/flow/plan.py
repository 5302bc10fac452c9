"""The order of things, as two lists that can be printed."""

from dataclasses import dataclass

from penstock.core.exchange import Exchange
from penstock.core.ports import Filter, Stage


@dataclass(frozen=True, slots=True)
class Plan:
    """`request` is the order in which stages are entered, `response` that in which their filters see the answer.

    The two orders differ, and each is a decision.  On the way in: what is cheap and refuses most comes first.  On the
    way out: guards before cache, so that unjudged text is never stored; cache before restore, so that no personal data
    rests in it; restore last, so that only the caller sees originals.  The meter stands before them all, since cost
    is what the provider produced; the engine puts it there itself.
    """

    request: tuple[Stage, ...]
    response: tuple[Stage, ...]

    def filters(self, exchange: Exchange) -> list[Filter]:
        """The response halves for one exchange, in order.  Asked for once, after every stage was entered."""
        found: list[Filter] = []
        for stage in self.response:
            made = stage.filter(exchange)
            if made is not None:
                found.append(made)
        return found
