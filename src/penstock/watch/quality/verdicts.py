"""What can be said of an answer: a closed set, which stands in tables and in the API.  Each is tested to be told of.

A verdict is a word of ours: never a word of the answer, nor of whoever judged it.
"""

from typing import Final, Literal, TypeAlias, get_args

Verdict: TypeAlias = Literal[
    "good",
    "empty",
    "cut_off",
    "filtered",
    "refusal",
    "loop",
    "invalid_json",
    "broken_citations",
    "too_short",
    "too_long",
    "wrong_language",
    "contradicted",
    "ungrounded",
    "unsure",
    "judged_wrong",
    "judged_incomplete",
    "judged_off_topic",
    "judged_unclear",
    "judged_harmful",
    "judged_poor",
]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

ANSWER: Final = "answer"
"""The name under which the whole answer's score stands: the lowest of its checks'."""
JUDGE: Final = "judge"
WHOLE: Final = 1_000
"""Scores are kept as thousandths, so that their sums are exact."""
PASSED: Final = 500
"""From here on an answer, or what a check says of it, is good enough."""
