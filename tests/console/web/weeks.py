"""Ten weeks of exchanges as a small company has them, with what guards and caches did: for the pages of figures."""

import random
from datetime import UTC, datetime

import msgspec
from tests.console.web.harness import FORMULA, HOSTILE, Console

from penstock.core.clock import SystemClock
from penstock.core.facts import (
    AnyFact,
    CacheBypassed,
    CacheHit,
    CacheMissed,
    GuardFailed,
    GuardJudged,
    PersonalDataMasked,
    Saved,
)
from penstock.core.record import Settled
from penstock.watch.row import arrive
from penstock.watch.store import LedgerWriter

DAYS = 70
MODELS = ("support", "sales", "handbook", HOSTILE)


def add_weeks(console: Console) -> list[Settled]:
    rng = random.Random(7)  # noqa: S311 - made records
    now = SystemClock().now()
    records = [_record(rng, number, now) for number in range(700)]
    writer = LedgerWriter(console.database_url)
    writer.insert([arrive(msgspec.json.encode(record)) for record in records])
    writer.close()
    return records


def _record(rng: random.Random, number: int, now: float) -> Settled:
    began = now - 60 - rng.random() * DAYS * 86_400
    if datetime.fromtimestamp(began, UTC).weekday() >= 5 and rng.random() < 0.7:
        began -= 2 * 86_400
    model = rng.choices(MODELS, (50, 30, 18, 2))[0]
    is_hit = rng.random() < 0.25
    cost = 0 if is_hit else rng.randrange(10**8, 10**9) * (3 if model == "sales" else 1)
    is_unknown = rng.random() < 0.03
    outcome = "completed" if rng.random() < 0.93 else "blocked"
    return Settled(
        id=f"ex_seed{number:028x}",
        started_at=began,
        duration_s=rng.lognormvariate(-0.3, 0.8),
        first_event_s=0.2,
        tenant=rng.choices(("acme", "globex", "hostile"), (70, 25, 5))[0],
        key=f"key_{rng.randrange(4)}",
        user=None,
        dialect="openai-chat",
        operation="chat",
        is_streamed=True,
        model=model,
        release=f"{3 + (began > now - 12 * 86_400)}",
        target=rng.choice(("openai-eu/gpt-4o-mini", "sim/sim")),
        outcome=outcome,
        outcome_code=None,
        attempts=1,
        input_tokens=rng.randrange(3000),
        output_tokens=rng.randrange(900),
        cache_read_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        usage_accuracy="estimated" if rng.random() < 0.04 else "exact",
        cost_nanousd=None if is_unknown else cost,
        cost_accuracy="unknown" if is_unknown else "exact",
        config_hash="0123456789abcdef",
        facts=tuple(_facts(rng, is_hit=is_hit, is_blocked=outcome == "blocked")),
        project=rng.choice((None, "web", FORMULA)),
        feature=rng.choice((None, "search", "chat")),
        region="eu-central-1",
    )


def _facts(rng: random.Random, *, is_hit: bool, is_blocked: bool) -> list[AnyFact]:
    facts: list[AnyFact] = []
    if is_hit:
        facts.append(CacheHit(at_s=0.0, kind="exact", age_s=60.0, saved_nanousd=rng.randrange(10**8, 10**9)))
    elif rng.random() < 0.8:
        facts.append(CacheMissed(at_s=0.0, reason="new"))
    else:
        facts.append(CacheBypassed(at_s=0.0, reason="no_store"))
    facts += [Saved(at_s=0.2, by="routing", tokens=0, nanousd=rng.randrange(10**8))]
    if rng.random() < 0.3:
        facts.append(Saved(at_s=0.2, by="prompt_cache", tokens=10, nanousd=rng.randrange(-(10**7), 10**8)))
    masks = rng.random() < 0.2
    facts.append(_judged("personal_data", "input", "mask" if masks else "allow"))
    if masks:
        kinds = {"EMAIL_ADDRESS": rng.randrange(1, 4), "PERSON": 1}
        facts.append(PersonalDataMasked(at_s=0.0, kinds=kinds | ({"API_KEY": 1} if rng.random() < 0.2 else {})))
    facts.append(_judged("injection", "input", "block" if is_blocked else "allow"))
    facts.append(_judged("policy", "output", "block" if rng.random() < 0.03 else "allow", mode="shadow"))
    if rng.random() < 0.02:
        failed = GuardFailed(
            at_s=0.0,
            guard="tone",
            direction="output",
            mode="enforce",
            reason="timeout",
            is_let_through=rng.random() < 0.5,
        )
        facts.append(failed)
    return facts


def _judged(guard: str, direction: str, action: str, *, mode: str = "enforce") -> GuardJudged:
    return GuardJudged(
        at_s=0.0,
        guard=guard,
        direction=direction,
        mode=mode,
        action=action,
        texts=1,
        findings=int(action != "allow"),
        latency_s=0.001,
    )
