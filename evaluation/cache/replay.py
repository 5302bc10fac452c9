"""Questions asked one after the other of a semantic cache, with an oracle in the place of the model.

The oracle says of two answers whether they say the same: here, whether their questions are of one intent.  What the
cache does is the product's own: `Partition` finds, learns and keeps; only the answers are not made.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.checks import chance_of_check
from penstock.cache.semantic.partition import Partition
from penstock.cache.semantic.question import Question, Weights
from penstock.config.cache.semantic import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """As the configuration names them."""

    ceiling: float = 0.01
    check_share: float = 0.05
    start: Start = "proven"
    asks_exactly: bool = False


@dataclass(slots=True)
class Tally:
    """`checked` were calls too, made although there was an answer."""

    asked: int = 0
    exact: int = 0
    hits: int = 0
    wrong: int = 0
    checked: int = 0
    wrong_by_tenth: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)] * 10)
    reasons: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def avoided(self) -> float:
        return (self.exact + self.hits) / max(1, self.asked)

    @property
    def wrong_of_hits(self) -> float:
        return self.wrong / max(1, self.hits)

    @property
    def wrong_of_all(self) -> float:
        return self.wrong / max(1, self.asked)


def replay(
    asked: Sequence[tuple[Question, str]],
    weights: Weights,
    policy: Policy,
    *,
    seed: int,
    partition: Partition | None = None,
) -> Tally:
    """Ask each question, with its intent, in this order."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    if partition is None:
        partition = Partition(weights, Bound(policy.ceiling), width=384, start=policy.start)
    tally = Tally()
    intents: dict[str, str] = {}
    served: dict[str, int] = {}
    for number, (question, intent) in enumerate(asked):
        tally.asked += 1
        if policy.asks_exactly and question.text in intents:
            tally.exact += 1
            continue
        match = partition.find(question)
        tally.reasons[match.reason] = tally.reasons.get(match.reason, 0) + 1
        if match.is_hit and match.entry is not None:
            times = served[question.text] = served.get(question.text, 0) + 1
            probability = chance_of_check(
                policy.check_share,
                times,
                risk=partition.bound.risk(match.score),
                greatest_risk=partition.bound.greatest_risk,
            )
            if chance.random() >= probability:
                tally.hits += 1
                is_wrong = intents[match.entry] != intent
                tally.wrong += is_wrong
                tenth = number * 10 // len(asked)
                hits, wrong = tally.wrong_by_tenth[tenth]
                tally.wrong_by_tenth[tenth] = (hits + 1, wrong + is_wrong)
                continue
            tally.checked += 1
        if match.entry is not None:
            partition.bound.learn(match.score, is_right=intents[match.entry] == intent)
        like = [entry for entry in match.others if intents.get(entry) == intent]
        if match.entry is not None and intents[match.entry] == intent:
            like.insert(0, match.entry)
        intents[question.text] = intent
        partition.add(question.text, question, like=like)
    return tally
