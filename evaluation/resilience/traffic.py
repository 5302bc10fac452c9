"""Who asks what, and when: arrivals that depend on a seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.core.exchange import Priority
from penstock.testing.behaviour import LogNormal
from penstock.testing.chance import rng_for

_WORDS = ("how", "do", "I", "find", "my", "card", "balance", "limit", "order", "and", "the", "branch", "in", "town")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, `at_s` after the start.  No two of one run have the same prompt: each meets chances of its own."""

    at_s: float
    prompt: str
    tenant: str = "acme"
    priority: Priority = "interactive"
    weight: float = 1.0
    is_streamed: bool = False
    max_tokens: int | None = None
    deadline_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One tenant's requests: a Poisson stream of `rate` a second, half of them streamed unless `streamed` says else.

    In the last `burst_s` of every `burst_every_s` it asks `burst` times as often.  The prompts have `words` words;
    with `words_p95` that is their median, and one in twenty is longer than this (log-normal).
    """

    rate: float
    tenant: str = "acme"
    priority: Priority = "interactive"
    weight: float = 1.0
    streamed: float = 0.5
    words: int = 8
    words_p95: int | None = None
    max_tokens: int | None = None
    deadline_s: float = 600.0
    burst: float = 1.0
    burst_s: float = 0.0
    burst_every_s: float = 300.0

    def requests(self, seed: int) -> Iterator[Asked]:
        """Without end.  The first comes after a while of its own, as every other."""
        rng = rng_for("traffic", seed, self.tenant)
        at_s, number = 0.0, 0
        while True:
            is_burst = at_s % self.burst_every_s >= self.burst_every_s - self.burst_s
            at_s += rng.expovariate(self.rate * (self.burst if is_burst else 1.0))
            number += 1
            length = self.words if self.words_p95 is None else round(LogNormal(self.words, self.words_p95).draw(rng))
            words = " ".join(rng.choices(_WORDS, k=max(0, length - 1)))
            yield Asked(
                at_s=at_s,
                prompt=f"{self.tenant}-{number} {words}",
                tenant=self.tenant,
                priority=self.priority,
                weight=self.weight,
                is_streamed=rng.random() < self.streamed,
                max_tokens=self.max_tokens,
                deadline_s=self.deadline_s,
            )

    def for_seconds(self, seconds: float, seed: int) -> list[Asked]:
        found: list[Asked] = []
        for each in self.requests(seed):
            if each.at_s >= seconds:
                return found
            found.append(each)
        return found

    def first(self, number: int, seed: int) -> list[Asked]:
        requests = self.requests(seed)
        return [next(requests) for _ in range(number)]
