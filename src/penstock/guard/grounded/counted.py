"""What is counted of an answer while it is traced: verdicts, and how likely its model thought its own words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.core.json import JsonValue
from penstock.guard.grounded.tracer import Traced


@dataclass(slots=True)
class Count:
    """The verdicts on the claims of one answer."""

    claims: int = 0
    supported: int = 0
    contradicted: int = 0
    not_found: int = 0
    took_s: float = 0.0
    traced: list[Traced] = field(default_factory=list[Traced])

    @property
    def is_clean(self) -> bool:
        return self.claims == self.supported

    def add(self, traced: Sequence[Traced], took_s: float) -> None:
        self.traced += traced
        self.claims += len(traced)
        self.took_s += took_s
        for each in traced:
            match each.verdict:
                case "supported":
                    self.supported += 1
                case "contradicted":
                    self.contradicted += 1
                case "not_found":
                    self.not_found += 1


@dataclass(slots=True)
class Likelihood:
    """The log-probabilities of an answer's tokens, where its provider gives them."""

    tokens: int = 0
    total: float = 0.0

    def add(self, entries: JsonValue) -> None:
        """`entries` are OpenAI's: an object a token.  What is none is passed over."""
        if not isinstance(entries, list):
            return
        for each in entries:
            found = each.get("logprob") if isinstance(each, dict) else None
            if isinstance(found, int | float) and not isinstance(found, bool):
                self.tokens += 1
                self.total += found

    @property
    def mean(self) -> float | None:
        return self.total / self.tokens if self.tokens else None
