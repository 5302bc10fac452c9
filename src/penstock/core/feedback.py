"""What somebody says of an answer that was given: an application, a user through it, or a reviewer."""

from typing import Annotated, Literal, get_args

import msgspec

Verdict = Literal["good", "bad"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

MOST_RATING = 5
MOST_WORDS = 8_000
"""Characters of a correction or a text."""
Rating = Annotated[int, msgspec.Meta(ge=1, le=MOST_RATING)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_WORDS)]


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict on one exchange.

    Its tenant, exchange, key and user are what it is known by: a second verdict of the same takes the first one's
    place.  `user` is empty where nobody is named.  `reason` is a word of a taxonomy, never a text.  `at` is Unix
    seconds.
    """

    exchange: str
    tenant: str
    key: str
    verdict: Verdict
    at: float
    user: str = ""
    reason: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """More than a verdict: known by tenant, exchange, key and user, of which a later one takes an earlier one's place.

    `correction` is what the answer should have been, `comment` whatever else there is to say.  People write both, so
    that they are masked before they rest anywhere; what masks may make them longer than `Words`.
    """

    exchange: str
    tenant: str
    key: str
    at: float
    user: str = ""
    rating: Rating | None = None
    correction: str | None = None
    comment: str | None = None
