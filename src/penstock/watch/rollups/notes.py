"""What the sums need of an exchange's facts: what was saved, and how often each thing happened, by its name.

Facts are read as loosely as they can be: a newer data plane may write ones that are not known here, and its records are
shipped all the same.  Names are made of words of ours and of the installation's names (guards, limits), never of what
a caller or a model said.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

MOST_NAME: Final = 120
"""Characters of a name; guards and limits have names that people gave them."""
_MOST_MARKS: Final = 24
SUMMARISED: Final = "summarised"
"""Asked for by Penstock itself: a summary of a conversation."""
CANNED: Final = "canned"
"""Answered with a text of the operator's, since no target gave an answer; of what somebody asked for."""
SAVED: Final = "saved:"
UNPRICED: Final = "unpriced:"
"""With the way behind it: something was saved so, and nobody knows what it would have cost."""
_NO_TARGETS: Final = (b"", b"[]")


class _Fact(msgspec.Struct):
    """The fields that are looked at, of whichever fact has them."""

    fact: str
    by: str | None = None
    kind: str | None = None
    code: str | None = None
    guard: str | None = None
    direction: str | None = None
    mode: str | None = None
    action: str | None = None
    reason: str | None = None
    stage: str | None = None
    limit: str | None = None
    cause: str | None = None
    tier: str | None = None
    policy: str | None = None
    citations: int = 0
    supported: int = 0
    contradicted: int = 0
    not_found: int = 0
    values: int = 0
    withheld: int = 0
    kinds: dict[str, int] = {}
    targets: msgspec.Raw = msgspec.Raw(b"")
    confidence: float | None = None
    nanousd: int | None = None
    saved_nanousd: int | None = None
    is_shadow: bool = False
    is_given: bool = False
    is_let_through: bool = False


class Note(msgspec.Struct):
    """`tallies` are whole numbers that are added up by name; `marks` those names that an exchange is searched by."""

    saved_cache: int = 0
    saved_routing: int = 0
    saved_compaction: int = 0
    saved_prompt_cache: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    failed_attempts: int = 0
    extra_calls: int = 0
    tallies: dict[str, int] = {}
    marks: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(list[_Fact])
_PLAIN: Final = frozenset(
    {
        "ended",
        "route_chosen",
        "attempt_started",
        "attempt_succeeded",
        "lease_taken",
        "lease_settled",
        "advisory_field_dropped",
        "cache_stored",
        "answer_bounded",
        "prompt_cache_wanted",
        "tools_offered",
    }
)
"""Of nearly every exchange: nothing is counted for them."""
_NAMED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "attempt_failed": ("attempt_failed", ("code",)),
    "target_passed_over": ("passed_over", ("code",)),
    "cache_hit": ("cache:hit", ("kind",)),
    "cache_missed": ("cache:miss", ("reason",)),
    "cache_bypassed": ("cache:bypassed", ("reason",)),
    "tier_chosen": ("tier", ("tier", "by")),
    "stage_refused": ("refused", ("stage", "code")),
    "limit_refused": ("limit_refused", ("limit",)),
    "limit_shadowed": ("shadow:limit_refused", ("limit",)),
    "budget_capped": ("budget_capped", ("action",)),
    "input_refused": ("input_refused", ("limit",)),
    "fell_back": ("fell_back", ("cause",)),
    "asked_again": ("asked_again", ("reason",)),
    "answer_held": ("held", ("by",)),
    "conversation_recalled": ("recalled", ()),
    "client_left": ("client_left", ("policy",)),
    "compacted": ("compacted", ()),
    "knowledge_unavailable": ("knowledge_unavailable", ("reason",)),
    "usage_estimated": ("usage_estimated", ()),
    "retry_denied": ("retry_denied", ()),
    "hedged": ("hedged", ()),
    "queued": ("queued", ()),
    "price_unknown": ("price_unknown", ()),
    "limit_store_lost": ("limit_store_lost", ()),
    "credential_ended": ("credential_ended", ()),
    "summarised": (SUMMARISED, ()),
}
"""What is counted one by one: its word, and the fields of the fact that make its name."""
_ORDINARY: Final = (
    "guard:",
    "tier:",
    "claims:supported",
    "confidence:",
    "cited",
    "recalled",
    "cache:miss",
    "restored",
    SAVED,
)
"""What so begins is the ordinary course of things: nobody searches by it, and the index stays small."""


