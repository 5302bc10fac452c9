"""What an answer's headers say of the limits, from counters, in the form of the client's vendor.

OpenAI's are `x-ratelimit-*` (https://platform.openai.com/docs/guides/rate-limits), Anthropic's `anthropic-ratelimit-*`
(https://docs.anthropic.com/en/api/rate-limits#response-headers).

`remaining` counts what other processes hold as theirs: it errs on the low side, by what they have leased ahead.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from penstock.admission.limits.counter import Counter
from penstock.admission.limits.limit import UNITS
from penstock.core.chat import Dialect

_REQUESTS = UNITS.index("requests")
_TOKENS = frozenset(UNITS.index(unit) for unit in ("tokens", "input_tokens", "output_tokens"))
_OPENAI_NAMES = (
    ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
)
_ANTHROPIC_NAMES = (
    (
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    ("anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
)


class Shown:
    """Of a request's counters, those that its answer speaks of: the tightest on requests and the tightest on tokens."""

    __slots__ = ("_requests", "_tokens")

    def __init__(self, counters: Sequence[Counter]) -> None:
        enforced = [each for each in counters if not each.rule.is_shadow]
        self._requests = tuple(each for each in enforced if each.unit == _REQUESTS)
        self._tokens = tuple(each for each in enforced if each.unit in _TOKENS)

    def headers(self, now: float, dialect: Dialect = "openai-chat") -> tuple[tuple[str, str], ...]:
        """At the store's time `now`."""
        as_moment = dialect == "anthropic"
        requests, tokens = _ANTHROPIC_NAMES if as_moment else _OPENAI_NAMES
        found: tuple[tuple[str, str], ...] = ()
        if self._requests:
            found = _of(requests, self._requests, now, as_moment=as_moment)
        return (*found, *_of(tokens, self._tokens, now, as_moment=as_moment)) if self._tokens else found


def _of(
    names: tuple[str, str, str], counters: Sequence[Counter], now: float, *, as_moment: bool
) -> tuple[tuple[str, str], ...]:
    tightest, least, share = counters[0], 0, 2.0
    for counter in counters:
        amount = counter.amount
        left = amount - counter.others - counter.spent
        part = left / amount if amount else 0.0
        if part < share:
            tightest, least, share = counter, left, part
    limit, remaining, reset = names
    end = tightest.window.end
    return (
        (limit, _digits(tightest.amount)),
        (remaining, str(least) if least > 0 else "0"),
        (reset, moment(end) if as_moment else duration(end - now if end > now else 0.0)),
    )


@lru_cache(maxsize=1024)
def _digits(amount: int) -> str:
    """Few amounts are shown again and again."""
    return str(amount)


@lru_cache(maxsize=256)
def moment(at: float) -> str:
    """RFC 3339, in whole seconds, which is what Anthropic sends."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float) -> str:
    """As Go writes it, which is what OpenAI sends: `17ms`, `1.5s`, `6m0s`, `26h3m4s`."""
    return _seconds(round(seconds * 1000)) if seconds < 60 else _minutes(round(seconds))


@lru_cache(maxsize=1024)
def _seconds(milliseconds: int) -> str:
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    return f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".") + "s"


@lru_cache(maxsize=1024)
def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"
