"""Maps Bedrock's exceptions, by name and, failing that, by status; the same names come inside a stream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors and, for
those that every AWS service has, https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html.
"""

import re
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
from penstock.core.json import JsonValue, loads
from penstock.providers.bedrock.frames import Message

_STATUS_OF: Final = MappingProxyType(
    {
        "accessdeniedexception": 403,
        "expiredtoken": 403,
        "expiredtokenexception": 403,
        "incompletesignature": 403,
        "incompletesignatureexception": 403,
        "internalfailure": 500,
        "internalservererror": 500,
        "internalserverexception": 500,
        "invalidclienttokenid": 403,
        "invalidsignatureexception": 403,
        "missingauthenticationtoken": 403,
        "missingauthenticationtokenexception": 403,
        "modelerrorexception": 424,
        "modelnotreadyexception": 503,
        "modelstreamerrorexception": 424,
        "modeltimeoutexception": 408,
        "notauthorized": 403,
        "optinrequired": 403,
        "requestexpired": 403,
        "resourcenotfoundexception": 404,
        "servicequotaexceededexception": 429,
        "serviceunavailable": 503,
        "serviceunavailableexception": 503,
        "throttlingexception": 429,
        "toomanyrequestsexception": 429,
        "unrecognizedclientexception": 403,
        "validationerror": 400,
        "validationexception": 400,
    }
)
_TOO_LONG: Final = (
    "input is too long",
    "prompt is too long",
    "too many input tokens",
    "exceeds the maximum number of tokens",
    "exceed context limit",
    "maximum context length",
    "context window",
    "input token count",
)
_MAX_SHOWN: Final = 500
_ARN: Final = re.compile(r"\barn:[\w-]+:\S+")
"""Names our AWS account, which is no caller's business."""


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
    """The error for an answer that is not 2xx.  Header names are in lower case."""
    kind, message = _read(body)
    named = headers.get("x-amzn-errortype")
    if named:
        kind = named.partition(":")[0]
    try:
        retry_after_s = max(0.0, float(headers["retry-after"])) if "retry-after" in headers else None
    except ValueError:
        retry_after_s = None
    return _mapped(status, kind.rpartition("#")[2], message, retry_after_s)


def error_in_stream(frame: Message) -> PenstockError:
    """The error for an `exception` or `error` message inside a 200 answer."""
    _, message = _read(frame.payload)
    return _mapped(None, frame.name, message or frame.note, None)


def _mapped(sent: int | None, kind: str, message: str, retry_after_s: float | None) -> PenstockError:
    """`sent` is the HTTP status, None inside a stream.  A known name says more than the status."""
    status = _STATUS_OF.get(kind.lower(), 500 if sent is None else sent)
    detail = f"{sent if sent is not None else 'in stream'} {kind}: {message}"
    lower = message.lower()
    if status == 429:
        return UpstreamThrottled(
            "The provider's rate limit is reached.", retry_after_s=retry_after_s, detail=detail, upstream_status=sent
        )
    if status in {408, 504}:
        timeout = UpstreamTimeout("The provider took too long.", phase="total", detail=detail)
        timeout.upstream_status = sent
        return timeout
    if status in {401, 402, 403}:
        return UpstreamAuthFailed("The provider does not accept our credential.", detail=detail, upstream_status=sent)
    if status >= 500 or status == 424:  # 424: the model, not the caller, has failed
        return UpstreamUnavailable(
            "The provider failed.", retry_after_s=retry_after_s, detail=detail, upstream_status=sent
        )
    if status in {400, 413} and any(words in lower for words in _TOO_LONG):
        return ContextTooLong("The conversation is longer than the model can read.", field="messages", detail=detail)
    if 400 <= status < 500:
        said = f": {_ARN.sub('(an ARN)', message)[:_MAX_SHOWN]}" if message else "."
        refused = UpstreamRefused(f"The provider refused the request{said}", upstream_status=status, detail=detail)
        if status in {404, 409}:
            refused.retry = "other"  # no such model here
        return refused
    return UpstreamProtocolError(
        "The provider sent an answer that cannot be read.", detail=detail, upstream_status=sent
    )


def _read(body: bytes) -> tuple[str, str]:
    try:
        document = loads(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", body[:_MAX_SHOWN].decode("utf-8", "replace") if body[:1] != b"<" else ""
    if not isinstance(document, dict):
        return "", ""
    return _text(document.get("__type")), _text(document.get("message")) or _text(document.get("Message"))


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
