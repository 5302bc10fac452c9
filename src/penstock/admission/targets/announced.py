"""What a provider says about its own rate limits, read from the headers of its answers.

`flow.attempt` (through `TargetGate`) hands over the headers of every answer, errors included; `pacer` keeps calls
within what was announced.  Forms that are read:

- OpenAI, Groq and others: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as Go durations (`6m0s`);
- Azure: the same with `x-ratelimit-renewalperiod-*` in seconds, and resets in bare milliseconds beside it;
- Mistral: the window in the name (`x-ratelimit-limit-tokens-minute`, `x-ratelimit-limit-req-10-second`);
- Anthropic: `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, RFC 3339;
- the IETF draft: `RateLimit` with `RateLimit-Policy` (versions 8 to 11), `RateLimit-{Limit,Remaining,Reset}` (to 6);
- `x-ratelimit-{limit,remaining,reset}` (Together, OpenRouter): seconds left, or a Unix time in seconds or milliseconds;
- `retry-after-ms`, `retry-after` (seconds or a date).

A value that is no positive number is not announced (Azure sends -1 and 0 where it keeps no count).
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Literal

import msgspec

Unit = Literal["requests", "tokens", "input_tokens", "output_tokens"]

_UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        "requests": "requests",
        "req": "requests",
        "tokens": "tokens",
        "input-tokens": "input_tokens",
        "output-tokens": "output_tokens",
    }
)
_PERIODS: Mapping[str, float] = MappingProxyType(
    {"second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0, "month": 2_592_000.0}
)
_DURATION_UNITS: Mapping[str, float] = MappingProxyType(
    {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_NAMED_WINDOW = re.compile(r"(req|requests|tokens)-(?:(\d+)-)?(second|minute|hour|day|month)")
_DRAFT_PARAMETER = re.compile(r";\s*([a-z]+)=(\d+)")
_UNIX_SECONDS_FROM = 1e9
_UNIX_MILLISECONDS_FROM = 1e11
_LONGEST_WAIT_S = 31 * 86_400.0


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """One announced limit.

    `remaining` of `limit` may still be used; `reset_s` from the answer on it will be whole again.  `period_s` is given
    where the provider names its window, and is otherwise for the reader to work out.
    """

    unit: Unit
    limit: float
    remaining: float
    reset_s: float | None = None
    period_s: float | None = None


class ProviderLimits(msgspec.Struct, frozen=True, kw_only=True):
    """One observation.  `retry_after_s` is what the provider asks us to wait."""

    quotas: tuple[Quota, ...] = ()
    retry_after_s: float | None = None


NOTHING_ANNOUNCED = ProviderLimits()


def read_limits(headers: Mapping[str, str], *, now: float) -> ProviderLimits:
    """Read what `headers` (lower-case names) announce; never raises.

    Times of day are taken relative to the answer's own `date`, and to `now` (Unix seconds) only where it has none.
    """
    retry_after_s: float | None = None
    names: list[str] = []
    for name in headers:
        if "ratelimit-" in name or name == "ratelimit":
            names.append(name)
        elif name.startswith("retry-after"):
            retry_after_s = 0.0
    if not names and retry_after_s is None:
        return NOTHING_ANNOUNCED
    quotas: list[Quota] = []
    for name in names:
        quota = _quota(name, headers, now)
        if quota is not None:
            quotas.append(quota)
    if retry_after_s is not None:
        retry_after_s = _retry_after_s(headers, now)
    return ProviderLimits(quotas=tuple(quotas), retry_after_s=retry_after_s)


def _quota(name: str, headers: Mapping[str, str], now: float) -> Quota | None:
    """The quota whose `remaining` header this is; None for every other header, so that each quota is found once."""
    if name.startswith("anthropic-ratelimit-"):
        if not name.endswith("-remaining"):
            return None
        stem = name.removesuffix("-remaining")
        unit = _UNITS.get(stem.removeprefix("anthropic-ratelimit-"))
        if unit is None:
            return None
        reset_s = _until(headers.get(f"{stem}-reset"), headers, now)
        return _made(unit, headers.get(f"{stem}-limit"), headers[name], reset_s, None)
    if name.startswith("x-ratelimit-remaining"):
        return _x_quota(name.removeprefix("x-ratelimit-remaining").removeprefix("-"), headers, now)
    if name == "ratelimit-remaining":
        period_s = _parameters(headers.get("ratelimit-policy", "")).get("w")
        reset_s = _until(headers.get("ratelimit-reset"), headers, now)
        limit = headers.get("ratelimit-limit", "").partition(",")[0]
        return _made("requests", limit, headers[name], reset_s, period_s)
    if name == "ratelimit":
        state, policy = _parameters(headers[name]), _parameters(headers.get("ratelimit-policy", ""))
        if "r" not in state or "q" not in policy:
            return None
        return _made("requests", str(policy["q"]), str(state["r"]), state.get("t"), policy.get("w"))
    return None


def _x_quota(what: str, headers: Mapping[str, str], now: float) -> Quota | None:
    suffix = f"-{what}" if what else ""
    limit = headers.get(f"x-ratelimit-limit{suffix}")
    remaining = headers[f"x-ratelimit-remaining{suffix}"]
    reset = headers.get(f"x-ratelimit-reset{suffix}")
    if not what:
        return _made("requests", limit, remaining, _until(reset, headers, now), None)
    unit = _UNITS.get(what)
    if unit is not None:
        period_s = _number(headers.get(f"x-ratelimit-renewalperiod-{what}"))
        if period_s is not None:
            milliseconds = _number(reset)
            return _made(unit, limit, remaining, None if milliseconds is None else milliseconds / 1000.0, period_s)
        return _made(unit, limit, remaining, _until(reset, headers, now), None)
    window = _NAMED_WINDOW.fullmatch(what)
    if window is None:
        return None
    period_s = float(window[2] or 1) * _PERIODS[window[3]]
    return _made(_UNITS[window[1]], limit, remaining, _until(reset, headers, now), period_s)


def _made(unit: Unit, limit: str | None, remaining: str, reset_s: float | None, period_s: float | None) -> Quota | None:
    most, left = _number(limit), _number(remaining)
    if most is None or left is None or most <= 0.0 or left < 0.0:
        return None
    if reset_s is not None:
        reset_s = min(max(0.0, reset_s), _LONGEST_WAIT_S)
    return Quota(
        unit=unit,
        limit=most,
        remaining=min(left, most),
        reset_s=reset_s,
        period_s=period_s if period_s is not None and period_s > 0.0 else None,
    )


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(text: str | None, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from the answer to the moment that `text` names, in whichever of the forms above."""
    if text is None:
        return None
    duration_s = _duration_s(text)
    if duration_s is not None:
        return duration_s
    value = _number(text)
    if value is not None:
        if value >= _UNIX_MILLISECONDS_FROM:
            return value / 1000.0 - _sent_at(headers, now)
        return value - _sent_at(headers, now) if value >= _UNIX_SECONDS_FROM else value
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - _sent_at(headers, now)


def _sent_at(headers: Mapping[str, str], now: float) -> float:
    sent_at = _date(headers.get("date"))
    return now if sent_at is None else sent_at


def _duration_s(text: str) -> float | None:
    """A Go duration (`6m0s`, `1.5s`, `120ms`)."""
    part = _DURATION_PART.match(text)
    if part is None:
        return None
    total_s, length = 0.0, len(text)
    while part is not None:
        total_s += float(part[1]) * _DURATION_UNITS[part[2]]
        if part.end() == length:
            return total_s
        part = _DURATION_PART.match(text, part.end())
    return None


def _parameters(text: str) -> dict[str, float]:
    """The numbers of the first item of a structured field (`"default";r=50;t=30`, `100;w=60`)."""
    first = text.partition(",")[0]
    return {key: float(value) for key, value in _DRAFT_PARAMETER.findall(first)}


def _retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(max(0.0, milliseconds / 1000.0), _LONGEST_WAIT_S)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None:
        until = _date(text)
        seconds = None if until is None else until - _sent_at(headers, now)
    return None if seconds is None else min(max(0.0, seconds), _LONGEST_WAIT_S)


def _date(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
