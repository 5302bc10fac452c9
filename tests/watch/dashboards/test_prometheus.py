"""What Prometheus says of a figure is the figure: over the metrics of exchanges whose sums are known."""

import random
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from tests.watch.dashboards.evaluator import Scraped, evaluate, nodes, parsed
from tests.watch.rollups.scene import random_record

from penstock.core.facts import AnyFact, AttemptFailed, Saved
from penstock.core.record import Settled
from penstock.watch.dashboards.boards import BOARDS
from penstock.watch.dashboards.panel import expression
from penstock.watch.dashboards.rules import expressions, groups
from penstock.watch.figures.catalog import FIGURES, Figure
from penstock.watch.figures.sums import Sums
from penstock.watch.metrics import Metrics
from penstock.watch.rollups.batch import SUMS, Batch
from penstock.watch.rollups.notes import read_notes
from penstock.watch.row import arrive

WINDOW = 300.0
AT = 10_000.0
BUCKETS = (0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


def records(seed: int, count: int) -> list[Settled]:
    rng = random.Random(seed)  # noqa: S311 - made records
    return [_record(rng, number) for number in range(count)]


def _record(rng: random.Random, number: int) -> Settled:
    record = random_record(rng, number)
    facts: list[AnyFact] = list(record.facts)
    ways = [way for way in ("routing", "compaction") if rng.random() < 0.3]
    facts += (Saved(at_s=0.2, by=way, tokens=5, nanousd=rng.randrange(10**6)) for way in ways)
    outcome = rng.choice(("held", "rejected", "deadline")) if rng.random() < 0.1 else record.outcome
    failed = sum(isinstance(fact, AttemptFailed) for fact in facts)  # one that failed was called, and another after it
    return msgspec.structs.replace(
        record, facts=tuple(facts), outcome=outcome, attempts=max(record.attempts, 1 + failed)
    )


def observed(metrics: Metrics, of: Iterable[Settled]) -> str:
    for record in of:
        metrics.observe(record)
    return metrics.render(in_flight=0).decode()


def sums_of(of: Iterable[Settled]) -> Sums:
    """By the code that the sums of the database are made with, whose own tests compare them with the ledger."""
    batch = Batch()
    for record in of:
        row = arrive(msgspec.json.encode(record)).row
        batch.add(row, read_notes(bytes(row.facts)))
    sums = Sums()
    whole = next(each for each in batch.tables(lambda values: values) if each.view.number == 0)
    for (_, (outcome,)), cell in whole.cells.items():
        for name, amount in zip(SUMS, cell.sums, strict=True):
            setattr(sums, name, getattr(sums, name) + amount)
        sums.outcomes = {**sums.outcomes, outcome: sums.outcomes.get(outcome, 0) + cell.sums[0]}
        for name, counts in (("durations", cell.durations), ("firsts", cell.firsts)):
            kept = dict(getattr(sums, name))
            for bucket, count in counts.items():
                kept[bucket] = kept.get(bucket, 0) + count
            setattr(sums, name, kept)
    return sums


@pytest.fixture(scope="module")
def told() -> tuple[Scraped, list[Settled]]:
    """Scraped before and after 300 exchanges, and after 150 of a process that was started anew.

    Each series is in all three: of what a process has not counted yet Prometheus knows nothing, and guesses.
    """
    before, between, after = records(1, 300), records(2, 300), records(3, 150)
    scraped, metrics = Scraped(), Metrics()
    scraped.add(AT - WINDOW, observed(metrics, before))
    scraped.add(AT - WINDOW / 2, observed(metrics, between))
    scraped.add(AT, observed(Metrics(), after))
    return scraped, [*between, *after]


@pytest.fixture(scope="module")
def sums(told: tuple[Scraped, list[Settled]]) -> Sums:
    return sums_of(told[1])


TOLD = [figure for figure in FIGURES.values() if figure.prometheus is not None]


def value(figure: Figure, scraped: Scraped, by: tuple[str, ...] = ()) -> dict[str, float]:
    found = evaluate(parsed(expression(figure.name, window="300s", by=by)), scraped, AT)
    assert isinstance(found, dict)
    return {dict(labels)[by[0]] if by else "": each for labels, each in found.items()}


@pytest.mark.parametrize("figure", TOLD, ids=lambda figure: figure.name)
def test_prometheus_says_what_the_figure_says(figure: Figure, told: tuple[Scraped, list[Settled]], sums: Sums) -> None:
    (said,) = value(figure, told[0]).values()
    meant = figure.value(sums)
    assert meant is not None
    assert meant != 0
    if figure.times:  # a bucket of Prometheus' is as wide as the figure may be off there
        above = next(place for place, bound in enumerate(BUCKETS) if meant <= bound)
        assert 0.99 * BUCKETS[above - 1] <= said <= 1.01 * BUCKETS[above]
    else:
        assert said == pytest.approx(meant / 1e9 if figure.unit == "nanousd" else meant, rel=1e-9)


def test_every_figure_is_told() -> None:
    assert [figure.name for figure in FIGURES.values() if figure.prometheus is None] == []


GROUPED: list[tuple[str, str, Callable[[Settled], str | None]]] = [
    *((name, "target", lambda r: r.target or "none") for name in ("cost_nanousd", "attempts", "input_tokens")),
    ("cost_per_exchange_nanousd", "target", lambda r: r.target or "none"),
    *(
        (name, "tenant", lambda r: r.tenant)
        for name in ("cache_hit_rate", "saved_nanousd", "saved_prompt_cache_nanousd")
    ),
]


@pytest.mark.parametrize(("name", "label", "key"), GROUPED, ids=[f"{name} by {label}" for name, label, _ in GROUPED])
def test_so_it_does_by_label(
    name: str, label: str, key: Callable[[Settled], str | None], told: tuple[Scraped, list[Settled]]
) -> None:
    scraped, of = told
    said = value(FIGURES[name], scraped, (label,))
    assert said.keys() == {key(record) for record in of}
    for group, amount in said.items():
        meant = FIGURES[name].value(sums_of(record for record in of if key(record) == group))
        assert meant is not None
        assert amount == pytest.approx(meant / 1e9 if FIGURES[name].unit == "nanousd" else meant, rel=1e-9)


def test_what_never_happened_is_nought_and_not_missing() -> None:
    quiet = [msgspec.structs.replace(each, outcome="completed", facts=()) for each in records(5, 20)]
    scraped, metrics = Scraped(), Metrics()
    scraped.add(AT - WINDOW, observed(metrics, quiet))
    scraped.add(AT, observed(metrics, quiet))
    meant = {"availability": 1.0, "fault_rate": 0.0, "failed_attempt_rate": 0.0, "blocked": 0.0, "held_rate": 0.0}
    assert {name: value(FIGURES[name], scraped)[""] for name in meant} == meant


def panels() -> list[tuple[str, Any]]:
    return [
        (target["expr"].replace("$__range", "6h"), panel)
        for board in BOARDS
        for panel in board.json()["panels"]
        for target in panel["targets"]
    ]


def test_each_expression_groups_and_chooses_by_labels_that_its_metrics_have(
    told: tuple[Scraped, list[Settled]],
) -> None:
    """One that a metric has not would be taken for empty, without a word."""
    looked_at = 0
    for said in [*(said for said, _ in panels()), *expressions()]:
        for node in nodes(parsed(said)):
            if type(node).__name__ != "AggregateExpr":
                continue
            (names,) = [{each.name for each in nodes(node) if type(each).__name__ == "VectorSelector"}]
            for name in names & {name for name, _ in told[0].series}:
                looked_at += 1
                assert set(node.modifier.labels) <= told[0].labels_of(name), said
    assert looked_at > 100


def test_panels_have_their_figures_units() -> None:
    by_title = {panel["title"]: panel["fieldConfig"]["defaults"] for _, panel in panels() if panel["type"] == "stat"}
    wanted = {"nanousd": "currencyUSD", "share": "percentunit", "seconds": "s", "count": "short", "tokens": "short"}
    shown = [figure for figure in FIGURES.values() if figure.title in by_title]
    assert len(shown) > 15
    for figure in shown:
        assert by_title[figure.title]["unit"] == wanted[figure.unit], figure.name


def test_a_rule_fires_where_it_should_and_only_there(told: tuple[Scraped, list[Settled]], sums: Sums) -> None:
    scraped, _ = told
    rules = {rule["alert"]: rule["expr"] for group in groups()["groups"] for rule in group["rules"]}
    faults = re.sub(r"\[10m\]", "[5m]", rules["PenstockFaultRateHigh"])
    fault_rate = sums.faults / sums.judged
    assert 0.01 < fault_rate < 0.1
    assert evaluate(parsed(faults), scraped, AT) == {}
    found = evaluate(parsed(faults.replace("> 0.1 ", "> 0.01 ")), scraped, AT)
    assert isinstance(found, dict)
    assert list(found.values()) == [pytest.approx(fault_rate)]
    few = faults.replace("> 0.1 ", "> 0.01 ").replace(">= 20", ">= 451")
    assert evaluate(parsed(few), scraped, AT) == {}
    burns = re.sub(r"\[(1h|5m)\]", "[5m]", rules["PenstockFaultBudgetBurnsFast"])
    assert (fault_rate > 14.4 * 0.001) == bool(evaluate(parsed(burns), scraped, AT))
    assert fault_rate > 14.4 * 0.001
