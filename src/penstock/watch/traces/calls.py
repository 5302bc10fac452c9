"""When each call of a provider began and ended, and how long other things took, as far as the facts say.

Traces and the console's page of an exchange are both drawn from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from penstock.core.facts import (
    AnyFact,
    AskedAgain,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    ClaimsTraced,
    GuardJudged,
    KnowledgeSearched,
    Queued,
)

CallEnd = Literal["answered", "failed", "given_up"]
"""`given_up`: another was faster, or the exchange ended before it said anything."""


class Settlement(Protocol):
    """As much of a record as says when its last call ended, and how."""

    @property
    def duration_s(self) -> float: ...
    @property
    def outcome(self) -> str: ...
    @property
    def outcome_code(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt.  `is_answer` where it is the last that gave an answer; `code` is the error's, where it failed."""

    number: int
    target: str
    begun_s: float
    ended_s: float
    end: CallEnd
    is_answer: bool = False
    first_event_s: float | None = None
    code: str | None = None
    upstream_status: int | None = None


def took_s(fact: AnyFact) -> float:
    """Of a fact that says how long it took, and stands at its end; 0 of all others."""
    match fact:
        case GuardJudged() | KnowledgeSearched() | ClaimsTraced():
            return fact.latency_s
        case Queued():
            return fact.waited_s
        case _:
            return 0.0


def calls_of(record: Settlement, facts: Iterable[AnyFact]) -> list[Call]:
    """In the order in which they began."""
    begun: list[AttemptStarted] = []
    failed: dict[int, AttemptFailed] = {}
    answered: dict[int, AttemptSucceeded] = {}
    asked_again: list[float] = []
    for fact in facts:
        match fact:
            case AttemptStarted():
                begun.append(fact)
            case AttemptFailed():
                failed[fact.attempt] = fact
            case AttemptSucceeded():
                answered[fact.attempt] = fact
            case AskedAgain():
                asked_again.append(fact.at_s)
            case _:
                pass
    last = max(answered.values(), key=lambda fact: fact.at_s, default=None)
    calls: list[Call] = []
    for start in begun:
        number = start.attempt
        failure, success = failed.get(number), answered.get(number)
        if success is not None:
            calls.append(_answered(record, start, success, asked_again, is_last=success is last, failure=failure))
        elif failure is not None:
            calls.append(
                Call(
                    number=number,
                    target=start.target,
                    begun_s=start.at_s,
                    ended_s=failure.at_s,
                    end="failed",
                    code=failure.code,
                    upstream_status=failure.upstream_status,
                )
            )
        else:
            won = (fact.at_s for fact in answered.values() if fact.at_s >= start.at_s)
            ended_s = min(won, default=record.duration_s)
            calls.append(Call(number=number, target=start.target, begun_s=start.at_s, ended_s=ended_s, end="given_up"))
    return calls


def _answered(
    record: Settlement,
    start: AttemptStarted,
    success: AttemptSucceeded,
    asked_again: Iterable[float],
    *,
    is_last: bool,
    failure: AttemptFailed | None,
) -> Call:
    """An answer comes until the exchange ends, or until another is asked for in its place."""
    ended_s = min((at_s for at_s in asked_again if at_s >= success.at_s), default=record.duration_s)
    code = None if failure is None else failure.code
    if code is None and is_last and record.outcome == "upstream_failed":
        code = record.outcome_code or record.outcome
    if failure is not None:
        ended_s = failure.at_s
    return Call(
        number=start.attempt,
        target=start.target,
        begun_s=start.at_s,
        ended_s=ended_s,
        end="answered" if code is None else "failed",
        is_answer=is_last,
        first_event_s=success.at_s,
        code=code,
        upstream_status=None if failure is None else failure.upstream_status,
    )