def read_notes(facts: bytes) -> Note:
    """Of a record's facts, as their JSON.  What cannot be read so is one tally, `unread`."""
    try:
        read = _decoder.decode(facts)
    except msgspec.DecodeError:
        return Note(tallies={"unread": 1}, marks=("unread",))
    note = Note()
    tallies: dict[str, int] = {}
    marks: list[str] = []
    for fact in read:
        if fact.fact in _PLAIN:
            continue
        _add_sums(note, fact)
        for name, amount in _tallies(fact):
            if not amount:
                continue
            short = name if len(name) <= MOST_NAME else name[:MOST_NAME]
            tallies[short] = tallies.get(short, 0) + amount
            if short not in marks and not short.startswith(_ORDINARY):
                marks.append(short)
    if SUMMARISED in tallies:
        tallies.pop(CANNED, None)
    if tallies:
        note.tallies = tallies
        note.marks = tuple(marks[:_MOST_MARKS])
    return note


def _add_sums(note: Note, fact: _Fact) -> None:
    match fact.fact:
        case "saved":
            amount = fact.nanousd or 0
            match fact.by:
                case "routing":
                    note.saved_routing += amount
                case "compaction":
                    note.saved_compaction += amount
                case "prompt_cache":
                    note.saved_prompt_cache += amount
                case _:
                    pass
        case "cache_hit":
            note.cache_hits += 1
            note.saved_cache += fact.saved_nanousd or 0
        case "cache_missed":
            note.cache_misses += 1
        case "attempt_failed":
            note.failed_attempts += 1
        case "extra_call_billed":
            note.extra_calls += 1
        case _:
            pass


def _tallies(fact: _Fact) -> Iterator[tuple[str, int]]:
    shadow = "shadow:" if fact.mode == "shadow" or fact.is_shadow else ""
    named = _NAMED.get(fact.fact)
    if named is not None:
        word, fields = named
        yield shadow + ":".join([word, *(getattr(fact, name) or "none" for name in fields)]), 1
        if fact.fact == "fell_back":
            yield CANNED, int(bytes(fact.targets) in _NO_TARGETS)
        elif fact.fact == "cache_hit":
            yield f"{UNPRICED}cache", int(fact.saved_nanousd is None)
        return
    match fact.fact:
        case "saved":
            yield f"{SAVED}{fact.by}", 1
            yield f"{UNPRICED}{fact.by}", int(fact.nanousd is None)
        case "guard_judged":
            word = "guard" if fact.action == "allow" else "found"
            yield f"{shadow}{word}:{fact.guard}:{fact.direction}:{fact.action}", 1
        case "guard_failed":
            word = "let_through" if fact.is_let_through else "guard_failed"
            yield f"{shadow}{word}:{fact.guard}:{fact.reason}", 1
        case "personal_data_masked":
            yield from ((f"masked:{kind}", count) for kind, count in fact.kinds.items())
        case "personal_data_restored":
            yield "restored", fact.values
            yield "withheld", fact.withheld
        case "second_opinion":
            yield f"second_opinion:{'given' if fact.is_given else 'not_given'}", 1
        case "claims_traced":
            yield "claims:supported", fact.supported
            yield "claims:contradicted", fact.contradicted
            yield "claims:not_found", fact.not_found
        case "answer_cited":
            yield "cited", fact.citations
        case "confidence_estimated":
            yield "confidence:judged", 1
            yield "confidence:permille", round(1000 * (fact.confidence or 0.0))
        case _:
            pass
