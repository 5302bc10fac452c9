"""Every error that may reach a caller, as a tree.

PenstockError                     code, status, public text, retry: never | same | other
 ├ ClientError                    the caller's doing
 │  ├ MalformedRequest 400        not JSON, a wrong type, a value out of range
 │  ├ UnsupportedField 400        what the target cannot do; names the field
 │  ├ UnknownModel 404
 │  ├ UnknownHold 404             no answer that waits for a person is known by this id, to this caller
 │  ├ NotKept 404                 nothing that was asked or answered is kept by this id, for this caller
 │  ├ PreviousResponseNotFound 404
 │  ├ MemoryFull 409              the caller has as many conversations as it may
 │  ├ UnknownPath 404, MethodNotAllowed 405, UnsupportedMediaType 415
 │  ├ RequestTooLarge 413, RequestTimeout 408
 │  ├ InputTooLarge 400           more messages, text, images, tools, … than may be sent here; names the field
 │  ├ ContextTooLong 400
 │  ├ AuthError 401, Forbidden 403
 │  ├ PolicyBlocked 400
 │  └ NotCached 504                only an answer that is kept was asked for, and there is none
 ├ CapacityError                  ours; it passes
 │  ├ RateLimited 429, BudgetExhausted 429
 │  ├ Overloaded 503, QueueTimeout 503
 │  ├ IssuerUnavailable 503       a token's signature cannot be checked now
 │  ├ GuardUnavailable 503        a guard could not judge, and nothing passes unjudged
 │  ├ KnowledgeUnavailable 503    what answers are made from cannot be searched now
 │  ├ MemoryUnavailable 503       what was said before cannot be read now
 │  ├ ContentsUnavailable 503     what was kept of an exchange cannot be opened
 │  ├ ConversationLocked 409      another turn of the conversation is under way
 │  └ ShuttingDown 503, LedgerUnavailable 503
 ├ DeadlineExceeded 504           the exchange's latency budget is spent
 ├ UpstreamError                  the provider's doing
 │  ├ UpstreamThrottled 429, UpstreamUnavailable 502, UpstreamTimeout 504 (with its phase)
 │  ├ CircuitOpen 503
 │  ├ UpstreamRefused 4xx (with ContentRefused), UpstreamAuthFailed 502, UpstreamProtocolError 502
 │  └ AllAttemptsFailed           holds every attempt; takes status and text of the last
 └ InternalError 500              anything unexpected; shows only the exchange id
ConfigError                       start-up only: file, line, path, did you mean

`code` is stable: it is the metric label, the `code` in the body and the anchor in docs/errors.md.  `public` is the
only text a client sees; the exception's own message may say more and goes to the log.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Literal

from penstock.core.events import Event
from penstock.core.usage import Usage

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

Retry = Literal["never", "same", "other"]
"""May the call be tried again: not at all, at the same target, or only at another one."""

Phase = Literal["connect", "first_event", "between_events", "total"]


class PenstockError(Exception):
    """An error with a stable code.  `field` names the request field at fault; `retry_after_s` is what to wait."""

    code: ClassVar[str] = "internal_error"
    status: int = 500
    retry: Retry = "never"

    def __init__(
        self,
        public: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(public if detail is None else f"{public} [{detail}]")
        self.public = public
        self.field = field
        self.retry_after_s = retry_after_s
        self.detail = detail


class ClientError(PenstockError):
    code = "client_error"
    status = 400


class MalformedRequest(ClientError):
    code = "malformed_request"


class UnsupportedField(ClientError):
    """The target cannot do what `field` asks.  Another target might, so a route may try its next one."""

    code = "unsupported_field"
    retry: Retry = "other"


class UnknownModel(ClientError):
    code = "unknown_model"
    status = 404


class UnknownHold(ClientError):
    code = "unknown_hold"
    status = 404


class NotKept(ClientError):
    """It was never there, is another's, was deleted, or its lifetime is over: nobody learns which."""

    code = "not_kept"
    status = 404


class PreviousResponseNotFound(ClientError):
    """The same of the response that a request says it continues, under OpenAI's own code."""

    code = "previous_response_not_found"
    status = 404


class MemoryFull(ClientError):
    code = "memory_full"
    status = 409


class UnknownPath(ClientError):
    code = "unknown_path"
    status = 404


class MethodNotAllowed(ClientError):
    code = "method_not_allowed"
    status = 405


class UnsupportedMediaType(ClientError):
    code = "unsupported_media_type"
    status = 415


class RequestTooLarge(ClientError):
    code = "request_too_large"
    status = 413


class InputTooLarge(ClientError):
    """More of something than a request may have here, though the body as a whole is not too large."""

    code = "input_too_large"


class RequestTimeout(ClientError):
    """The caller took too long to send its body."""

    code = "request_timeout"
    status = 408


class ContextTooLong(ClientError):
    code = "context_too_long"
    retry: Retry = "other"


class AuthError(ClientError):
    code = "unauthenticated"
    status = 401


class Forbidden(ClientError):
    code = "forbidden"
    status = 403


class PolicyBlocked(ClientError):
    """A guard does not let it through.

    `last` are the events with which an answer that has begun ends, in the client's dialect; `answer` is what is said in
    place of the error where nothing was said yet, if the guard's owner has written such a text.
    """

    code = "policy_blocked"

    def __init__(
        self,
        public: str,
        *,
        field: str | None = None,
        detail: str | None = None,
        last: Sequence[Event] = (),
        answer: str | None = None,
    ) -> None:
        super().__init__(public, field=field, detail=detail)
        self.last = last
        self.answer = answer


