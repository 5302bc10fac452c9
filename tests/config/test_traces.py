"""What a configuration of traces may say, and what is refused."""

from pathlib import Path

import pytest

from penstock.config import InvalidConfig, read
from penstock.config.reload.changes import adopt


def problems(traces: str) -> list[str]:
    try:
        read(None, {"PENSTOCK__TRACES": traces, "TOKEN": "Bearer abc", "ODD": "a\nb"})
    except InvalidConfig as error:
        return [str(problem) for problem in error.problems]
    return []


def test_an_endpoint_is_all_it_needs() -> None:
    assert problems("{}") == []
    assert problems("{endpoint: 'http://collector:4318/v1/traces'}") == []
    assert problems("{endpoint: 'https://c/v1/traces?x=y', headers: {authorization: 'env:TOKEN'}, sample: 0}") == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("endpoint: 'collector:4318'", "http:// or https://"),
        ("endpoint: 'http://collector:4318'", "the whole URL"),
        ("endpoint: 'http://u:p@collector/v1/traces'", "must not have a user"),
        ("endpoint: 'http://collector/v1 traces'", "characters"),
        ("endpoint: 'http://collector:99999/v1/traces'", "not a URL"),
        ("headers: {authorization: 'Bearer abc'}", "never written out"),
        ("headers: {'a b': 'env:TOKEN'}", "not a header name"),
        ("headers: {Host: 'env:TOKEN'}", "Penstock's own"),
        ("headers: {x-a: 'env:TOKEN', X-A: 'env:TOKEN'}", "named twice"),
        ("headers: {x-a: 'env:ODD'}", "printable"),
        ("headers: {x-a: 'env:NOWHERE'}", "not set"),
        ("sample: 1.5", "<= 1"),
        ("sample: -0.1", ">= 0"),
        ("slow_s: 0", "> 0"),
        ("slow_s: .inf", "finite"),
        ("timeout_s: 61", "<= 60"),
        ("most_waiting: 0", ">= 1"),
        ("ca_file: /nowhere/ca.pem", "no certificates"),
        ("ca_file: ca.pem", "absolute"),
        ("resource: {'': x}", "1 to 200"),
        ("samples: 1", "unknown setting"),
    ],
)
def test_what_cannot_work_is_refused(changes: str, said: str) -> None:
    fields = {"endpoint": "endpoint: 'http://collector:4318/v1/traces'"}
    fields[changes.partition(":")[0]] = changes
    found = problems("{" + ", ".join(fields.values()) + "}")
    assert len(found) == 1
    assert said in found[0]


def test_what_is_for_a_collector_needs_one() -> None:
    assert "no `endpoint`" in problems("{headers: {authorization: 'env:TOKEN'}}")[0]


def test_they_are_taken_over_while_everything_runs_and_show_no_credential(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text("traces: {endpoint: 'http://c/v1/traces', headers: {authorization: 'env:TOKEN'}}")
    before = read(file, {"TOKEN": "Bearer abc"})
    file.write_text("traces: {endpoint: 'http://c/v1/traces', sample: 0.5}")
    adoption = adopt(before, read(file, {}))
    assert adoption.config.traces.sample == 0.5
    assert (adoption.taken, adoption.needs_restart) == (("traces.headers.authorization", "traces.sample"), ())
    assert "abc" not in repr(before.traces)
