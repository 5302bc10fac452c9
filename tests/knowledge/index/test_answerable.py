"""The chance that the answer was found: it rises where one document stands out, and with nothing else."""

import pytest

from penstock.knowledge.index.answerable import chance, features
from penstock.knowledge.index.fusion import Candidate


def found(*scores: float) -> list[Candidate]:
    """One chunk of a document each, alike in every way."""
    return [Candidate(number << 20, each, each, each, each, None) for number, each in enumerate(scores)]


def test_a_document_that_leads_is_likely_the_answer() -> None:
    leading, level = chance(found(0.8, 0.4, 0.4, 0.4)), chance(found(0.8, 0.8, 0.8, 0.8))
    assert level < 0.5 < leading
    assert chance([]) == 0.0


def test_the_chunks_of_one_document_do_not_hold_its_lead_down() -> None:
    same = [Candidate(number, 0.8, 0.8, 0.8, 0.8, None) for number in range(4)]
    others = [Candidate(each.chunk + (1 << 20), 0.4, 0.4, 0.4, 0.4, None) for each in same]
    assert features([*same, *others])[-1] == pytest.approx(0.4)


def test_age_counts_for_nothing() -> None:
    old = [Candidate(1 << 20, 0.7, 0.5, 0.5, 0.5, 1.0, score=0.01), Candidate(2 << 20, 0.3, 0.2, 0.2, 0.2, None)]
    new = [Candidate(1 << 20, 0.7, 0.5, 0.5, 0.5, None), Candidate(2 << 20, 0.3, 0.2, 0.2, 0.2, None)]
    assert chance(old) == chance(new)
