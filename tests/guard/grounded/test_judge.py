"""How the two parts of the judge are put together, by parts that are sure of themselves."""

import numpy as np

from penstock.guard.grounded.exchanged import EXCHANGES
from penstock.guard.grounded.judge import Copied, General, Judge
from penstock.guard.grounded.measure import FEATURES


def chance(*, general: float, copied: float, **features: float) -> float:
    """Of a claim with these features, where the parts come out at these totals."""
    few, all_ = len(FEATURES), len(FEATURES) + len(EXCHANGES)
    judge = Judge(
        encoder_sha256="",
        general=General(np.zeros(few), np.ones(few), np.zeros(few), general),
        copied=Copied(np.zeros(all_), np.ones(all_), np.zeros((all_, 1)), np.zeros(1), np.zeros(1), copied),
        edge=0.0,
        copied_edge=0.0,
    )
    row = np.zeros((1, all_))
    for name, value in features.items():
        row[0, FEATURES.index(name)] = value
    return float(judge.chances(row)[0][0])


def test_what_fails_a_check_is_unsupported_whatever_else_is_alike() -> None:
    assert chance(general=9.0, copied=9.0, in_order=1.0) > 0.9
    assert chance(general=9.0, copied=9.0, in_order=1.0, refuted=1.0) < 0.1
    assert chance(general=9.0, copied=9.0, refuted=1.0) < 0.1


def test_a_near_copy_is_for_the_part_that_knows_them_unless_the_other_is_far_below() -> None:
    assert chance(general=-0.5, copied=9.0, in_order=1.0) > 0.5
    assert chance(general=-2.0, copied=9.0, in_order=1.0) < 0.5
    assert chance(general=9.0, copied=-0.5, in_order=1.0) < 0.5


def test_any_other_claim_is_for_the_general_part_alone() -> None:
    assert chance(general=-0.5, copied=9.0) < 0.5
    assert chance(general=0.5, copied=-9.0) > 0.5
