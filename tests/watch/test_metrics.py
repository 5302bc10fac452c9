from collections.abc import Callable

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.core.facts import AttemptFailed
from penstock.core.record import Settled
from penstock.watch.backlog import Backlog
from penstock.watch.metrics import Metrics

MakeRecord = Callable[[int], Settled]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The sum of the samples of that name whose labels include these; None where there is no such sample."""
    text = metrics.render(in_flight=3, backlog=Backlog(7, 700, 1.5, 0)).decode()
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found) if found else None


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_an_exchange_is_counted_with_its_tokens_money_and_time(metrics: Metrics, make_record: MakeRecord) -> None:
    for number in range(4):
        metrics.observe(make_record(number))
    exchange = {"dialect": "openai-chat", "operation": "chat", "outcome": "completed", "code": ""}
    assert value(metrics, "penstock_exchanges_total", **exchange) == 4
    assert value(metrics, "penstock_tokens_total", target="openai/gpt-4o", kind="input") == 2048
    assert value(metrics, "penstock_tokens_total", target="openai/gpt-4o", kind="output") == 512
    assert value(metrics, "penstock_cost_usd_total", target="openai/gpt-4o") == pytest.approx(0.01024)
    assert value(metrics, "penstock_attempts_total", target="openai/gpt-4o") == 4
    duration = "penstock_exchange_duration_seconds"
    assert value(metrics, f"{duration}_count", target="openai/gpt-4o") == 4
    assert value(metrics, f"{duration}_sum", target="openai/gpt-4o") == pytest.approx(2.0)
    assert value(metrics, f"{duration}_bucket", le="0.25") == 0
    assert value(metrics, f"{duration}_bucket", le="0.5") == 4
    assert value(metrics, f"{duration}_bucket", le="+Inf") == 4
    assert value(metrics, "penstock_first_event_seconds_bucket", le="0.25") == 4


def test_an_unknown_cost_is_counted_as_unknown_and_not_as_zero(metrics: Metrics, make_record: MakeRecord) -> None:
    metrics.observe(msgspec.structs.replace(make_record(0), cost_nanousd=None, cost_accuracy="unknown"))
    assert value(metrics, "penstock_cost_unknown_total", target="openai/gpt-4o") == 1
    assert value(metrics, "penstock_cost_usd_total", target="openai/gpt-4o") == 0


def test_failed_attempts_are_counted_where_they_failed(metrics: Metrics, make_record: MakeRecord) -> None:
    failed = AttemptFailed(at_s=0.1, attempt=1, target="azure/gpt-4o", code="upstream_throttled")
    metrics.observe(msgspec.structs.replace(make_record(0), attempts=2, facts=(failed,)))
    assert value(metrics, "penstock_attempt_failures_total", target="azure/gpt-4o", code="upstream_throttled") == 1
    assert value(metrics, "penstock_attempts_total", target="openai/gpt-4o") == 2


def test_names_that_pass_through_do_not_make_series_without_end(metrics: Metrics, make_record: MakeRecord) -> None:
    for number in range(700):
        metrics.observe(msgspec.structs.replace(make_record(number), target=f"openai/made-up-{number}"))
    assert value(metrics, "penstock_exchanges_total") == 700
    assert value(metrics, "penstock_attempts_total", target="other") == 200


def test_a_model_name_that_a_caller_sent_is_no_label(metrics: Metrics, make_record: MakeRecord) -> None:
    rejected = msgspec.structs.replace(
        make_record(0), model="made up by a caller", target=None, outcome="rejected", outcome_code="unknown_model"
    )
    metrics.observe(rejected)
    assert b"made up" not in metrics.render(in_flight=0)
    assert value(metrics, "penstock_exchanges_total", outcome="rejected", code="unknown_model") == 1


def test_refusals_running_exchanges_and_the_backlog_are_shown(metrics: Metrics) -> None:
    metrics.refused("unauthenticated")
    metrics.refused("unauthenticated")
    assert value(metrics, "penstock_refused_total", code="unauthenticated") == 2
    assert value(metrics, "penstock_in_flight") == 3
    assert value(metrics, "penstock_journal_backlog_records") == 7
    assert value(metrics, "penstock_journal_oldest_unshipped_seconds") == 1.5
    assert b"journal" not in metrics.render(in_flight=0)
    assert b"process_resident_memory_bytes" in metrics.render(in_flight=0)


def test_a_target_that_is_down_is_0(metrics: Metrics) -> None:
    text = metrics.render(in_flight=0, targets_up={"openai/m": False, 'x/"odd"': True}).decode()
    assert 'penstock_target_up{target="openai/m"} 0.0' in text
    assert 'penstock_target_up{target="x/\\"odd\\""} 1.0' in text
