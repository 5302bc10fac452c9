"""What an error says: of the target that was called, of who else may help, and of what may be billed all the same."""

from penstock.core.errors import (
    ContentRefused,
    ContextTooLong,
    Overloaded,
    PenstockError,
    QueueTimeout,
    UnsupportedField,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
)
from penstock.core.outcome import CANCELLED, CLIENT_FAULT, FAILED, TIMED_OUT, Outcome, Throttled
from penstock.core.ports import FailureCause


def cause_of(error: PenstockError) -> FailureCause | None:
    """Why a route's targets gave no answer, in the words of its fallbacks; None where no other target would help."""
    match error:
        case UpstreamThrottled() | Overloaded() | QueueTimeout():
            return "limited"
        case UpstreamTimeout():
            return "slow"
        case ContextTooLong():
            return "context_too_long"
        case ContentRefused():
            return "content_refused"
        case UpstreamRefused():
            return None
        case UpstreamError():
            return "down"
        case _:
            return None


def outcome_of(error: PenstockError) -> Outcome:
    """What an error says of the target that was called."""
    match error:
        case UpstreamThrottled():
            return Throttled(error.retry_after_s)
        case UpstreamTimeout():
            return TIMED_OUT
        case UpstreamRefused() | ContextTooLong() | UnsupportedField():
            return CLIENT_FAULT
        case UpstreamError():
            return FAILED
        case _:
            return CANCELLED
