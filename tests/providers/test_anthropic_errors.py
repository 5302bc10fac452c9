"""Anthropic's errors: their classes, whether to ask again, and when."""

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
from penstock.providers.anthropic import AnthropicUpstream

BAD_REQUEST = "invalid_request_error"


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected", "retry"),
    [
        (400, BAD_REQUEST, "max_tokens: too many", UpstreamRefused, "never"),
        (400, BAD_REQUEST, "prompt is too long: 208310 tokens > 200000 maximum", ContextTooLong, "other"),
        (400, BAD_REQUEST, "input length and `max_tokens` exceed context limit: 1 + 2", ContextTooLong, "other"),
        (400, BAD_REQUEST, "Your credit balance is too low to access the API", UpstreamAuthFailed, "other"),
        (401, "authentication_error", "invalid x-api-key", UpstreamAuthFailed, "other"),
        (402, "billing_error", "pay", UpstreamAuthFailed, "other"),
        (403, "permission_error", "not this workspace", UpstreamAuthFailed, "other"),
        (404, "not_found_error", "model: claude-9", UpstreamRefused, "other"),
        (408, "", "", UpstreamTimeout, "other"),
        (409, "conflict_error", "busy", UpstreamRefused, "other"),
        (413, "request_too_large", "Request exceeds the maximum size", UpstreamRefused, "never"),
        (422, BAD_REQUEST, "no", UpstreamRefused, "never"),
        (429, "rate_limit_error", "slow down", UpstreamThrottled, "same"),
        (500, "api_error", "oops", UpstreamUnavailable, "same"),
        (502, "", "", UpstreamUnavailable, "same"),
        (503, "", "", UpstreamUnavailable, "same"),
        (504, "timeout_error", "late", UpstreamTimeout, "other"),
        (529, "overloaded_error", "Overloaded", UpstreamUnavailable, "same"),
        (302, "", "", UpstreamProtocolError, "same"),
    ],
)
def test_every_error_has_its_class_and_its_retry(
    status: int, kind: str, message: str, expected: type[PenstockError], retry: str
) -> None:
    body = dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"})
    error = AnthropicUpstream().error(status, {}, body)
    assert type(error) is expected
    assert error.retry == retry
    if expected is UpstreamRefused:
        assert error.status == status
        assert message in error.public
    elif message:
        assert message not in error.public


def test_no_status_is_left_without_an_error() -> None:
    for status in (*range(300, 600), 999):
        for body in (b"", b"<html>gateway</html>", b"{}", b'{"error": 1}', b'{"error": {"type": 1, "message": []}}'):
            assert isinstance(AnthropicUpstream().error(status, {}, body), PenstockError)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "39"}, 39.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:09 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 9.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
        (
            {
                "date": "Sat, 21 Nov 2026 10:00:00 GMT",
                "anthropic-ratelimit-requests-remaining": "3",
                "anthropic-ratelimit-requests-reset": "2026-11-21T10:00:40Z",
                "anthropic-ratelimit-output-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "2026-11-21T10:00:20Z",
            },
            20.0,
        ),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(headers: dict[str, str], wait_s: float | None) -> None:
    body = dumps({"type": "error", "error": {"type": "rate_limit_error", "message": "m"}})
    assert AnthropicUpstream().error(429, headers, body).retry_after_s == wait_s
