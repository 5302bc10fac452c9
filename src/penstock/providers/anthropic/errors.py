"""Maps Anthropic's errors (https://platform.claude.com/docs/en/api/errors), by type and, failing that, by status.

What the provider says of the request itself (400, 404, 413, 422) is shown to the caller, who alone can mend it; what
it says of our account, its load or its faults goes to the log.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final

import msgspec

from penstock.core.errors import (
    ContextTooLong,
    PenstockError,
    UpstreamAuthFailed,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.json import JsonObject, loads

_STATUS_OF: Final = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "timeout_error": 504,
        "conflict_error": 409,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "overloaded_error": 529,
    }
)
_TOO_LONG: Final = (
    "prompt is too long",
    "input is too long",
    "exceed context limit",
    "exceeds the context window",
    "exceeds the maximum number of tokens",
    "context window",
)
_BILLING: Final = ("credit balance", "billing", "usage limits")
_LIMITS: Final = ("requests", "tokens", "input-tokens", "output-tokens")
_MAX_SHOWN: Final = 500


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
    """The error for an answer that is not 2xx.  Header names are in lower case."""
    kind, message = _read(body)
    return _mapped(status, kind, message, _retry_after(headers))


def error_in_stream(event: JsonObject) -> PenstockError:
    """The error for `{"type": "error", "error": {…}}` inside a 200 answer."""
    kind, message = _fields(event)
    return _mapped(_STATUS_OF.get(kind, 500), kind, message, None)


def _mapped(status: int, kind: str, message: str, retry_after_s: float | None) -> PenstockError:
    detail = f"{status} {kind}: {message}"
    if kind in {"overloaded_error", "api_error"} or status >= 500:
        if kind == "timeout_error" or status == 504:
            return _timeout(status, detail)
        text = "The provider is overloaded." if kind == "overloaded_error" else "The provider failed."
        return UpstreamUnavailable(text, retry_after_s=retry_after_s, detail=detail, upstream_status=status)
    if status == 429 or kind == "rate_limit_error":
        return UpstreamThrottled(
            "The provider's rate limit is reached.",
            retry_after_s=retry_after_s,
            detail=detail,
            upstream_status=status,
        )
    lower = message.lower()
    is_ours = status in {401, 402, 403} or (status == 400 and any(word in lower for word in _BILLING))
    if is_ours:
        return UpstreamAuthFailed("The provider does not accept our credential.", detail=detail, upstream_status=status)
    if status == 408:
        return _timeout(status, detail)
    if status in {400, 413} and any(words in lower for words in _TOO_LONG):
        return ContextTooLong("The conversation is longer than the model can read.", field="messages", detail=detail)
    if 400 <= status < 500:
        said = f": {message[:_MAX_SHOWN]}" if message else "."
        refused = UpstreamRefused(f"The provider refused the request{said}", upstream_status=status, detail=detail)
        if status in {404, 409}:
            refused.retry = "other"  # no such model here, or a conflict of its own
        return refused
    return UpstreamProtocolError(
        "The provider sent an answer that cannot be read.", detail=detail, upstream_status=status
    )


def _timeout(status: int, detail: str) -> UpstreamTimeout:
    timeout = UpstreamTimeout("The provider took too long.", phase="total", detail=detail)
    timeout.upstream_status = status
    return timeout


def _read(body: bytes) -> tuple[str, str]:
    try:
        document = loads(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", body[:_MAX_SHOWN].decode("utf-8", "replace") if body[:1] != b"<" else ""
    return _fields(document) if isinstance(document, dict) else ("", "")


def _fields(document: JsonObject) -> tuple[str, str]:
    error = document.get("error")
    if not isinstance(error, dict):
        return "", ""
    kind, message = error.get("type"), error.get("message")
    return kind if isinstance(kind, str) else "", message if isinstance(message, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `retry-after`, else the time until the used-up limit is filled again, by the sender's clock."""
    stated = headers.get("retry-after")
    sent_at = _date(headers.get("date"))
    if stated is not None:
        try:
            return max(0.0, float(stated))
        except ValueError:
            until = _date(stated)
            if until is not None and sent_at is not None:
                return max(0.0, (until - sent_at).total_seconds())
    if sent_at is None:
        return None
    waits = [
        (reset - sent_at).total_seconds()
        for limit in _LIMITS
        if headers.get(f"anthropic-ratelimit-{limit}-remaining") == "0"
        and (reset := _timestamp(headers.get(f"anthropic-ratelimit-{limit}-reset"))) is not None
    ]
    return max(0.0, *waits) if waits else None


def _date(text: str | None) -> datetime | None:
    try:
        return None if text is None else parsedate_to_datetime(text)
    except ValueError:
        return None


def _timestamp(text: str | None) -> datetime | None:
    try:
        when = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when is not None and when.tzinfo is not None else None
