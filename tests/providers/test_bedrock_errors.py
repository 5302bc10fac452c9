"""Exceptions of AWS: every one that it declares has its class, also inside a stream."""

import pytest
from tests.providers.bedrock_frames import START, UPSTREAM, decoder, delta, frame, service_model

from penstock.core.errors import (
    ContextTooLong,
    PenstockError,
    UpstreamAuthFailed,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.json import dumps

EXCEPTIONS: tuple[tuple[str, int, str, type[PenstockError], str], ...] = (
    ("ValidationException", 400, "The provided model identifier is invalid.", UpstreamRefused, "never"),
    ("ValidationException", 400, "Input is too long for requested model.", ContextTooLong, "other"),
    ("AccessDeniedException", 403, "You don't have access", UpstreamAuthFailed, "other"),
    ("UnrecognizedClientException", 403, "The security token is invalid", UpstreamAuthFailed, "other"),
    ("ExpiredTokenException", 403, "expired", UpstreamAuthFailed, "other"),
    ("InvalidSignatureException", 403, "signature", UpstreamAuthFailed, "other"),
    ("ResourceNotFoundException", 404, "no such model", UpstreamRefused, "other"),
    ("ModelTimeoutException", 408, "late", UpstreamTimeout, "other"),
    ("ModelErrorException", 424, "broken", UpstreamUnavailable, "same"),
    ("ModelStreamErrorException", 424, "broken", UpstreamUnavailable, "same"),
    ("ThrottlingException", 429, "Too many tokens, please wait", UpstreamThrottled, "same"),
    ("ServiceQuotaExceededException", 400, "quota", UpstreamThrottled, "same"),
    ("ModelNotReadyException", 429, "not ready", UpstreamUnavailable, "same"),
    ("InternalServerException", 500, "oops", UpstreamUnavailable, "same"),
    ("ServiceUnavailableException", 503, "busy", UpstreamUnavailable, "same"),
)


@pytest.mark.parametrize(("name", "status", "message", "expected", "retry"), EXCEPTIONS)
def test_every_exception_has_its_class_and_its_retry(
    name: str, status: int, message: str, *, expected: type[PenstockError], retry: str
) -> None:
    by_header = UPSTREAM.error(
        status, {"x-amzn-errortype": f"{name}:http://internal.amazon.com/x"}, dumps({"message": message})
    )
    by_body = UPSTREAM.error(status, {}, dumps({"__type": f"com.amazon.coral#{name}", "Message": message}))
    for error in (by_header, by_body):
        assert type(error) is expected
        assert error.retry == retry
        assert error.detail is not None
        assert message in error.detail
        assert (message in error.public) == (expected is UpstreamRefused)


def test_every_exception_that_aws_declares_is_in_the_table() -> None:
    known = {name for name, *_ in EXCEPTIONS}
    for operation in ("Converse", "ConverseStream"):
        assert {shape.name for shape in service_model().operation_model(operation).error_shapes} <= known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("throttlingException", UpstreamThrottled),
        ("modelStreamErrorException", UpstreamUnavailable),
        ("internalServerException", UpstreamUnavailable),
        ("serviceUnavailableException", UpstreamUnavailable),
        ("validationException", UpstreamRefused),
        ("ofTomorrowException", UpstreamUnavailable),
    ],
)
def test_an_exception_inside_a_stream_is_mapped_by_its_name(name: str, expected: type[PenstockError]) -> None:
    reader = decoder(stream=True)
    assert len(reader.feed(START + delta(0, text="a"))) == 2
    with pytest.raises(expected):
        reader.feed(frame(name, {"message": "said"}, kind="exception"))


def test_no_status_is_left_without_an_error() -> None:
    for status in (*range(300, 600), 999):
        for body in (b"", b"<html>", b"[]", b'{"message": 1}'):
            assert isinstance(UPSTREAM.error(status, {"retry-after": "soon"}, body), PenstockError)


def test_an_error_does_not_name_our_account() -> None:
    said = "No access to arn:aws:bedrock:us-east-1:123456789012:inference-profile/x, ask for it."
    error = UPSTREAM.error(404, {}, dumps({"message": said}))
    assert "123456789012" not in error.public
    assert "ask for it" in error.public


def test_how_long_to_wait_is_read_from_the_header() -> None:
    assert UPSTREAM.error(429, {"retry-after": "3"}, b"").retry_after_s == 3.0
