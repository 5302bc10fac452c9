"""Which class of failure each end, error code, tally and verdict belongs to: one table, tested to be complete.

Classes are counted in three ways that are never added up: exchanges by how they ended, things that happened on their
way (calls that failed, refusals by code), and answers of the sample by what checks said.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from penstock.core.ends import End
from penstock.watch.quality.verdicts import Verdict

Failure: TypeAlias = Literal[
    "provider_throttled",
    "provider_unavailable",
    "provider_refused",
    "provider_credential",
    "provider_protocol",
    "provider_other",
    "timeout",
    "guard_blocked",
    "limit",
    "bad_request",
    "not_allowed",
    "no_room",
    "dependency",
    "client_gone",
    "own_fault",
    "stopping",
    "invalid_output",
    "refusal",
    "ungrounded",
    "empty",
    "cut_off",
    "wrong_language",
    "loop",
    "unsure",
    "judged_bad",
    "unusual_length",
]
FAILURES: Final[tuple[Failure, ...]] = get_args(Failure)

OF_END: Final[Mapping[End, Failure | None]] = {
    "completed": None,
    "held": None,
    "blocked": "guard_blocked",
    "rejected": "not_allowed",
    "client_gone": "client_gone",
    "upstream_failed": "provider_other",
    "deadline": "timeout",
    "shutdown": "stopping",
    "failed": "own_fault",
}
"""`rejected` and `upstream_failed` say little: the codes of the same exchanges say which."""

OF_CODE: Final[Mapping[str, Failure | None]] = {
    "upstream_throttled": "provider_throttled",
    "upstream_unavailable": "provider_unavailable",
    "circuit_open": "provider_unavailable",
    "upstream_timeout": "timeout",
    "deadline_exceeded": "timeout",
    "queue_timeout": "timeout",
    "request_timeout": "timeout",
    "upstream_refused": "provider_refused",
    "content_refused": "provider_refused",
    "upstream_auth_failed": "provider_credential",
    "upstream_protocol_error": "provider_protocol",
    "upstream_error": "provider_other",
    "all_attempts_failed": "provider_other",
    "policy_blocked": "guard_blocked",
    "rate_limited": "limit",
    "budget_exhausted": "limit",
    "capacity": "no_room",
    "overloaded": "no_room",
    "memory_full": "no_room",
    "conversation_locked": "no_room",
    "unauthenticated": "not_allowed",
    "forbidden": "not_allowed",
    "client_error": "bad_request",
    "malformed_request": "bad_request",
    "unsupported_field": "bad_request",
    "unknown_model": "bad_request",
    "unknown_path": "bad_request",
    "unknown_hold": "bad_request",
    "not_kept": "bad_request",
    "previous_response_not_found": "bad_request",
    "method_not_allowed": "bad_request",
    "unsupported_media_type": "bad_request",
    "request_too_large": "bad_request",
    "input_too_large": "bad_request",
    "context_too_long": "bad_request",
    "not_cached": None,  # the caller asked for nothing else
    "issuer_unavailable": "dependency",
    "guard_unavailable": "dependency",
    "knowledge_unavailable": "dependency",
    "memory_unavailable": "dependency",
    "contents_unavailable": "dependency",
    "ledger_unavailable": "dependency",
    "shutting_down": "stopping",
    "internal_error": "own_fault",
}

OF_VERDICT: Final[Mapping[Verdict, Failure | None]] = {
    "good": None,
    "empty": "empty",
    "cut_off": "cut_off",
    "filtered": "provider_refused",
    "refusal": "refusal",
    "loop": "loop",
    "invalid_json": "invalid_output",
    "broken_citations": "invalid_output",
    "too_short": "unusual_length",
    "too_long": "unusual_length",
    "wrong_language": "wrong_language",
    "contradicted": "ungrounded",
    "ungrounded": "ungrounded",
    "unsure": "unsure",
    "judged_wrong": "judged_bad",
    "judged_incomplete": "judged_bad",
    "judged_off_topic": "judged_bad",
    "judged_unclear": "judged_bad",
    "judged_harmful": "judged_bad",
    "judged_poor": "judged_bad",
}

_BY_CODE: Final = frozenset({"attempt_failed", "passed_over", "refused"})
"""Tallies whose last word is a code."""
_OF_WORD: Final[Mapping[str, Failure]] = {
    "limit_refused": "limit",
    "budget_capped": "limit",
    "input_refused": "bad_request",
    "guard_failed": "dependency",
    "let_through": "dependency",
    "knowledge_unavailable": "dependency",
    "limit_store_lost": "dependency",
    "client_left": "client_gone",
    "asked_again": "invalid_output",
    "unread": "own_fault",
}
PREFIXES: Final[tuple[str, ...]] = ("attempt_failed:", "passed_over:", "refused:", *_OF_WORD)
"""What to ask the tallies for."""
NO_FAILURES: Final = frozenset(
    {
        "cache",
        "tier",
        "held",
        "recalled",
        "compacted",
        "usage_estimated",
        "retry_denied",
        "hedged",
        "queued",
        "price_unknown",
        "credential_ended",
        "fell_back",
        "canned",
        "summarised",
        "saved",
        "unpriced",
        "guard",
        "found",
        "masked",
        "restored",
        "withheld",
        "second_opinion",
        "claims",
        "cited",
        "confidence",
        "shadow",
    }
)
"""Words of tallies that tell of no failure, or of one that is told elsewhere: what a guard found is no failure, that
it blocked is how the exchange ended; and what a shadow would have done has not been done."""


def failure_of_tally(name: str) -> Failure | None:
    """None where it is no failure.  A code that nobody knows is told as `provider_other`, or as our own fault."""
    word, _, rest = name.partition(":")
    if word in NO_FAILURES:
        return None
    if word in _BY_CODE:
        code = rest.rpartition(":")[2]
        unknown: Failure = "own_fault" if word == "refused" else "provider_other"
        return OF_CODE.get(code, unknown)
    return _OF_WORD.get(word, "own_fault")
