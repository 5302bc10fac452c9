"""The order of things, as two lists that can be printed."""

from dataclasses import dataclass, field

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
    _answering: tuple[Stage, ...] = field(init=False, repr=False, compare=False)
    """Those of `response` that may have a filter: most stages say by their type that they never have one."""

    def __post_init__(self) -> None:
        answering = tuple(stage for stage in self.response if _may_filter(stage))
        object.__setattr__(self, "_answering", answering)

    def filters(self, exchange: Exchange, *, behind: str | None = None) -> list[Filter]:
        """The response halves for one answer, in order; of the stages behind the one of that name, where one is named.

        Asked for after every stage was entered.
        """
        found: list[Filter] = []
        stages = self._answering
        if behind is not None:
            stages = stages[next(at for at, stage in enumerate(stages) if stage.name == behind) + 1 :]
        for stage in stages:
            made = stage.filter(exchange)
            if made is not None:
                found.append(made)
        return found


def _may_filter(stage: Stage) -> bool:
    """Not where `filter` is declared to return None and nothing else."""
    hints: dict[str, object] = getattr(type(stage).filter, "__annotations__", {})
    return hints.get("return", "undeclared") is not None
