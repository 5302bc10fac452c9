"""`x-ratelimit-*` headers in OpenAI's form (https://platform.openai.com/docs/guides/rate-limits), from counters.

`remaining` counts what other processes hold as theirs: it errs on the low side, by what they have leased ahead.
"""

from collections.abc import Sequence

from penstock.admission.limits.counter import Counter
from penstock.admission.limits.limit import UNITS

_REQUESTS = UNITS.index("requests")
_TOKENS = frozenset(UNITS.index(unit) for unit in ("tokens", "input_tokens", "output_tokens"))


def rate_limit_headers(counters: Sequence[Counter], now: float) -> tuple[tuple[str, str], ...]:
    """The tightest limit on requests and the tightest on tokens, at the store's time `now`."""
    requests = tokens = None
    for counter in counters:
        if counter.rule.is_shadow:
            continue
        if counter.unit == _REQUESTS:
            requests = _tighter(requests, counter)
        elif counter.unit in _TOKENS:
            tokens = _tighter(tokens, counter)
    found = () if requests is None else _of("requests", requests, now)
    return found if tokens is None else (*found, *_of("tokens", tokens, now))


def _tighter(known: Counter | None, other: Counter) -> Counter:
    if known is None or other.remaining * known.amount < known.remaining * other.amount:
        return other
    return known


def _of(word: str, counter: Counter, now: float) -> tuple[tuple[str, str], ...]:
    return (
        (f"x-ratelimit-limit-{word}", str(counter.amount)),
        (f"x-ratelimit-remaining-{word}", str(counter.remaining)),
        (f"x-ratelimit-reset-{word}", duration(max(0.0, counter.window.end - now))),
    )


def duration(seconds: float) -> str:
    """As Go writes it, which is what OpenAI sends: `17ms`, `1.5s`, `6m0s`, `26h3m4s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"
