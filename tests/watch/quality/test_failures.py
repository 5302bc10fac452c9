"""Every end, error code, tally and verdict has its class: none is forgotten, and none is there that nobody gives."""

import inspect
from typing import get_args

from penstock.core import errors
from penstock.core.ends import End
from penstock.watch.quality.failures import (
    FAILURES,
    NO_FAILURES,
    OF_CODE,
    OF_END,
    OF_VERDICT,
    PREFIXES,
    failure_of_tally,
)
from penstock.watch.quality.shares import mean_of, share_of
from penstock.watch.quality.verdicts import VERDICTS
from penstock.watch.rollups import notes


def test_all_are_told_of() -> None:
    codes = {
        found.code
        for found in vars(errors).values()
        if inspect.isclass(found) and issubclass(found, errors.PenstockError)
    }
    assert set(OF_CODE) == codes
    assert set(OF_END) == set(get_args(End))
    assert set(OF_VERDICT) == set(VERDICTS)
    used = {*OF_CODE.values(), *OF_END.values(), *OF_VERDICT.values()} - {None}
    assert used == set(FAILURES)


def test_each_word_of_the_tallies_is_a_failure_or_none() -> None:
    source = inspect.getsource(notes)
    words = {name.partition(":")[0] for name, _ in notes._NAMED.values()}  # type: ignore[reportPrivateUsage]
    for word in ("guard", "found", "let_through", "guard_failed", "masked", "restored", "withheld", "second_opinion"):
        assert word in source
        words.add(word)
    words |= {"claims", "cited", "confidence", "unread", "shadow"}
    words |= {each.rstrip(":") for each in (notes.CANNED, notes.SUMMARISED, notes.SAVED, notes.UNPRICED)}
    asked_for = {each.partition(":")[0] for each in PREFIXES}
    assert words == {*NO_FAILURES, *asked_for}
    assert failure_of_tally("attempt_failed:upstream_timeout") == "timeout"
    assert failure_of_tally("refused:limits:rate_limited") == "limit"
    assert failure_of_tally("refused:cache:not_cached") is None
    assert failure_of_tally("limit_refused:team: of five") == "limit"
    assert failure_of_tally("shadow:limit_refused:team") is None


def test_shares_and_means_have_the_interval_that_textbooks_give() -> None:
    eight = share_of(8, 10)  # Wilson (1927): 0.490 to 0.943
    assert [round(each or 0.0, 3) for each in (eight.value, eight.low, eight.high)] == [0.8, 0.49, 0.943]
    assert share_of(0, 0).value is None
    mean = mean_of(4, 2000, 2_000_000)  # 0, 0, 1, 1: 0.5 +- 1.96 * 0.577 / 2
    assert [round(each or 0.0, 3) for each in (mean.value, mean.low, mean.high)] == [0.5, 0.0, 1.0]
    assert round(mean_of(100, 50_000, 50_000_000).high or 0.0, 3) == 0.598
    assert mean_of(1, 900, 810_000).low == 0.0
