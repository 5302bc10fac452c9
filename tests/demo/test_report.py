import math

import pytest
from rich.console import Console

from penstock.demo.client import Outcome
from penstock.demo.report import Pass, ProviderCount, Tokens, saving_of, table_of
from penstock.demo.workload import Question


def outcome(number: int, duration_s: float, failure: str = "") -> Outcome:
    question = Question(number, "?", 0.0, 1, is_streamed=False)
    return Outcome(question, duration_s, "" if failure else "text", f"ex_{number}", failure)


COUNT = ProviderCount(30, {"a": Tokens(1_000_000, 0), "b": Tokens(0, 500_000)})


def test_figures_are_of_answers_alone_and_come_from_what_was_seen() -> None:
    outcomes = [outcome(number, number / 10) for number in range(1, 21)] + [outcome(21, 99.0, "503")]
    seen = Pass(outcomes, COUNT, frozenset({f"ex_{number}" for number in range(1, 19)} | {"ex_other"}))
    assert len(seen.answered) == 20
    assert seen.mean_s == pytest.approx(1.05)
    assert seen.p95_s == pytest.approx(1.9)
    assert seen.lost == 2
    assert seen.failures == {"503": 1}
    assert seen.provider.cost_usd == pytest.approx(0.40 + 0.80)


def test_without_a_ledger_every_answer_is_lost_and_without_answers_nothing_is() -> None:
    assert Pass([outcome(1, 1.0), outcome(2, 1.0)], COUNT).lost == 2
    nothing = Pass([outcome(1, 1.0, "503")], COUNT)
    assert nothing.lost == 0
    assert math.isnan(nothing.p95_s)


def test_the_table_shows_both_sides() -> None:
    console = Console(width=120, record=True, file=None, quiet=False)
    direct = Pass([outcome(1, 1.0), outcome(2, 1.0, "429")], COUNT)
    through = Pass([outcome(1, 2.0), outcome(2, 2.0)], COUNT, frozenset({"ex_1", "ex_2"}))
    with console.capture() as capture:
        console.print(table_of(direct, through, Pass([outcome(1, 0.25)], ProviderCount(0)), title="A title"))
    shown = capture.get()
    for row in ("1 (50.0%)", "2 (100.0%)", "1 x 429", "1000 ms", "2000 ms", "250 ms", "$1.2000", "$600.0000"):
        assert row in shown


def test_the_saving_is_the_difference_of_two_passes() -> None:
    once = Pass([outcome(1, 2.0), outcome(2, 3.0)], COUNT)
    again = Pass([outcome(1, 0.5), outcome(2, 0.5)], ProviderCount(3, {"a": Tokens(500_000, 0)}))
    assert saving_of(once, again) == "Kept answers saved 27 of 30 provider calls (90%), $1.0000, and 4 s of waiting."
