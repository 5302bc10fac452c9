"""What a row of the ledger says of the features: its numbers, and those of its facts."""

import msgspec

from penstock.watch.drift.tally import Tally

_LEFT_OUT = frozenset({"rejected", "client_gone", "shutdown"})
"""Ends that say nothing of what the assistant does."""
_FAILED = frozenset({"upstream_failed", "deadline", "failed"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of the ledger that are needed."""

    hour: int
    model: str
    outcome: str
    duration_s: float
    input_tokens: int
    output_tokens: int
    cost_nanousd: int | None
    attempts: int
    facts: str


class _Fact(msgspec.Struct, frozen=True):
    """The fields of all facts that are read; a fact has those of its own."""

    fact: str
    claims: int = 0
    supported: int = 0
    confidence: float | None = None
    nearest: float | None = None
    nearness: float | None = None
    similarity: float | None = None
    calls: int = 0


_facts = msgspec.json.Decoder(list[_Fact])


def is_telling(row: Row) -> bool:
    """Who left, and what was refused at the door, tells nothing of the assistant: not even that there is one."""
    return row.outcome not in _LEFT_OUT


def note(tally: Tally, row: Row) -> None:
    """Take in one exchange that `is_telling`.

    Raises `msgspec.MsgspecError` where its facts are not to be read, and takes nothing then.  Cost, latency, and the
    answer's length and use of tools are those of exchanges in which a provider answered.
    """
    facts = _facts.decode(row.facts)
    tally.note("input_length", row.input_tokens)
    for end in ("blocked", "held"):
        tally.note(end, float(row.outcome == end))
    tally.note("failed", float(row.outcome in _FAILED))
    tally.note("personal_data", float(any(each.fact == "personal_data_masked" for each in facts)))
    if row.attempts and row.outcome not in _FAILED:
        tally.note("output_length", row.output_tokens)
        tally.note("latency", row.duration_s)
        if row.cost_nanousd is not None:
            tally.note("cost", row.cost_nanousd)
        for each in facts:
            if each.fact == "tools_offered":
                tally.note("tool_use", float(each.calls > 0))
    for each in facts:
        _note_fact(tally, each)


def _note_fact(tally: Tally, fact: _Fact) -> None:
    match fact:
        case _Fact(fact="claims_traced", claims=claims) if claims:
            tally.note("groundedness", fact.supported / claims)
        case _Fact(fact="confidence_estimated", confidence=float(confidence)):
            tally.note("confidence", confidence)
        case _Fact(fact="cache_missed", nearest=float(nearest)):
            tally.note("familiarity", max(0.0, nearest))
        case _Fact(fact="cache_hit", similarity=float(similarity)):
            tally.note("familiarity", max(0.0, similarity))
        case _Fact(fact="knowledge_searched", nearness=float(nearness)):
            tally.note("retrieval", max(0.0, nearness))
        case _:
            pass
