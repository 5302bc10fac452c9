"""What somebody says of an answer that was given: an application, a user through it, or a reviewer."""

from typing import Literal, get_args

import msgspec

Verdict = Literal["good", "bad"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


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
