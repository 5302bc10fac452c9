"""Generated conversations, byte by byte: `make evaluate ARGS=masking` has more of them."""

import asyncio

from evaluation.masking.__main__ import outcome_of


def test_nothing_of_a_person_leaves_and_all_comes_back() -> None:
    outcome = asyncio.run(outcome_of(conversations=60, seed=7))
    assert outcome.values > 100
    assert outcome.left == []
    assert outcome.not_restored == []
