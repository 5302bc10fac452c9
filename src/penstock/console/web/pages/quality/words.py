"""What checks, verdicts, classes of failures and events are called for people, and what each means."""

from collections.abc import Mapping
from typing import Final

from penstock.console.web.layout.parts.amounts import share
from penstock.console.web.layout.parts.table_state import Tone

CHECKS: Final[Mapping[str, tuple[str, str]]] = {
    "answer": ("Whole answer", "The lowest of all checks of one answer."),
    "judge": ("Judge", "The grade that a model gave, asked within the budget."),
    "empty": ("Empty", "Whether there is a text or a tool call at all."),
    "cut": ("Cut off", "Whether it ended before its end: at the longest length, or at the provider's filter."),
    "refusal": ("Refusal", "Whether it declines to help."),
    "loop": ("Loop", "Whether it repeats itself over and over."),
    "format": ("Format", "Whether it is JSON where JSON was asked for."),
    "citations": ("Citations", "Whether its marks name sources that were there."),
    "length": ("Length", "Whether it is as long as this assistant's answers usually are."),
    "language": ("Language", "Whether it is in the question's language."),
    "grounded": ("Grounded", "The share of its claims that its sources support."),
    "confidence": ("Confidence", "How sure the model was, where that is estimated."),
}
VERDICTS: Final[Mapping[str, str]] = {
    "good": "good",
    "empty": "empty",
    "cut_off": "cut off",
    "filtered": "filtered by the provider",
    "refusal": "declined",
    "loop": "repeats itself",
    "invalid_json": "no valid JSON",
    "broken_citations": "broken citations",
    "too_short": "unusually short",
    "too_long": "unusually long",
    "wrong_language": "wrong language",
    "contradicted": "contradicts its sources",
    "ungrounded": "not in its sources",
    "unsure": "unsure",
    "judged_wrong": "judged wrong",
    "judged_incomplete": "judged incomplete",
    "judged_off_topic": "judged off topic",
    "judged_unclear": "judged unclear",
    "judged_harmful": "judged harmful",
    "judged_poor": "judged poor",
}
"""By `watch.quality.verdicts.Verdict`."""
FAILURES: Final[Mapping[str, tuple[str, str]]] = {
    "provider_throttled": ("Provider throttled", "A provider asked us to slow down."),
    "provider_unavailable": ("Provider away", "A provider did not answer, or was left out because it had not."),
    "provider_refused": ("Provider refused", "A provider refused the request, or filtered the answer."),
    "provider_credential": ("Provider's credential", "A provider did not take our key."),
    "provider_protocol": ("Provider's protocol", "A provider's answer could not be understood."),
    "provider_other": ("Provider failed", "A provider failed in another way."),
    "timeout": ("Too slow", "A deadline, a queue or a call took too long."),
    "guard_blocked": ("Stopped by a guard", "A guard refused the request or the answer."),
    "limit": ("Limit or budget", "A limit or a budget was used up."),
    "bad_request": ("Bad request", "The application asked for something that cannot be."),
    "not_allowed": ("Not allowed", "The caller may not do that, or was refused at the door."),
    "no_room": ("No room", "Too much at once: a queue, a target or a memory was full."),
    "dependency": ("A part was away", "A guard, documents, memory or a store could not be asked."),
    "client_gone": ("Client gone", "Whoever asked did not wait for the end."),
    "own_fault": ("Our own fault", "An unexpected error of Penstock."),
    "stopping": ("Shut down", "The process was stopped meanwhile."),
    "invalid_output": ("Invalid output", "No valid JSON, or citations of sources that are none."),
    "refusal": ("Declined", "The model declined to help."),
    "ungrounded": ("Not in the sources", "Claims that no source supports, or that one contradicts."),
    "empty": ("Empty", "No text and no tool call."),
    "cut_off": ("Cut off", "It ended at the longest length."),
    "wrong_language": ("Wrong language", "Not the question's language."),
    "loop": ("Repeats itself", "The same over and over."),
    "unsure": ("Unsure", "The model was not sure of what it said."),
    "judged_bad": ("Judged bad", "The judge found a fault."),
    "unusual_length": ("Unusual length", "Far longer or shorter than this assistant's answers usually are."),
}
"""By `watch.quality.failures.Failure`."""
EVENTS: Final[Mapping[str, str]] = {
    "conversion": "Conversions",
    "resolved": "Resolved",
    "escalated": "Escalated to a person",
    "satisfaction": "Satisfaction",
}


def check_words(check: str) -> str:
    return CHECKS.get(check, (check.replace("_", " "), ""))[0]


def verdict_words(verdict: str) -> str:
    return VERDICTS.get(verdict, verdict.replace("_", " "))


def verdict_tone(verdict: str, score: float) -> Tone:
    return "ok" if verdict == "good" else "bad" if score < 0.5 else "warn"


def interval(view: Mapping[str, float | None], *, percent: bool = False) -> str:
    """From where to where the figure of all answers lies, with 95 %."""
    low, high = view["low"], view["high"]
    if low is None or high is None:
        return ""
    return f"{share(low)} to {share(high)}" if percent else f"{low:.3f} to {high:.3f}"


def score(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.3f}"
