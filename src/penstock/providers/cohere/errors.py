"""Maps Cohere's errors (https://docs.cohere.com/reference/errors): a status and `{"message": …}`."""

from collections.abc import Mapping
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
from penstock.core.json import loads

_MAX_SHOWN: Final = 500
_TOO_LONG: Final = ("too many tokens", "exceeds the maximum context", "exceed the limit of")
_QUOTA: Final = ("/ month", "per month", "billing", "payment")


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
    """The error for an answer that is not 2xx.  Header names are in lower case."""
    message = _message(body)
    lower = message.lower()
    detail = f"{status}: {message}"
    wait_s = _seconds(headers.get("retry-after", ""))
    if status in {401, 402, 403, 498}:  # 498: a token that is invalid or was revoked
        return UpstreamAuthFailed("The provider does not accept our credential.", detail=detail, upstream_status=status)
    if status == 429:
        throttled = UpstreamThrottled(
            "The provider's rate limit is reached.", retry_after_s=wait_s, detail=detail, upstream_status=status
        )
        if any(words in lower for words in _QUOTA):
            throttled.retry = "other"  # the wait would last until the next month
        return throttled
    if status in {408, 504}:
        return UpstreamTimeout("The provider took too long.", phase="total", detail=detail)
    if status >= 500 or status == 499:
        return UpstreamUnavailable("The provider failed.", retry_after_s=wait_s, detail=detail, upstream_status=status)
    if status < 400:
        return UpstreamProtocolError(
            "The provider sent an answer that cannot be read.", detail=detail, upstream_status=status
        )
    if any(words in lower for words in _TOO_LONG):
        return ContextTooLong("The conversation is longer than the model can read.", detail=detail)
    said = f": {message[:_MAX_SHOWN]}" if message else "."
    refused = UpstreamRefused(f"The provider refused the request{said}", upstream_status=status, detail=detail)
    if status == 404:
        refused.retry = "other"  # no such model here
    return refused


def _message(body: bytes) -> str:
    try:
        document = loads(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    if isinstance(document, dict):
        message = document.get("message", document.get("error"))
        return message if isinstance(message, str) else ""
    return ""


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None
