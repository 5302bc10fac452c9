"""An installation whose exchanges a test makes up, and the control planes that judge them."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
from tests.watch.rollups.scene import arrivals, random_record

from penstock.config import read
from penstock.core.facts import AttemptFailed, CacheMissed, Ended
from penstock.core.record import Settled
from penstock.storage.pool import connect
from penstock.testing.clock import FakeClock
from penstock.watch.rules.evaluator import Evaluator, Machine
from penstock.watch.rules.judge import Judge
from penstock.watch.rules.opening import rules_of
from penstock.watch.rules.rule import Rule
from penstock.watch.store import LedgerWriter

MINUTE_S = 60.0


def rules(text: str, objectives: str = "{}", *, ready_made: bool = False) -> tuple[Rule, ...]:
    """As they stand in a file."""
    environ = {
        "PENSTOCK__ALERTS__RULES": text,
        "PENSTOCK__OBJECTIVES": objectives,
        "PENSTOCK__ALERTS__READY_MADE": str(ready_made).lower(),
    }
    return rules_of(read(None, environ))


@dataclass
class Scene:
    url: str
    clock: FakeClock = field(default_factory=FakeClock)
    gauges: dict[str, float] = field(default_factory=dict[str, float])
    number: int = 0
    writer: LedgerWriter | None = None
    rng: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - made records

    def settle(self, amount: int, *, ago_s: float = 90.0, minutes: int = 1, **changes: Any) -> None:
        """So many exchanges that began so long ago, and in each of the minutes before that."""
        records: list[Settled] = []
        for place in range(amount * minutes):
            self.number += 1
            began = self.clock.now() - ago_s - MINUTE_S * (place // amount)
            record = random_record(self.rng, self.number, began=began, spread_s=1.0)
            fields: dict[str, Any] = {
                "outcome": "completed",
                "model": "support",
                "tenant": "acme",
                "facts": (Ended(at_s=0.1, end="completed"),),
                **changes,
            }
            records.append(msgspec.structs.replace(record, **fields))
        if self.writer is None:
            self.writer = LedgerWriter(self.url)
        self.writer.insert(arrivals(records))

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()

    def evaluator(
        self, of: tuple[Rule, ...], *, plane: str = "one", skew_s: float = 0.0, anomalies: Judge | None = None
    ) -> Evaluator:
        own: Callable[[], Mapping[str, float]] = lambda: self.gauges  # noqa: E731 - asked each minute
        machine = Machine(name=plane, own=own, everywhere=dict[str, float])
        return Evaluator(
            of, machine, self.clock, anomalies=anomalies, database_time=lambda _: self.clock.now() - skew_s
        )

    def minutes(self, *evaluators: Evaluator, count: int = 1, each: Callable[[], None] | None = None) -> None:
        """Let so many minutes pass, with a look of each evaluator in every one."""
        with connect(self.url, name="test") as connection:
            connection.autocommit = True
            for _ in range(count):
                self.clock.advance(MINUTE_S)
                if each is not None:
                    each()
                for evaluator in evaluators:
                    evaluator.tend(connection)

    def told(self) -> list[tuple[str, str]]:
        """Kind and id of every alert, in order."""
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT kind, id FROM alerts ORDER BY place").fetchall()

    def texts(self) -> list[str]:
        with psycopg.connect(self.url) as connection:
            return [row[0] for row in connection.execute("SELECT text FROM alerts ORDER BY place").fetchall()]


def failed(code: str) -> tuple[Any, ...]:
    """Facts of an exchange whose call has failed."""
    return (AttemptFailed(at_s=0.1, attempt=1, target="openai/gpt-4o", code=code), Ended(at_s=0.2, end="failed"))


def missed() -> tuple[Any, ...]:
    return (CacheMissed(at_s=0.0, reason="new"), Ended(at_s=0.1, end="completed"))
