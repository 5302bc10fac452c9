"""Exchanges for pages to be about: of some assistants, tenants and people, good and bad ones, with what happened."""

import random
from collections.abc import Sequence

import msgspec

from penstock.core.ends import End
from penstock.core.facts import (
    AnyFact,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    CacheHit,
    CacheMissed,
    Ended,
    GuardJudged,
    Hedged,
    KnowledgeSearched,
    LeaseTaken,
    PersonalDataMasked,
    Queued,
    RouteChosen,
    Saved,
)
from penstock.core.record import Settled
from penstock.watch.row import arrive
from penstock.watch.store import LedgerWriter

TARGETS = ("openai-eu/gpt-4o-mini", "anthropic/claude-sonnet-4", "vllm/qwen3-32b")
ASSISTANTS = ("support", "sales", "search", "translate", "summaries")
TENANTS = ("acme", "hooli", "initech", "umbrella")
_OUTCOMES: tuple[End, ...] = ("completed", "blocked", "held", "rejected", "client_gone", "upstream_failed", "deadline")
_WEIGHTS = (900, 20, 8, 25, 15, 25, 7)
_CODES = {"upstream_failed": "upstream_unavailable", "deadline": "deadline_exceeded", "rejected": "limit_exceeded"}


def exchange_id(number: int) -> str:
    return f"ex_{number:032x}"


def exchange(rng: random.Random, number: int, started_at: float) -> Settled:
    """One of many."""
    outcome = rng.choices(_OUTCOMES, _WEIGHTS)[0]
    target = rng.choices(TARGETS, (6, 3, 1))[0]
    duration_s = round(rng.lognormvariate(0.4, 0.7), 4)
    is_hit = outcome == "completed" and rng.random() < 0.18
    if is_hit:
        duration_s = round(rng.uniform(0.004, 0.03), 4)
    tokens_in, tokens_out = (
        rng.randrange(120, 4200),
        0 if outcome in {"rejected", "blocked"} else rng.randrange(20, 900),
    )
    has_call = outcome not in {"rejected", "blocked"} and not is_hit
    facts = _facts(rng, outcome, target, duration_s, is_hit=is_hit, has_call=has_call)
    cost = tokens_in * 150 + tokens_out * 600 if has_call else 0
    return Settled(
        id=exchange_id(number),
        started_at=started_at,
        duration_s=duration_s,
        first_event_s=None if not (has_call or is_hit) else round(duration_s * 0.35, 4),
        tenant=rng.choices(TENANTS, (8, 4, 2, 1))[0],
        key=f"key_{rng.randrange(6):08x}",
        user=rng.choice((None, "ana@acme.example", "li@acme.example", "service-desk")),
        dialect="openai-chat",
        operation="chat",
        is_streamed=rng.random() < 0.7,
        model=rng.choices(ASSISTANTS, (8, 4, 3, 2, 1))[0],
        target=target if has_call else None,
        outcome=outcome,
        outcome_code=_CODES.get(outcome),
        attempts=sum(isinstance(each, AttemptStarted) for each in facts),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cache_read_tokens=rng.randrange(tokens_in) if rng.random() < 0.3 else 0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        usage_accuracy="exact",
        cost_nanousd=cost,
        cost_accuracy="exact",
        config_hash="5d0fe3a1c8b24f77",
        facts=tuple(facts),
        project=rng.choice((None, "web", "app")),
        feature=rng.choice((None, "chat", "summary")),
        region=rng.choice(("eu-central-1", "us-east-1")) if has_call else None,
    )


