"""What the comparison with an earlier commit says: only what all rounds say, and nothing where they are few."""

import pytest
from bench.against import table
from bench.measure import Unary


def runs(*cpu_us: float) -> list[Unary]:
    return [
        Unary(requests=1, errors=0, requests_per_s=1e6 / cpu, p50_ms=1, p99_ms=2, cpu_us=cpu, cpu_all_us=cpu)
        for cpu in cpu_us
    ]


STEADY = runs(100, 200, 100, 200, 100, 200)


def test_code_that_takes_more_in_each_round_is_slower_however_the_machine_changes_between_rounds() -> None:
    requests, cpu = table("before", STEADY, "now", runs(110, 220, 110, 220, 110, 220))[2:]
    assert "slower in each round" in requests
    assert "slower in each round" in cpu
    assert "| 1.100 | 1.100 to 1.100 |" in cpu


def test_code_that_takes_less_in_each_round_is_faster() -> None:
    requests, cpu = table("before", STEADY, "now", runs(90, 180, 90, 180, 90, 180))[2:]
    assert "faster in each round" in requests
    assert "faster in each round" in cpu


@pytest.mark.parametrize("now", [runs(110, 220, 110, 220, 110, 190), runs(90, 180, 90, 180, 90, 210)])
def test_rounds_that_differ_are_no_difference(now: list[Unary]) -> None:
    assert all("do not agree" in row for row in table("before", STEADY, "now", now)[2:])


def test_a_few_rounds_that_agree_are_no_proof() -> None:
    assert all("tell nothing" in row for row in table("before", STEADY[:3], "now", runs(110, 220, 110))[2:])
