"""Writes errors as Anthropic does (https://platform.claude.com/docs/en/api/errors)."""

from types import MappingProxyType
from typing import Final

from penstock.core.errors import PenstockError
from penstock.core.json import JsonObject, dumps

_KINDS: Final = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        405: "invalid_request_error",
        408: "timeout_error",
        409: "conflict_error",
        413: "request_too_large",
        415: "invalid_request_error",
        422: "invalid_request_error",
        429: "rate_limit_error",
        503: "overloaded_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
)


def error_kind(status: int) -> str:
    """Anthropic's name for an error of that HTTP status."""
    return _KINDS.get(status) or ("invalid_request_error" if 400 <= status < 500 else "api_error")


def encode_error(error: PenstockError, request_id: str) -> bytes:
    """The body of an error, before the first byte of an answer and inside a stream alike."""
    details: JsonObject = {"error_code": error.code}
    if error.field is not None:
        details["field"] = error.field
    return dumps(
        {
            "type": "error",
            "error": {"type": error_kind(error.status), "message": error.public, "details": details},
            "request_id": request_id,
        }
    )
