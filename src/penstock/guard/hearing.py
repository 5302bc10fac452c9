"""What the guards have said of one request, or of one answer: the facts that they leave, and what follows from all."""

from collections.abc import Sequence
from typing import Final

from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import GuardUnavailable, PolicyBlocked
from penstock.core.exchange import Exchange, HoldReason
from penstock.core.facts import GuardFailed, GuardJudged
from penstock.guard.verdict import TOPIC, Action, Finding, Segment
from penstock.guard.ward import Direction, Ward

_STRENGTH: Final[tuple[Action, ...]] = ("allow", "mask", "block", "hold")
Found = tuple[Segment, Finding]


class Hearing:
    """See the module.  `mask` are findings to replace, with their texts; `noticed` are texts in which anything was
    found, by guard; `blocked` is why nothing may pass, if so, and `blocked_by` the guard that says so.

    A guard that judged leaves one fact, and one that could not leaves another; there is no third way.
    """

    __slots__ = ("_clock", "_direction", "blocked", "blocked_by", "exchange", "mask", "noticed")

    def __init__(self, exchange: Exchange, direction: Direction, clock: Clock) -> None:
        self.exchange = exchange
        self._direction: Direction = direction
        self._clock = clock
        self.mask: list[Found] = []
        self.noticed: list[tuple[str, Segment]] = []
        self.blocked: PolicyBlocked | GuardUnavailable | None = None
        self.blocked_by = ""

    def failed(self, ward: Ward, reason: str, *, place: str | None = None) -> None:
        """`ward` has not judged.  Enforced and closed, nothing may pass."""
        is_let_through = ward.fail == "open" or ward.mode == "shadow"
        self.exchange.facts.append(
            GuardFailed(
                at_s=self._at_s,
                guard=ward.guard,
                direction=self._direction,
                mode=ward.mode,
                reason=reason,
                is_let_through=is_let_through,
            )
        )
        if not is_let_through and self.blocked is None:
            self.blocked, self.blocked_by = cannot_judge(ward.guard, reason, place), ward.guard

    def judged(
        self, ward: Ward, found: Sequence[Found], *, texts: int, took_s: float, is_after_release: bool = False
    ) -> None:
        """`ward` has judged `texts` texts, and this is what it found."""
        topic = next((each.kind for _, each in found if each.rule == TOPIC), None)
        if topic is not None:
            self.exchange.topic = topic
            found = [each for each in found if each[1].rule != TOPIC]
        action: Action = "allow"
        decided: Found | None = None
        self.noticed += ((ward.guard, segment) for segment, _ in found)
        for each in found:
            asked = ward.action(each[1])
            if asked == "mask" and ward.mode == "enforce":
                self.mask.append(each)
            if _STRENGTH.index(asked) > _STRENGTH.index(action):
                action, decided = asked, each
        self.exchange.facts.append(
            GuardJudged(
                at_s=self._at_s,
                guard=ward.guard,
                direction=self._direction,
                mode=ward.mode,
                action=action,
                texts=texts,
                findings=len(found),
                rule=decided[1].rule if decided is not None else None,
                score=decided[1].score if decided is not None else None,
                latency_s=took_s,
                is_after_release=is_after_release,
                topic=topic,
            )
        )
        if decided is None or ward.mode != "enforce":
            return
        if action == "hold" and isinstance(self.exchange.request, ChatRequest):
            # Whoever takes holds sees to it that nothing of the answer leaves before a person has seen it.
            self.exchange.hold_reasons.append(HoldReason(ward.guard, decided[1].rule, decided[1].score))
        elif action in {"block", "hold"} and self.blocked is None:
            self.blocked = blocked(ward.guard, decided[1], decided[0].place)
            self.blocked_by = ward.guard

    @property
    def _at_s(self) -> float:
        return self._clock.monotonic() - self.exchange.began_s


def blocked(guard: str, finding: Finding, place: str) -> PolicyBlocked:
    """What a caller learns: which guard, which rule and where; never the text."""
    return PolicyBlocked(f"The guard `{guard}` does not let this through ({finding.rule}).", field=place)


def cannot_judge(guard: str, reason: str, place: str | None) -> PolicyBlocked | GuardUnavailable:
    """What the caller may mend by another request is its own error, and all else is ours."""
    match reason:
        case "unreadable":
            text = f"The guard `{guard}` cannot read what stands there, and nothing passes unread."
            return PolicyBlocked(text, field=place)
        case "too_long":
            return PolicyBlocked(f"The guard `{guard}` cannot read so long a request, and nothing passes unread.")
        case _:
            text = f"The guard `{guard}` cannot judge this now, and nothing passes unjudged; try again."
            return GuardUnavailable(text, retry_after_s=1.0, detail=reason)
