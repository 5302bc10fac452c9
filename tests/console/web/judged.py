"""What is known of how good the ten weeks' answers were: scores, feedback, events, refusals; each by its real store."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import psycopg
from msgspec import structs
from tests.console.web.harness import HOSTILE, Console
from tests.console.web.traffic import add_exchanges, exchange

from penstock.core.clock import SystemClock
from penstock.core.feedback import Feedback, Remark
from penstock.core.happenings import Happening
from penstock.core.record import Settled
from penstock.review.remarks import insert_remarks
from penstock.testing.clock import FakeClock
from penstock.watch.feedback import store as feedback
from penstock.watch.happenings import store as happenings
from penstock.watch.quality import store
from penstock.watch.quality.checks import Found
from penstock.watch.quality.seen import Told
from penstock.watch.quality.verdicts import ANSWER, JUDGE, WHOLE, Verdict
from penstock.watch.security.refused import RefusedCredentials

_FAULTS: Sequence[tuple[str, Verdict, float]] = (
    ("cut", "cut_off", 0.02),
    ("refusal", "refusal", 0.03),
    ("format", "invalid_json", 0.02),
    ("citations", "broken_citations", 0.015),
    ("length", "too_long", 0.02),
)
_JUDGED: Sequence[Verdict] = ("judged_wrong", "judged_incomplete", "judged_unclear")


def add_scores(console: Console, records: Sequence[Settled]) -> None:
    rng = random.Random(11)  # noqa: S311 - made scores
    answered = [each for each in records if each.outcome == "completed"]
    with psycopg.connect(console.database_url, autocommit=True) as connection, connection.transaction():
        for place, record in enumerate(answered):
            told = _told(record)
            found = _found(rng, is_new=record.started_at > SystemClock().now() - 12 * 86_400)
            worst = min(found, key=lambda each: each.score)
            store.write(connection, [(told, [Found(ANSWER, worst.score, worst.verdict), *found])])
            if place % 5 == 0:
                grade = rng.choices((250, 500, 750, 1000), (1, 2, 4, 6))[0]
                verdict = "good" if grade > 500 else rng.choice(_JUDGED)
                store.write(connection, [(told, [Found(JUDGE, grade, verdict)])])
        _add_judging(connection, rng, answered)
        _add_said(connection, rng, answered)
    add_refused(console, rng)
    if os.environ.get("PENSTOCK_SCREENSHOTS"):
        _add_unusual(console, rng)


def _add_unusual(console: Console, rng: random.Random) -> None:
    """A key that is used by day for two weeks, and then far more at night."""
    night = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
    hours = [(night - timedelta(days=back) + timedelta(hours=9), 40) for back in range(1, 15)] + [(night, 130)]
    records = [
        structs.replace(exchange(rng, 800_000 + 1000 * place + number, at.timestamp() + number), key="key_batch")
        for place, (at, many) in enumerate(hours)
        for number in range(many)
    ]
    add_exchanges(console.database_url, [structs.replace(each, tenant="acme") for each in records])


def _told(record: Settled) -> Told:
    return Told(
        exchange=record.id,
        tenant=record.tenant,
        assistant=record.model,
        release=record.release or "",
        target=record.target or "",
        at=datetime.fromtimestamp(record.started_at, UTC),
        outcome=record.outcome,
    )


def _found(rng: random.Random, *, is_new: bool) -> list[Found]:
    """Of the last days answers decline more often, and stand on their sources less."""
    grounded = min(WHOLE, max(0, round(rng.gauss(830 if is_new else 930, 90))))
    found = [Found("empty", WHOLE, "good"), Found("grounded", grounded, "good" if grounded >= 600 else "ungrounded")]
    for check, verdict, often in _FAULTS:
        is_there = rng.random() < often * (3 if is_new and check == "refusal" else 1)
        score = 500 if check == "length" else rng.randrange(0, 400)
        found.append(Found(check, score, verdict) if is_there else Found(check, WHOLE, "good"))  # type: ignore[arg-type] # names of checks
    return found


def _add_judging(connection: psycopg.Connection, rng: random.Random, answered: Sequence[Settled]) -> None:
    """What the control plane writes when it judges; it has nobody to ask here."""
    today = datetime.fromtimestamp(SystemClock().now(), UTC).date()
    with connection.cursor() as cursor:
        days: list[tuple[date, int, int]] = []
        for back in range(60):
            calls = rng.randrange(60, 140)
            days.append((today - timedelta(days=back), calls * rng.randrange(9_000_000, 15_000_000), calls))
        cursor.executemany("INSERT INTO quality_spent (day, nanousd, calls) VALUES (%s, %s, %s)", days)
        states = ("judged",) * 12 + ("unreadable", "refused", "left_out")
        rows = [(each.id, each.started_at, rng.choice(states)) for each in answered[::5]]
        cursor.executemany("INSERT INTO quality_judged (exchange, at, state) VALUES (%s, %s, %s)", rows)


def _add_said(connection: psycopg.Connection, rng: random.Random, answered: Sequence[Settled]) -> None:
    said: list[Feedback] = []
    remarks: list[Remark] = []
    events: list[Happening] = []
    for number, record in enumerate(answered):
        about = {"exchange": record.id, "tenant": record.tenant, "key": record.key}
        at = record.started_at + 30
        if rng.random() < 0.3:
            said.append(Feedback(**about, verdict="good" if rng.random() < 0.82 else "bad", at=at))
        if rng.random() < 0.08:
            remarks.append(Remark(**about, at=at, rating=rng.choices((1, 3, 4, 5), (1, 2, 5, 6))[0]))
        kind = rng.choices((None, "conversion", "resolved", "escalated", "satisfaction"), (40, 12, 30, 6, 12))[0]
        if kind is not None:
            events.append(
                Happening(
                    **about,
                    id=f"event-{number}",
                    kind=kind,
                    at=at,
                    value_nanousd=rng.randrange(5, 90) * 10**9 if kind == "conversion" else None,
                    satisfaction=rng.choice((250, 750, 1000)) if kind == "satisfaction" else None,
                )
            )
    oldest = min(each.at for each in (*said, *events))
    feedback.insert(connection, said)
    feedback.place(connection, now=oldest, most=len(said))
    insert_remarks(connection, remarks)
    happenings.insert(connection, events)
    happenings.place(connection, now=oldest, most=len(events))


def add_refused(console: Console, rng: random.Random) -> None:
    """As the two planes bring them, of the last two days."""
    hours = 1 if os.environ.get("PENSTOCK_SCREENSHOTS") else 8
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        for place, often in (("data", 9), ("control", 1)):
            counts = {"key": 0, "missing": 0, "token_expired": 0, HOSTILE: 0}
            clock = FakeClock(now_s=SystemClock().now() - 48 * 3600)
            bringing = RefusedCredentials(place, lambda counts=counts: counts, clock)
            for _ in range(48 // hours - 1):
                clock.advance(hours * 3600)
                counts.update({reason: count + often * rng.randrange(3) for reason, count in counts.items()})
                bringing.tend(connection)
