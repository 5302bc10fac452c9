"""The errors of OpenAI and of the servers that copy it, mapped onto ours.

Their shapes differ: `{"error": {"message", "type", "param", "code"}}` (OpenAI, most others), `{"message", "code"}`
(Mistral), `{"detail"}` (FastAPI servers), a list (Google), a plain string or a page of HTML.  The status decides first,
then `code` and `type`; a message decides only where a server says it nowhere else (a context that is too long).
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

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
from penstock.core.json import JsonValue, loads

_MOST_SHOWN: Final = 500
_MOST_LOGGED: Final = 2000
_MOST_WAIT_S: Final = 3600.0
_SECRET: Final = re.compile(r"\b(?:sk|pk|rk|gsk|xai|csk|key|org|proj|user|acct)[-_][A-Za-z0-9*_\-.]{6,}|\bBearer\s+\S+")
_TOO_LONG: Final = re.compile(
    r"maximum context length|context[ _]length[ _]exceeded|context window|prompt is too long|too many tokens"
    r"|reduce the length of the (?:messages|prompt|input)|(?:prompt|input) (?:token )?length .{0,40}exceeds"
    r"|exceeds? (?:the )?(?:model'?s )?(?:max(?:imum)? )?context|please reduce your prompt",
    re.IGNORECASE,
)
_NO_MONEY: Final = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_credits",
        "payment_required",
    }
)
_NO_KEY: Final = frozenset(
    {"invalid_api_key", "invalid_authentication", "authentication_error", "account_deactivated", "no_api_key"}
)
_NO_MODEL: Final = frozenset({"model_not_found", "DeploymentNotFound", "model_not_available", "model_decommissioned"})
_FILTERED: Final = frozenset(
    {"content_filter", "content_policy_violation", "invalid_prompt", "bio_policy", "misalignment_policy_violation"}
)
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S: Final = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0))
_TRY_AGAIN: Final = re.compile(r"try again in ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)", re.IGNORECASE)


class Complaint(msgspec.Struct, frozen=True):
    """What a server said of its failure, whatever the shape."""

    message: str = ""
    code: str = ""
    kind: str = ""
    param: str | None = None
    status: int | None = None

    @property
    def words(self) -> frozenset[str]:
        return frozenset((self.code, self.kind))


def map_error(status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
    """Map an answer that is not 2xx.  Header names are in lower case.

    All are `UpstreamError`s but one: a context that is too long is the caller's to shorten, a `ContextTooLong`.
    """
    return _map(status, _read_body(body), retry_after_s(headers), body)


def streamed_error(given: JsonValue) -> PenstockError:
    """Map an error object sent with status 200 or inside a stream, by the status it names or its type."""
    complaint = _read(given)
    return _map(complaint.status or _status_of(complaint), complaint, None, b"")


def _map(status: int, complaint: Complaint, wait_s: float | None, body: bytes) -> PenstockError:
    detail = _detail(status, complaint, body)
    words = complaint.words
    if status < 400:
        return UpstreamProtocolError(
            "The provider sent an answer that cannot be read.", detail=detail, upstream_status=status
        )
    if status in {401, 403, 407} and not _is_moderation(complaint):
        return UpstreamAuthFailed("The provider does not accept our credential.", detail=detail, upstream_status=status)
    if words & _NO_KEY and status < 500:
        return UpstreamAuthFailed("The provider does not accept our credential.", detail=detail, upstream_status=status)
    if status in {402, 429} or (words & _NO_MONEY and status < 500):
        return _throttled(status, complaint, wait_s, detail)
    if status == 408:
        timeout = UpstreamTimeout("The provider took too long.", phase="first_event", detail=detail)
        timeout.upstream_status = status
        return timeout
    if status >= 500 or status in {409, 421, 423, 425, 498, 499}:
        return UpstreamUnavailable(
            "The provider is not available.", retry_after_s=wait_s, detail=detail, upstream_status=status
        )
    if status in {400, 413, 422} and ("context_length_exceeded" in words or _TOO_LONG.search(complaint.message)):
        return ContextTooLong(
            _public(complaint, "The input is too long for this model."), field="messages", detail=detail
        )
    kind = ContentRefused if _is_moderation(complaint) else UpstreamRefused
    refused = kind(
        _public(complaint, f"The provider refused the request with status {status}."),
        upstream_status=status,
        field=complaint.param,
        detail=detail,
    )
    if status == 404 or words & _NO_MODEL:
        refused.retry = "other"  # what one provider does not have, another may
    return refused


def _throttled(status: int, complaint: Complaint, wait_s: float | None, detail: str) -> UpstreamThrottled:
    if wait_s is None and (found := _TRY_AGAIN.search(complaint.message)):
        wait_s = parse_duration_s(found[1])
    throttled = UpstreamThrottled(
        "The provider's rate limit is reached.", retry_after_s=wait_s, detail=detail, upstream_status=status
    )
    if status == 402 or complaint.words & _NO_MONEY:
        throttled.retry = "other"  # no wait brings the money back
        throttled.retry_after_s = None
    return throttled


def _is_moderation(complaint: Complaint) -> bool:
    """Flagged input: the request's doing, not the credential's, though OpenRouter and some others answer 403 to it."""
    text = complaint.message.lower()
    return "moderation" in text or "flagged" in text or bool(complaint.words & _FILTERED)


def _status_of(complaint: Complaint) -> int:
    match complaint.kind or complaint.code:
        case "invalid_request_error" | "invalid_request" | "bad_request" | "content_filter":
            return 400
        case "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" | "tokens" | "requests":
            return 429
        case "authentication_error" | "invalid_api_key":
            return 401
        case _:
            return 502


def _read_body(body: bytes) -> Complaint:
    try:
        document = loads(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Complaint()  # a page for people, of a proxy in between: nothing in it is fit for a client
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return Complaint()
    return _read(document.get("error") or document)


def _read(given: JsonValue) -> Complaint:
    if isinstance(given, str):
        return Complaint(message=given)
    if not isinstance(given, dict):
        return Complaint()
    code, param = given.get("code"), given.get("param")
    number = code if isinstance(code, int) else given.get("status_code", given.get("status"))
    return Complaint(
        message=_message(given.get("message") or given.get("detail") or given.get("msg")),
        code=code if isinstance(code, str) else "",
        kind=_message(given.get("type") or given.get("status")),
        param=param if isinstance(param, str) else None,
        status=number if isinstance(number, int) and 400 <= number <= 599 else None,
    )


def _message(given: JsonValue) -> str:
    """A message may be a text, or a list of validation errors (FastAPI, Mistral)."""
    match given:
        case str():
            return given
        case list():
            return "; ".join(_message(entry) for entry in given[:5])
        case {"loc": list(place), "msg": str(text)}:
            return f"{'.'.join(map(str, place))}: {text}"
        case {"detail": inner} | {"message": inner} | {"msg": inner}:
            return _message(inner)
        case _:
            return ""


def _public(complaint: Complaint, otherwise: str) -> str:
    text = " ".join(_SECRET.sub("[hidden]", complaint.message).split())
    if not text or "<html" in text.lower():
        return otherwise
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def _detail(status: int, complaint: Complaint, body: bytes) -> str:
    said = complaint.message or body[:_MOST_LOGGED].decode("utf-8", "replace")
    words = " ".join(word for word in (complaint.kind, complaint.code) if word)
    return _SECRET.sub("[hidden]", f"{status} {words}: {said}"[:_MOST_LOGGED])


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the provider asks us to wait, from the most exact header to the least; None where it does not say.

    A reset header of a limit that is not exhausted says nothing: with `remaining` at zero its reset counts.
    """
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return _bounded(exact / 1000)
    after = headers.get("retry-after")
    if after is not None:
        seconds = _number(after)
        seconds = _until(after, headers.get("date")) if seconds is None else seconds
        if seconds is not None:
            return _bounded(seconds)
    waits = [
        wait
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}", "0").strip() == "0"
        and (wait := parse_duration_s(headers.get(f"x-ratelimit-reset-{what}", ""))) is not None
    ]
    return _bounded(max(waits)) if waits else None


def parse_duration_s(text: str) -> float | None:
    """OpenAI's durations: `1s`, `6m0s`, `120ms`, or a bare number of seconds."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        return number
    found = _DURATION.findall(text)
    if not found or "".join(a + b for a, b in found) != text:
        return None
    units = dict(_UNIT_S)
    return sum(float(amount) * units[unit] for amount, unit in found)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _until(moment: str, now: str | None) -> float | None:
    """Seconds from the provider's own clock (`Date`) to an HTTP date: ours may differ."""
    try:
        return max(0.0, (parsedate_to_datetime(moment) - parsedate_to_datetime(now or "")).total_seconds())
    except (ValueError, TypeError):
        return None


def _bounded(seconds: float) -> float:
    return min(seconds, _MOST_WAIT_S)
