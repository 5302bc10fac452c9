"""What a trace is made of: a journal's line without its user, and which words of its facts may leave.

Facts hold no text of a caller or a model.  Still a trace goes to another system, where other people read it, so each
field of a fact that is a text is named here, as one that is sent or one that is not; a test knows of one that is
neither.  A fact that this code does not know, since a newer data plane wrote it, is left out and counted in the span.
"""

import re

import msgspec

from penstock.core.ends import End
from penstock.core.facts import AnyFact
from penstock.watch.traces.names import OTHER

SENT: dict[str, tuple[str, ...]] = {
    "route_chosen": ("route", "targets"),
    "tier_chosen": ("model", "tier", "by", "targets", "why"),
    "attempt_started": ("target",),
    "target_passed_over": ("target", "code"),
    "queued": ("target",),
    "hedged": ("target",),
    "extra_call_billed": ("target", "why", "accuracy"),
    "fell_back": ("cause", "targets"),
    "asked_again": ("reason", "targets"),
    "second_opinion": ("why",),
    "retry_denied": ("route",),
    "attempt_failed": ("target", "code"),
    "attempt_succeeded": ("target",),
    "advisory_field_dropped": ("field", "target"),
    "stage_answered": ("stage",),
    "stage_refused": ("stage", "code"),
    "input_refused": ("limit",),
    "cache_hit": ("kind", "answer"),
    "cache_missed": ("reason",),
    "cache_bypassed": ("reason",),
    "summarised": ("exchange",),
    "compaction_skipped": ("reason",),
    "saved": ("by",),
    "guard_judged": ("guard", "direction", "mode", "action", "rule", "topic"),
    "guard_failed": ("guard", "direction", "mode", "reason"),
    "knowledge_searched": ("bases",),
    "knowledge_unavailable": ("reason", "action"),
    "claims_traced": ("action", "mode"),
    "confidence_estimated": ("action",),
    "answers_sampled": ("why",),
    "answer_held": ("hold", "by", "rule", "group", "mode"),
    "personal_data_masked": ("kinds",),
    "conversation_recalled": ("source",),
    "lease_taken": ("lease",),
    "lease_settled": ("lease",),
    "credential_ended": ("key",),
    "issuer_keys_stale": ("issuer",),
    "client_left": ("policy",),
    "usage_estimated": ("reason",),
    "price_unknown": ("target",),
    "limit_refused": ("limit", "unit"),
    "limit_shadowed": ("limit",),
    "budget_capped": ("budget", "action"),
    "ended": ("end", "code"),
}
"""Words of the configuration, ids and codes, by fact."""

WITHHELD: dict[str, tuple[str, ...]] = {"attempt_failed": ("detail",)}
"""What others wrote."""

_MODEL_FIELDS = frozenset({"model", "route", "target", "targets"})
_MODEL = re.compile(r"[\w.:/@+-]{1,200}\Z", re.ASCII)
_MOST_CHARS = 200
_facts = msgspec.json.Decoder(AnyFact)


class Head(msgspec.Struct, frozen=True):
    """As much of a line as decides whether it is sent."""

    id: str
    duration_s: float
    outcome: End | str


class TracedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`core.record.Settled` without its user: who asked is not even read."""

    id: str
    started_at: float
    duration_s: float
    first_event_s: float | None
    tenant: str
    key: str
    dialect: str
    operation: str
    is_streamed: bool
    model: str
    target: str | None
    outcome: str
    outcome_code: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_accuracy: str
    cost_nanousd: int | None
    cost_accuracy: str
    config_hash: str
    facts: tuple[msgspec.Raw, ...]


decode_head = msgspec.json.Decoder(Head).decode
decode_record = msgspec.json.Decoder(TracedRecord).decode


def facts_of(record: TracedRecord) -> tuple[list[AnyFact], int]:
    """The facts that are known here, and how many are not."""
    known: list[AnyFact] = []
    for raw in record.facts:
        try:
            known.append(_facts.decode(raw))
        except msgspec.ValidationError:
            continue
    return known, len(record.facts) - len(known)


def model_name(text: str) -> str:
    """A model's name, as the caller wrote it where none is configured: so only where it reads as one."""
    return text if _MODEL.match(text) else OTHER


def sendable(fact: AnyFact) -> list[tuple[str, object]]:
    """The fact's fields that are said, with their values: texts that may leave, numbers, and what is true or not."""
    config = type(fact).__struct_config__
    texts = SENT.get(str(config.tag), ())
    found: list[tuple[str, object]] = []
    for name in fact.__struct_fields__:
        value: object = getattr(fact, name)
        if value is None or name == "at_s":
            continue
        if isinstance(value, (bool, int, float)):
            found.append((name, value))
        elif name in texts:
            found.append((name, _worded(name, value)))
    return found


def _worded(name: str, value: object) -> object:
    cut = model_name if name in _MODEL_FIELDS else _cut
    match value:
        case str():
            return cut(value)
        case tuple():
            return tuple(cut(str(each)) for each in value)  # type: ignore[reportUnknownVariableType] # of texts
        case _:
            return value


def _cut(text: str) -> str:
    return text[:_MOST_CHARS]