class NotCached(ClientError):
    """The caller said `only-if-cached`, and no answer that may be given is kept (RFC 9111, 5.2.1.7)."""

    code = "not_cached"
    status = 504


class CapacityError(PenstockError):
    code = "capacity"
    status = 503


class RateLimited(CapacityError):
    code = "rate_limited"
    status = 429


class BudgetExhausted(CapacityError):
    code = "budget_exhausted"
    status = 429


class Overloaded(CapacityError):
    code = "overloaded"


class QueueTimeout(CapacityError):
    code = "queue_timeout"


class IssuerUnavailable(CapacityError):
    """The keys of a token's issuer are not known (yet, or any more), so nobody can say whether the token is good."""

    code = "issuer_unavailable"


class GuardUnavailable(CapacityError):
    """A guard could not judge what it must, and its setting lets nothing through unjudged."""

    code = "guard_unavailable"


class KnowledgeUnavailable(CapacityError):
    """The documents cannot be searched, and the model's setting lets nothing be answered without them."""

    code = "knowledge_unavailable"


class MemoryUnavailable(CapacityError):
    """What was said before cannot be read, and nothing is answered as if it had not been said."""

    code = "memory_unavailable"


class ContentsUnavailable(CapacityError):
    """What was kept of an exchange cannot be opened here."""

    code = "contents_unavailable"


class ConversationLocked(CapacityError):
    """One turn of a conversation after the other; under OpenAI's own code."""

    code = "conversation_locked"
    status = 409


class ShuttingDown(CapacityError):
    code = "shutting_down"


class LedgerUnavailable(CapacityError):
    """The local journal cannot take a record, so nothing that would go unrecorded is answered."""

    code = "ledger_unavailable"


class DeadlineExceeded(PenstockError):
    """The exchange's latency budget is spent."""

    code = "deadline_exceeded"
    status = 504


class UpstreamError(PenstockError):
    """The provider failed.

    `usage` is what it says it used all the same; `upstream_status` is its HTTP status; `headers` are its answer's, in
    which it may announce its limits.  `was_sent` is False where the request did not reach it.
    """

    code = "upstream_error"
    status = 502
    retry: Retry = "other"

    def __init__(
        self,
        public: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
        detail: str | None = None,
        upstream_status: int | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(public, field=field, retry_after_s=retry_after_s, detail=detail)
        self.upstream_status = upstream_status
        self.usage = usage
        self.headers: Mapping[str, str] = _NO_HEADERS
        self.was_sent = True

    @property
    def may_be_billed(self) -> bool:
        """A call that broke off may be; an answer with an error status is not, by any provider we speak to."""
        return self.usage is not None or (self.upstream_status is None and self.was_sent)


class UpstreamThrottled(UpstreamError):
    """The provider's own rate limit or quota."""

    code = "upstream_throttled"
    status = 429
    retry: Retry = "same"


class UpstreamUnavailable(UpstreamError):
    """Refused or reset connections, 5xx, overload."""

    code = "upstream_unavailable"
    retry: Retry = "same"


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    status = 504

    def __init__(self, public: str, *, phase: Phase, detail: str | None = None) -> None:
        super().__init__(public, detail=detail)
        self.phase: Phase = phase
        self.was_sent = phase != "connect"


class CircuitOpen(UpstreamError):
    """The provider kept failing and is not being called for now; nothing was sent."""

    code = "circuit_open"
    status = 503

    def __init__(self, public: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(public, retry_after_s=retry_after_s)
        self.was_sent = False


class UpstreamRefused(UpstreamError):
    """The provider will not serve this request as it stands (its 400, 404, 413, 422); `status` is the provider's."""

    code = "upstream_refused"
    status = 400
    retry: Retry = "never"

    def __init__(
        self,
        public: str,
        *,
        upstream_status: int,
        field: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(public, field=field, detail=detail, upstream_status=upstream_status)
        self.status = upstream_status


class ContentRefused(UpstreamRefused):
    """The provider's own filter will not have the request, or let an answer to it out; another's may."""

    code = "content_refused"

    def __init__(
        self, public: str, *, upstream_status: int = 400, field: str | None = None, detail: str | None = None
    ) -> None:
        super().__init__(public, upstream_status=upstream_status, field=field, detail=detail)


class UpstreamAuthFailed(UpstreamError):
    """The provider does not accept our credential: an operator's problem, so the client sees 502, not 401."""

    code = "upstream_auth_failed"


class UpstreamProtocolError(UpstreamError):
    """The provider's answer is not what its dialect says: bad JSON, bad framing, a stream cut before its end."""

    code = "upstream_protocol_error"
    retry: Retry = "same"


class AllAttemptsFailed(UpstreamError):
    """Every attempt failed.  Status, text and wait are the last attempt's; `errors` holds one error an attempt."""

    code = "all_attempts_failed"

    def __init__(self, errors: tuple[PenstockError, ...]) -> None:
        last = errors[-1]
        super().__init__(last.public, field=last.field, retry_after_s=last.retry_after_s, detail=last.detail)
        self.status = last.status
        self.retry = last.retry
        self.errors = errors


class InternalError(PenstockError):
    """A fault of our own; the caller learns only the exchange id."""


class ConfigError(Exception):
    """Penstock cannot start with this configuration.  `str()` is one line fit for a terminal."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
        did_you_mean: str | None = None,
    ) -> None:
        place = file or ""
        if line is not None:
            place += f":{line}"
        text = f"{place}: " if place else ""
        if path:
            text += f"{path}: "
        text += message
        if did_you_mean:
            text += f" (did you mean `{did_you_mean}`?)"
        super().__init__(text)
        self.message = message
        self.file = file
        self.line = line
        self.path = path
        self.did_you_mean = did_you_mean
