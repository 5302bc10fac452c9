"""A target whose price nobody knows is told of once a month, wherever it was called."""

from datetime import UTC, datetime

import msgspec

from penstock.app.money.unpriced import PriceWatch
from penstock.core.facts import ExtraCallBilled, PriceUnknown
from penstock.core.record import Settled
from penstock.watch.alerts.alert import Alert

NOVEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC).timestamp()
RECORD = Settled(
    id="ex_1", started_at=NOVEMBER, duration_s=1.0, first_event_s=None, tenant="acme", key="k", user=None,
    dialect="openai-chat", operation="chat", is_streamed=False, model="m", target="p/new", outcome="completed",
    outcome_code=None, attempts=1, input_tokens=9, output_tokens=9, cache_read_tokens=0, cache_write_tokens=0,
    reasoning_tokens=0, usage_accuracy="exact", cost_nanousd=None, cost_accuracy="unknown", config_hash="h",
    facts=(PriceUnknown(at_s=1.0, target="p/new"),),
)  # fmt: skip


class Records:
    def __init__(self) -> None:
        self.kept: list[Settled] = []

    def append(self, record: Settled) -> None:
        self.kept.append(record)


def extra(target: str, accuracy: str, nanousd: int | None) -> ExtraCallBilled:
    return ExtraCallBilled(
        at_s=1.0, target=target, why="hedged", input_tokens=1, output_tokens=1, accuracy=accuracy, cost_nanousd=nanousd
    )


def test_a_target_is_told_of_once_a_month_and_kept_in_the_books_every_time() -> None:
    records, heard = Records(), list[Alert]()
    watch = PriceWatch(records, heard.append)
    watch.append(RECORD)
    watch.append(RECORD)
    watch.append(msgspec.structs.replace(RECORD, started_at=NOVEMBER + 120))
    assert [(each.kind, each.id) for each in heard] == [
        ("price.unknown", "price:p/new@2026-11"),
        ("price.unknown", "price:p/new@2026-12"),
    ]
    assert len(records.kept) == 3


def test_only_prices_are_told_of_and_only_those_that_are_missing() -> None:
    heard = list[Alert]()
    watch = PriceWatch(Records(), heard.append)
    watch.append(msgspec.structs.replace(RECORD, usage_accuracy="unknown"))  # nobody knows what was used
    facts = (extra("p/a", "unknown", None), extra("p/b", "exact", 5), extra("p/c", "exact", None))
    watch.append(msgspec.structs.replace(RECORD, facts=facts))
    watch.append(msgspec.structs.replace(RECORD, cost_nanousd=1, cost_accuracy="exact"))
    assert [each.subject for each in heard] == ["p/c"]


def test_names_that_callers_make_up_do_not_flood_anybody() -> None:
    heard = list[Alert]()
    watch = PriceWatch(Records(), heard.append)
    for number in range(300):
        watch.append(msgspec.structs.replace(RECORD, facts=(PriceUnknown(at_s=1.0, target=f"p/{number}"),)))
    assert len(heard) == 101
    assert heard[-1].subject == "other targets"
