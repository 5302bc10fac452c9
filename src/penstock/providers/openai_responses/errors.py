"""Maps OpenAI's errors (https://platform.openai.com/docs/guides/error-codes), by code, then type, then status.

Errors also come inside an answer of status 200: `response.failed`, the `error` event, a failed response object.  They
carry no HTTP status, so each code is given the one that the API answers with for the same fault.  What the provider
says of the request itself is shown to the caller, who alone can mend it; what it says of our account, its load or its
faults goes to the log.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final

import msgspec

from penstock.core.errors import (
    ContextTooLong,
    PenstockError,
    UpstreamAuthFailed,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.json import JsonObject, JsonValue, loads
from penstock.core.usage import Usage

_STATUS_OF: Final[Mapping[str, int]] = MappingProxyType(
    {
        "rate_limit_exceeded": 429,
        "rate_limit_error": 429,
        "insufficient_quota": 429,
        "too_many_requests": 429,
        "server_error": 500,
        "internal_error": 500,
        "vector_store_timeout": 504,
        "data_residency_mismatch": 403,
        "invalid_api_key": 401,
        "authentication_error": 401,
        "model_not_found": 404,
        "not_found": 404,
        "context_length_exceeded": 400,
        "invalid_request_error": 400,
        "invalid_prompt": 400,
        "bio_policy": 400,
        "misalignment_policy_violation": 400,
        "content_filter": 400,
    }
)
"""`error.code` of https://platform.openai.com/docs/api-reference/responses/object; the codes about images are 400."""
_ABOUT_IMAGES: Final = "image"
_QUOTA: Final = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_TOO_LONG: Final = ("context_length_exceeded", "context_window_exceeded", "string_above_max_length")
_MAX_SHOWN: Final = 500


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
    """The error for an answer that is not 2xx.  Header names are in lower case."""
    return _mapped(status, _fields(_read(body)), _retry_after(headers))


def stream_error(event: JsonObject, usage: Usage | None = None) -> PenstockError:
    """The error that `event` is: `response.failed`, or `error` with its fields beside `type` or within `error`."""
    response = event.get("response")
    given = response.get("error") if isinstance(response, dict) else event.get("error", event)
    fields = {**given} if isinstance(given, dict) else {}
    if fields.get("type") == "error":
        del fields["type"]
    error = _mapped(_status_of(fields), fields, None)
    if usage is not None and isinstance(error, UpstreamError):
        error.usage = usage
    return error


def _mapped(status: int, fields: JsonObject, retry_after_s: float | None) -> PenstockError:
    code, message = _word(fields, "code") or _word(fields, "type"), _word(fields, "message")
    detail = f"{status} {code}: {message}"[:_MAX_SHOWN]
    if status == 429:
        throttled = UpstreamThrottled(
            "The provider's rate limit is reached.",
            retry_after_s=retry_after_s,
            detail=detail,
            upstream_status=status,
        )
        if code in _QUOTA:
            throttled.retry = "other"  # a spent quota does not come back within a request's time
        return throttled
    if status in (408, 504):
        return UpstreamTimeout("The provider took too long.", phase="total", detail=detail)
    if status >= 500:
        return UpstreamUnavailable(
            "The provider failed.", retry_after_s=retry_after_s, detail=detail, upstream_status=status
        )
    if status in (401, 402, 403) or code in _QUOTA:
        return UpstreamAuthFailed("The provider does not accept our credential.", detail=detail, upstream_status=status)
    if status in (400, 413) and (code in _TOO_LONG or "context window" in message or "maximum context" in message):
        return ContextTooLong("The conversation is longer than the model can read.", detail=detail)
    if 400 <= status < 500:
        said = f": {message[:_MAX_SHOWN]}" if message else "."
        refused = UpstreamRefused(
            f"The provider refused the request{said}",
            upstream_status=status,
            field=_word(fields, "param") or None,
            detail=detail,
        )
        if status in (404, 409):
            refused.retry = "other"  # no such model here, or a conflict of its own
        return refused
    return UpstreamProtocolError(
        "The provider sent an answer that cannot be read.", detail=detail, upstream_status=status
    )


def _status_of(fields: JsonObject) -> int:
    for name in ("code", "type"):
        word = fields.get(name)
        if isinstance(word, str):
            known = _STATUS_OF.get(word)
            if known is not None:
                return known
            if _ABOUT_IMAGES in word:
                return 400
            if word.isdecimal() and 400 <= int(word) <= 599:
                return int(word)
        elif isinstance(word, int) and 400 <= word <= 599:
            return word
    return 500


def _read(body: bytes) -> JsonValue:
    try:
        return loads(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _fields(document: JsonValue) -> JsonObject:
    """The fields of the error: in `error`, as OpenAI and most servers send them, else the document itself."""
    if not isinstance(document, dict):
        return {}
    error = document.get("error", document)
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _word(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as the sender's clock has it."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        stated = headers.get("retry-after")
        if stated is None:
            return None
        if stated.strip().replace(".", "", 1).isdecimal():
            return float(stated)
        waits = parsedate_to_datetime(stated) - parsedate_to_datetime(headers["date"])
        return max(0.0, waits.total_seconds())
    except (ValueError, KeyError, TypeError):
        return None
