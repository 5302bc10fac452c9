"""What facts are called for people, and how their fields are written."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from penstock.console.web.layout.parts.amounts import count, seconds, usd
from penstock.console.web.layout.parts.table_state import Tone

FACTS: Final[Mapping[str, str]] = {
    "route_chosen": "Route chosen",
    "tier_chosen": "Tier chosen",
    "attempt_started": "Call begun",
    "target_passed_over": "Target passed over",
    "queued": "Waited for a place",
    "hedged": "Second call beside the first",
    "extra_call_billed": "Further call billed",
    "fell_back": "Fell back",
    "asked_again": "Asked again",
    "second_opinion": "Second opinion",
    "retry_denied": "No budget for another call",
    "attempt_failed": "Call failed",
    "attempt_succeeded": "Answer begins",
    "advisory_field_dropped": "Field left out",
    "stage_answered": "Answered without a call",
    "stage_refused": "Refused",
    "input_refused": "Input too large",
    "cache_hit": "Cache hit",
    "cache_missed": "Cache miss",
    "cache_bypassed": "Cache not asked",
    "cache_stored": "Answer kept in the cache",
    "compacted": "Prompt shortened",
    "summarised": "Conversation summed up",
    "compaction_skipped": "Prompt not shortened",
    "saved": "Saved",
    "prompt_cache_wanted": "Prompt cache asked for",
    "answer_bounded": "Answer bounded",
    "guard_judged": "Guard judged",
    "guard_failed": "Guard could not judge",
    "knowledge_searched": "Knowledge searched",
    "knowledge_unavailable": "Knowledge not available",
    "answer_cited": "Answer cited",
    "claims_traced": "Claims traced to sources",
    "confidence_estimated": "Confidence estimated",
    "answers_sampled": "Answers sampled",
    "answer_held": "Held for a person",
    "personal_data_masked": "Personal data masked",
    "conversation_recalled": "Conversation recalled",
    "turns_recalled": "Earlier turns recalled",
    "personal_data_restored": "Personal data restored",
    "lease_taken": "Limits taken",
    "lease_settled": "Limits settled",
    "credential_ended": "Key ended meanwhile",
    "issuer_keys_stale": "Issuer's keys are old",
    "clock_moved": "The clock was set",
    "client_left": "Client left",
    "tools_offered": "Tools offered",
    "usage_estimated": "Usage estimated",
    "price_unknown": "Price unknown",
    "limit_refused": "Limit refused",
    "limit_shadowed": "Limit would have refused",
    "budget_capped": "Budget used up",
    "limit_store_lost": "Store of limits away",
    "ended": "End",
}
"""By tag, all of `core.facts`."""
_TONES: Final[Mapping[str, Tone]] = {
    "attempt_failed": "bad",
    "guard_failed": "bad",
    "input_refused": "bad",
    "limit_refused": "bad",
    "stage_refused": "bad",
    "knowledge_unavailable": "warn",
    "retry_denied": "warn",
    "target_passed_over": "warn",
    "fell_back": "warn",
    "asked_again": "warn",
    "budget_capped": "warn",
    "answer_held": "warn",
    "hedged": "warn",
    "client_left": "warn",
    "limit_store_lost": "warn",
    "price_unknown": "warn",
    "usage_estimated": "warn",
    "cache_hit": "ok",
}
OUTCOMES: Final[Mapping[str, str]] = {
    "completed": "Completed",
    "blocked": "Blocked",
    "held": "Held",
    "rejected": "Rejected",
    "client_gone": "Client gone",
    "upstream_failed": "Provider failed",
    "deadline": "Out of time",
    "shutdown": "Shut down",
    "failed": "Failed",
}
_OUTCOME_TONES: Final[Mapping[str, Tone]] = {
    "completed": "ok",
    "blocked": "warn",
    "held": "info",
    "rejected": "warn",
    "client_gone": "",
}


def outcome_words(outcome: str) -> str:
    return OUTCOMES.get(outcome, outcome)


def outcome_tone(outcome: str) -> Tone:
    return _OUTCOME_TONES.get(outcome, "bad")


def fact_words(tag: str) -> str:
    """A fact of a newer version is called what it calls itself."""
    return FACTS.get(tag, tag.replace("_", " ").capitalize())


def fact_tone(fact: Mapping[str, Any]) -> Tone:
    tag = fact.get("fact")
    if tag == "guard_judged":
        return "" if fact.get("action") == "allow" else "warn"
    if tag == "ended":
        return outcome_tone(str(fact.get("end")))
    return _TONES.get(str(tag), "")


def fields_of(fact: Mapping[str, Any], *left_out: str) -> Iterator[tuple[str, str]]:
    """Each field that says something, by its name in words."""
    for name, value in fact.items():
        if name in ("fact", "at_s", *left_out) or value in (None, "", [], {}) or value is False:
            continue
        yield _field_words(name), _written(name, value)


def _field_words(name: str) -> str:
    for ending in ("_nanousd", "_s"):
        name = name.removesuffix(ending)
    if name.startswith("is_"):
        name = name.removeprefix("is_")
    return "money" if name == "nanousd" else name.replace("_", " ")


def _written(name: str, value: object) -> str:
    match value:
        case True:
            return "yes"
        case int() | float() if name.endswith("nanousd"):
            return usd(value, digits=6)
        case int() | float() if name.endswith("_s"):
            return seconds(value)
        case int() if name != "upstream_status":
            return count(value)
        case float():
            return f"{value:.4g}"
        case dict():
            return ", ".join(f"{each}: {amount}" for each, amount in cast("dict[str, object]", value).items())
        case list():
            return ", ".join(str(each) for each in cast("list[object]", value))
        case _:
            return str(value)
