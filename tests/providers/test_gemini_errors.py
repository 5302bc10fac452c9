"""Google's errors: what each means, and how long to wait."""

from typing import Any

import pytest

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
from penstock.core.json import dumps
from penstock.providers.gemini import GeminiUpstream


def google(status: str, message: str = "m", *details: Any) -> bytes:
    return dumps({"error": {"code": 1, "message": message, "status": status, "details": list(details)}})


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
DAILY = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerDayPerModel"}]}


@pytest.mark.parametrize(
    ("status", "body_", "kind", "retry"),
    [
        (400, google("INVALID_ARGUMENT"), UpstreamRefused, "never"),
        (400, google("INVALID_ARGUMENT", "API key not valid.", BAD_KEY), UpstreamAuthFailed, "other"),
        (400, google("FAILED_PRECONDITION"), UpstreamRefused, "other"),
        (400, google("INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
         ContextTooLong, "other"),
        (401, google("UNAUTHENTICATED"), UpstreamAuthFailed, "other"),
        (403, google("PERMISSION_DENIED"), UpstreamAuthFailed, "other"),
        (404, google("NOT_FOUND"), UpstreamRefused, "other"),
        (429, google("RESOURCE_EXHAUSTED"), UpstreamThrottled, "same"),
        (429, google("RESOURCE_EXHAUSTED", "m", DAILY), UpstreamThrottled, "other"),
        (499, google("CANCELLED"), UpstreamUnavailable, "same"),
        (500, google("INTERNAL"), UpstreamUnavailable, "same"),
        (503, google("UNAVAILABLE"), UpstreamUnavailable, "same"),
        (504, google("DEADLINE_EXCEEDED"), UpstreamTimeout, "other"),
        (502, b"<html>bad gateway</html>", UpstreamUnavailable, "same"),
        (413, b"", UpstreamRefused, "never"),
        (302, b"", UpstreamProtocolError, "same"),
        (429, b"[" + google("RESOURCE_EXHAUSTED") + b"]", UpstreamThrottled, "same"),
        (418, b"\xff", UpstreamRefused, "never"),
    ],
)  # fmt: skip
def test_every_error_of_google_has_its_meaning(
    status: int, body_: bytes, kind: type[PenstockError], retry: str
) -> None:
    error = GeminiUpstream().error(status, {}, body_)
    assert type(error) is kind
    assert error.retry == retry


def test_google_says_how_long_to_wait() -> None:
    error = GeminiUpstream().error(429, {"retry-after": "9"}, google("RESOURCE_EXHAUSTED", "m", RETRY_INFO))
    assert error.retry_after_s == 34.5
    assert GeminiUpstream().error(503, {"retry-after": "9"}, google("UNAVAILABLE")).retry_after_s == 9.0
