"""What the caches' benchmark says where a slow machine looks hardly anything up: what it measured, and MISSED."""

from bench.cache import aims
from bench.open_loop import Result, Times
from bench.similar import HITS, LOW_RATE, MISSES, PLAIN, RATE, READ_BEFORE, Figures, Round


def of(name: str, expected: str, *, answered: int, p50_ms: float = 1.0, busy: int = 0) -> Round:
    marks = {expected: Times(answered=answered, p50_ms=p50_ms, p99_ms=2 * p50_ms)} if answered else {}
    result = Result(sent=100, answered=100, failed=0, unanswered=0, p50_ms=1, p90_ms=1, p99_ms=1, max_ms=1, marks=marks)
    return Round(name, RATE, 100, expected, result, {"lookups_busy": busy} if busy else {}, 100.0)


def figures(hits: Round, misses: Round) -> Figures:
    return Figures((hits, misses, of(PLAIN, "", answered=100)), 100.0, 200.0)


def test_hits_that_are_fast_are_met() -> None:
    told = aims(figures(of(HITS, "similar", answered=90), of(MISSES, "miss", answered=100, p50_ms=3)))
    assert all(is_met for *_, is_met in told)


def test_fast_hits_are_missed_where_most_were_not_looked_up() -> None:
    told = aims(figures(of(HITS, "similar", answered=10, busy=80), of(MISSES, "miss", answered=100)))
    assert ("a hit, p50", "≤ 5 ms", "1.0 ms, 20% looked up", False) in told


def test_where_there_was_no_hit_at_all_it_says_so_and_gives_the_rest() -> None:
    told = aims(figures(of(HITS, "similar", answered=0, busy=100), of(MISSES, "miss", answered=100, p50_ms=9)))
    assert ("a hit, p99", "≤ 12 ms", "none, 0% looked up", False) in told
    assert ("a miss adds, p50", "≤ 5 ms", "8.0 ms", False) in told


def test_rounds_are_told_apart_by_name_and_rate() -> None:
    low = Round(READ_BEFORE, LOW_RATE, 1, "similar", of(HITS, "similar", answered=1).result, {}, 1.0)
    assert Figures((of(READ_BEFORE, "similar", answered=2), low), 0, 0).of(READ_BEFORE, LOW_RATE) is low
