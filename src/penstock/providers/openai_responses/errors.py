"""Errors that come inside an answer of status 200: `response.failed`, the `error` event, a failed response object.

They carry no HTTP status, so each code is given the one that the API answers with for the same fault, and is then
mapped as any error of OpenAI's is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.core.errors import PenstockError, UpstreamError
from penstock.core.json import JsonObject, dumps
from penstock.core.usage import Usage
from penstock.providers.openai_chat.errors import map_error

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


def stream_error(event: JsonObject, usage: Usage | None = None) -> PenstockError:
    """The error that `event` is: `response.failed`, or `error` with its fields beside `type` or within `error`."""
    response = event.get("response")
    given = response.get("error") if isinstance(response, dict) else event.get("error", event)
    fields = {**given} if isinstance(given, dict) else {}
    if fields.get("type") == "error":
        del fields["type"]
    error = map_error(_status_of(fields), {}, dumps({"error": fields}))
    if usage is not None and isinstance(error, UpstreamError):
        error.usage = usage
    return error


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
