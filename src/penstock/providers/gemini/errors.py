"""Maps Google's errors (https://ai.google.dev/gemini-api/docs/troubleshooting, google.rpc.Status).

`error.status` decides, failing that the HTTP status; `details` say how long to wait (`RetryInfo`), which quota is used
up (`QuotaFailure`) and that a key is bad (`ErrorInfo`), which Google sends with status 400.
"""

from collections.abc import Mapping
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
from penstock.core.json import JsonObject, JsonValue, loads

_STATUS_OF: Final = MappingProxyType(
    {
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "OUT_OF_RANGE": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "ABORTED": 409,
        "ALREADY_EXISTS": 409,
        "RESOURCE_EXHAUSTED": 429,
        "CANCELLED": 499,
        "INTERNAL": 500,
        "UNKNOWN": 500,
        "DATA_LOSS": 500,
        "UNIMPLEMENTED": 501,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
    }
)
_BAD_KEY: Final = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED", "ACCESS_TOKEN_EXPIRED"})
_TOO_LONG: Final = ("exceeds the maximum number of tokens", "exceeds the maximum context", "input context is too long")
_MAX_SHOWN: Final = 500


class _Detail(msgspec.Struct, frozen=True):
    reason: str = ""
    retry_after_s: float | None = None
    is_daily: bool = False


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
    """The error for an answer that is not 2xx.  Header names are in lower case."""
    return _mapped(status, _read(body), _seconds(headers.get("retry-after", "")))


def error_in_stream(error: JsonObject) -> PenstockError:
    """The error for `{"error": {…}}` inside a 200 answer."""
    code = error.get("code")
    return _mapped(code if isinstance(code, int) else 500, error, None)


def _mapped(http_status: int, error: JsonObject, wait_s: float | None) -> PenstockError:
    word, message = _text(error.get("status")), _text(error.get("message"))
    status = _STATUS_OF.get(word, http_status)
    known = _details(error.get("details"))
    detail = f"{http_status} {word} {known.reason}: {message}"
    wait_s = wait_s if known.retry_after_s is None else known.retry_after_s
    if known.reason in _BAD_KEY or status in {401, 403}:
        return UpstreamAuthFailed(
            "The provider does not accept our credential.", detail=detail, upstream_status=http_status
        )
    if status == 429:
        throttled = UpstreamThrottled(
            "The provider's rate limit is reached.", retry_after_s=wait_s, detail=detail, upstream_status=http_status
        )
        if known.is_daily:
            throttled.retry = "other"  # the wait would last until tomorrow
        return throttled
    if status in {408, 504}:
        return UpstreamTimeout("The provider took too long.", phase="total", detail=detail)
    if status >= 500 or status in {409, 499}:
        return UpstreamUnavailable(
            "The provider failed.", retry_after_s=wait_s, detail=detail, upstream_status=http_status
        )
    if status < 400:
        return UpstreamProtocolError(
            "The provider sent an answer that cannot be read.", detail=detail, upstream_status=http_status
        )
    if any(words in message for words in _TOO_LONG):
        return ContextTooLong("The conversation is longer than the model can read.", detail=detail)
    said = f": {message[:_MAX_SHOWN]}" if message else "."
    refused = UpstreamRefused(f"The provider refused the request{said}", upstream_status=status, detail=detail)
    if status == 404 or word == "FAILED_PRECONDITION":
        refused.retry = "other"  # no such model here, or none for our place: another target may have one
    return refused


def _read(body: bytes) -> JsonObject:
    try:
        document = loads(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    if isinstance(document, list) and document:  # what streamGenerateContent answers without alt=sse
        document = document[0]
    if isinstance(document, dict):
        error = document.get("error")
        if isinstance(error, dict):
            return error
        if isinstance(error, str):
            return {"message": error}
    return {}


def _details(details: JsonValue) -> _Detail:
    reason, wait_s, is_daily = "", None, False
    for entry in details if isinstance(details, list) else ():
        match entry:
            case {"retryDelay": str(delay)}:
                wait_s = _seconds(delay.removesuffix("s"))
            case {"reason": str(word)}:
                reason = word
            case {"violations": list(violations)}:
                ids = [_text(v.get("quotaId")) for v in violations if isinstance(v, dict)]
                is_daily = is_daily or any("PerDay" in quota for quota in ids)
            case _:
                pass
    return _Detail(reason, wait_s, is_daily)


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
