"""Every status and every known code has its place; nothing of a key or of our insides reaches a caller."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import (
    ContentRefused,
    ContextTooLong,
    PenstockError,
    UpstreamAuthFailed,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.providers.openai_chat import map_error
from penstock.providers.openai_chat.errors import parse_duration_s, retry_after_s


def openai(message: str = "m", kind: str | None = None, code: Any = None, param: str | None = None) -> bytes:
    return msgspec.json.encode({"error": {"message": message, "type": kind, "code": code, "param": param}})


TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."

MAPPED: list[tuple[int, bytes, type[PenstockError], str]] = [
    (400, openai("Bad", "invalid_request_error", None, "n"), UpstreamRefused, "never"),
    (400, openai("x", "invalid_request_error", "context_length_exceeded"), ContextTooLong, "other"),
    (400, openai(TOO_LONG), ContextTooLong, "other"),
    (
        400,
        b'{"message":"Prompt contains 9 tokens, too large for model with 1 maximum context length"}',
        ContextTooLong,
        "other",
    ),
    (413, openai("Please reduce the length of the messages"), ContextTooLong, "other"),
    (413, openai("Request too large"), UpstreamRefused, "never"),
    (400, openai("filtered", None, "content_filter"), ContentRefused, "never"),
    (400, openai("k", "invalid_request_error", "invalid_api_key"), UpstreamAuthFailed, "other"),
    (401, openai("Incorrect API key provided: sk-abcdefgh", None, "invalid_api_key"), UpstreamAuthFailed, "other"),
    (403, openai("Country not supported", None, "unsupported_country_region_territory"), UpstreamAuthFailed, "other"),
    (403, openai("Your chosen model requires moderation and your input was flagged"), ContentRefused, "never"),
    (402, openai("Insufficient Balance"), UpstreamThrottled, "other"),
    (404, openai("No such model", None, "model_not_found"), UpstreamRefused, "other"),
    (404, openai("No deployment", None, "DeploymentNotFound"), UpstreamRefused, "other"),
    (408, b"", UpstreamTimeout, "other"),
    (409, openai("conflict"), UpstreamUnavailable, "same"),
    (418, b"", UpstreamRefused, "never"),
    (422, b'{"detail":[{"loc":["body","n"],"msg":"extra","type":"x"}]}', UpstreamRefused, "never"),
    (429, openai("Rate limit", "requests", "rate_limit_exceeded"), UpstreamThrottled, "same"),
    (
        429,
        openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
        UpstreamThrottled,
        "other",
    ),
    (498, b"", UpstreamUnavailable, "same"),
    (500, openai("oops", "server_error"), UpstreamUnavailable, "same"),
    (502, b"<html><h1>Bad gateway</h1></html>", UpstreamUnavailable, "same"),
    (503, b"", UpstreamUnavailable, "same"),
    (529, openai("overloaded"), UpstreamUnavailable, "same"),
    (302, b"", UpstreamProtocolError, "same"),
]


@pytest.mark.parametrize(("status", "body", "kind", "retry"), MAPPED)
def test_each_status_and_code_has_its_error(status: int, body: bytes, kind: type[PenstockError], retry: str) -> None:
    error = map_error(status, {}, body)
    assert type(error) is kind
    assert error.retry == retry
    assert "sk-" not in error.public + str(error)


@given(
    status=st.integers(300, 599),
    body=st.binary(max_size=60)
    | st.sampled_from([b'{"error":5}', b'{"error":{"message":{}}}', b'[{"error":"x"}]', b'{"message":[1]}']),
)
@settings(max_examples=300, deadline=None)
def test_no_answer_is_without_an_error(status: int, body: bytes) -> None:
    error = map_error(status, {"retry-after": "soon"}, body)
    assert error.public
    assert len(error.public) <= 500
    if status >= 500:
        assert isinstance(error, UpstreamUnavailable)


def test_what_the_provider_says_of_the_request_is_shown_and_clipped() -> None:
    error = map_error(400, {}, openai("Bad `n`.", "invalid_request_error", None, "n"))
    assert (error.public, error.field, error.status) == ("Bad `n`.", "n", 400)
    assert len(map_error(400, {}, openai("x" * 900)).public) == 500
    assert map_error(422, {}, b'{"detail":[{"loc":["body","n"],"msg":"extra"}]}').public == "body.n: extra"
    assert map_error(400, {}, b'"just text"').public == "The provider refused the request with status 400."


@pytest.mark.parametrize(
    "secret", ["sk-proj-abc123DEF", "gsk_abcdefghij", "org-AbCdEf123", "Bearer abcdef", "sk-a***************xyz"]
)
def test_no_fragment_of_a_key_is_shown_or_logged(secret: str) -> None:
    for status in (400, 401, 404, 429, 500):
        error = map_error(status, {}, openai(f"The key {secret} may not do this."))
        assert secret not in error.public + str(error)


def test_what_went_wrong_on_their_side_is_not_shown() -> None:
    for status in (401, 429, 500):
        assert "insides" not in map_error(status, {}, openai("their insides")).public


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, None),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "999999999"}, 3600.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        (
            {
                "x-ratelimit-remaining-requests": "99",
                "x-ratelimit-reset-requests": "8h",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "120ms",
            },
            0.12,
        ),
    ],
)
def test_the_wait_is_read_from_the_most_exact_header(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == (None if seconds is None else pytest.approx(seconds))


def test_the_wait_may_stand_in_the_message() -> None:
    throttled = map_error(429, {}, openai("Rate limit reached. Please try again in 1m1.5s. Visit us."))
    assert throttled.retry_after_s == pytest.approx(61.5)
    assert map_error(429, {"retry-after": "9"}, openai("", None, "insufficient_quota")).retry_after_s is None


@pytest.mark.parametrize("text", ["", "soon", "1x", "1s and more", "-1s"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration_s(text) is None
