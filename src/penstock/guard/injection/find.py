"""Finds instructions in a text that somebody wrote to turn a model from its task.  Called by the guard of requests.

What counts depends on who wrote it.  A user may ask for anything but to be free of the rules; a tool's result or a
document may ask for nothing.  What the system and the developer write is not judged, and neither is what a model said.
"""

from typing import TYPE_CHECKING, Final

from penstock.guard.injection.signs import FEATURES, Reader, Signs
from penstock.guard.injection.weigh import CERTAIN_SCORE, SignsHead, Weights, load_weights
from penstock.guard.verdict import UNTRUSTED, Finding, Segment

if TYPE_CHECKING:
    from penstock.guard.injection.head import Head, Tokens

ACT_AT: Final = 0.5
"""The score from which on a guard acts by default; `docs/guards/injection.md` says what that lets through."""
LEAST_SCORE: Final = 0.25
"""What is less likely is not reported."""
_ROUNDING: Final = 1e-6
_KIND: Final = "INSTRUCTION"
_NAMED: Final = (
    *("override", "leak", "jailbreak", "disguised", "hidden", "turn", "to_model", "secrecy", "unbound", "never_refuse"),
    *("persona", "in_character", "new_orders", "send_out", "steer", "that_code", "your_answer", "operate", "generate"),
)
_NUMBERS: Final = tuple((FEATURES.index(name), f"injection.{name}") for name in _NAMED)
_OTHER: Final = "injection.instruction"


class InjectionDetector:
    """Compiled once, safe in any thread.  Without a head, or where a text was not encoded, the signs alone count."""

    def __init__(self, head: "Head | None" = None, weights: Weights | None = None) -> None:
        self._reader = Reader()
        self._signs = SignsHead(weights or load_weights())
        self._head = head
        self._least_user_total = self._signs.weights.user.scale.total(LEAST_SCORE) - _ROUNDING

    def find(self, segment: Segment, encoded: "Tokens | None" = None) -> list[Finding]:
        """The likely instructions, in the order of the text; the segment's score is the greatest of theirs.

        `encoded` must be of the segment's whole text.  Rules are named by the strongest sign, `injection.override`, or
        `injection.instruction` where it was the head that found it.
        """
        if segment.trust == "user":
            return self._of_user(segment.text)
        if segment.trust in UNTRUSTED:
            signs = self._reader.read(segment.text)
            return self._of_data(signs, encoded)
        return []

    def _of_user(self, text: str) -> list[Finding]:
        most = self._reader.most(text, self._signs.user_features)
        if most.counts is not None and self._signs.most_user_total(most.counts) < self._least_user_total:
            return []  # as nearly all texts: the units need not be known
        signs = most.signs()
        score = self._signs.weights.user.scale.score(self._signs.user_total(signs)) if signs.rows else 0.0
        if score < LEAST_SCORE:
            return []
        worth = [self._signs.worth(row) for row in signs.rows]
        at = max(range(len(worth)), key=worth.__getitem__)
        return [_finding(signs, at, score)]

    def _of_data(self, signs: Signs, encoded: "Tokens | None") -> list[Finding]:
        totals = self._signs.unit_totals(signs)
        scale = self._signs.weights.unit.scale
        if self._head is not None and encoded is not None:
            learned = self._head.unit_totals(signs, encoded).tolist()
            totals = [(one + other) / 2 for one, other in zip(totals, learned, strict=True)]
            scale = self._head.scale
        scores = [
            max(scale.score(total), CERTAIN_SCORE if self._signs.is_certain(row) else 0.0)
            for total, row in zip(totals, signs.rows, strict=True)
        ]
        return [_finding(signs, at, score) for at, score in enumerate(scores) if score >= LEAST_SCORE]


def _finding(signs: Signs, at: int, score: float) -> Finding:
    begin, end = signs.spans[at]
    rule = next((name for number, name in _NUMBERS if number in signs.rows[at]), _OTHER)
    return Finding(rule, _KIND, begin, end, score)