def _facts(
    rng: random.Random, outcome: End, target: str, duration_s: float, *, is_hit: bool, has_call: bool
) -> list[AnyFact]:
    at = 0.0004
    facts: list[AnyFact] = [RouteChosen(at_s=at, route="support", targets=TARGETS), LeaseTaken(at_s=at * 2, lease="l1")]
    for guard in ("injection", "personal_data"):
        took = duration_s * rng.uniform(0.01, 0.05)
        at += took
        action = "block" if outcome == "blocked" and guard == "injection" else "allow"
        facts.append(
            GuardJudged(
                at_s=at, guard=guard, direction="input", mode="enforce", action=action, texts=2, latency_s=took,
                findings=int(action == "block"), score=0.93 if action == "block" else None,
            )
        )  # fmt: skip
        if action == "block":
            return [*facts, Ended(at_s=duration_s, end=outcome)]
    if rng.random() < 0.25:
        facts.append(PersonalDataMasked(at_s=at, kinds={"email": rng.randrange(1, 3), "iban": 1}))
    if is_hit:
        facts.append(CacheHit(at_s=at, kind="exact", age_s=rng.uniform(5, 4000), saved_nanousd=400_000))
    elif has_call:
        facts.append(CacheMissed(at_s=at, reason="new"))
        at = _calls(rng, facts, outcome, target=target, at=at, duration_s=duration_s)
    facts.append(Ended(at_s=duration_s, end=outcome, code=_CODES.get(outcome)))
    return facts


def _calls(
    rng: random.Random, facts: list[AnyFact], outcome: End, *, target: str, at: float, duration_s: float
) -> float:
    if rng.random() < 0.3:
        took = duration_s * 0.06
        facts.append(KnowledgeSearched(at_s=at + took, bases=("manuals",), passages=4, documents=2, tokens=900, latency_s=took))  # fmt: skip # noqa: E501
        at += took
    if rng.random() < 0.1:
        facts.append(Queued(at_s=at + duration_s * 0.05, target=target, waited_s=duration_s * 0.05))
        at += duration_s * 0.05
    number = 1
    if rng.random() < 0.2 or outcome == "upstream_failed":
        facts.append(AttemptStarted(at_s=at, attempt=1, target=target))
        at += duration_s * 0.1
        facts.append(AttemptFailed(at_s=at, attempt=1, target=target, code="upstream_throttled", upstream_status=429))
        number = 2
    facts.append(AttemptStarted(at_s=at, attempt=number, target=target))
    if rng.random() < 0.1:
        at += duration_s * 0.08
        facts.append(Hedged(at_s=at, target=TARGETS[1], after_s=0.4))
        facts.append(AttemptStarted(at_s=at, attempt=number + 1, target=TARGETS[1]))
    if outcome in {"completed", "client_gone", "held"}:
        facts.append(AttemptSucceeded(at_s=max(at, duration_s * 0.35), attempt=number, target=target))
        if rng.random() < 0.2:
            facts.append(Saved(at_s=duration_s, by="prompt_cache", tokens=800, nanousd=90_000))
    return at


def hostile_exchange(number: int, started_at: float, text: str) -> Settled:
    """The text wherever somebody outside could put one."""
    rng = random.Random(number)  # noqa: S311 - made exchanges
    facts: tuple[AnyFact, ...] = (
        RouteChosen(at_s=0.0, route=text, targets=(text,)),
        GuardJudged(at_s=0.01, guard=text, direction="input", mode="enforce", action="allow", texts=1, latency_s=0.01),
        PersonalDataMasked(at_s=0.02, kinds={text: 1}),
        AttemptStarted(at_s=0.03, attempt=1, target=text),
        AttemptFailed(at_s=0.2, attempt=1, target=text, code=text, upstream_status=500, detail=text),
        Ended(at_s=0.4, end="upstream_failed", code=text),
    )
    return msgspec.structs.replace(
        exchange(rng, number, started_at),
        tenant=text, key=text, user=text, model=text, target=text, project=text, feature=text, region=text,
        release=text, outcome="upstream_failed", outcome_code=text, duration_s=0.4, facts=facts,
    )  # fmt: skip


def add_exchanges(database_url: str, records: Sequence[Settled]) -> None:
    """Into the ledger, with their sums, as the control plane brings them in."""
    writer = LedgerWriter(database_url)
    try:
        writer.insert([arrive(msgspec.json.encode(record)) for record in records])
    finally:
        writer.close()
