from pathlib import Path

import pytest

from penstock.core.errors import ConfigError
from penstock.core.sources import Passage
from penstock.encoder.files import MODEL, TOKENIZER
from penstock.encoder.model import Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.grounded.claims import split
from penstock.guard.grounded.judge import load_judge
from penstock.guard.grounded.tracer import Traced, Tracer, coverage, support

LEAVE = (
    "Employees may take 25 days of leave each year. Requests must be approved by the manager before the leave begins. "
    "Unused days cannot be carried over into the next year."
)
TRAVEL = (
    "Travel is booked through Navan. Trips above 2,000 euros need the approval of Anna Berg. "
    "Receipts are due within 30 days after the trip."
)


def passage(label: str, text: str) -> Passage:
    return Passage(label=label, document=label, version=1, title="", text=text, start=0, end=len(text))


PASSAGES = (passage("1", LEAVE), passage("2", TRAVEL))


@pytest.fixture(scope="module")
def tracer(encoder_folder: Path) -> Tracer:
    model = Model(encoder_folder / MODEL, encoder_folder / TOKENIZER)
    return Tracer(load_judge(), model.encode, encoder_sha256=WEIGHTS_SHA256)


def judge(tracer: Tracer, text: str) -> tuple[Traced, ...]:
    return tracer.judge(split(text), PASSAGES)


def test_another_encoder_is_refused() -> None:
    with pytest.raises(ConfigError):
        Tracer(load_judge(), pytest.fail, encoder_sha256="other")


def test_what_is_said_is_supported_and_found(tracer: Tracer) -> None:
    (traced,) = judge(tracer, "Employees may take 25 days of leave each year [1].")
    assert (traced.verdict, traced.is_cited) == ("supported", True)
    assert traced.passage is PASSAGES[0]
    assert LEAVE[traced.begin : traced.end] == "Employees may take 25 days of leave each year."


def test_a_wrong_citation_is_traced_elsewhere(tracer: Tracer) -> None:
    (traced,) = judge(tracer, "Travel is booked through Navan [1].")
    assert (traced.verdict, traced.is_cited) == ("supported", False)
    assert traced.passage is PASSAGES[1]


@pytest.mark.parametrize(
    "text",
    [
        "Employees may take 30 days of leave each year.",
        "Unused days can be carried over into the next year.",
        "Requests must be approved by the manager after the leave begins.",
        "Trips above 2,000 euros need the approval of Peter Falk.",
        "Employees must take 25 days of leave each year.",
        "Receipts are due within 30 weeks after the trip.",
    ],
)
def test_what_differs_in_one_word_that_counts_is_contradicted(tracer: Tracer, text: str) -> None:
    (traced,) = judge(tracer, text)
    assert traced.verdict == "contradicted"
    assert traced.reasons
    assert traced.words


@pytest.mark.parametrize(
    "text",
    ["The cafeteria serves vegetarian food on Fridays.", "Contractors receive a company car and a fuel card."],
)
def test_what_no_passage_says_is_not_found(tracer: Tracer, text: str) -> None:
    (traced,) = judge(tracer, text)
    assert traced.verdict == "not_found"


@pytest.mark.parametrize(
    "text",
    [
        "Requests must be forgotten by the manager before the leave begins.",
        "Requests must be approved by the customer before the leave begins.",
        "Requests must be approved by the leave before the manager begins.",
        "Unused days cannot be carried over into the next week.",
        "Travel is cancelled through Navan.",
        "Travel is booked for Navan.",
    ],
)
def test_a_word_that_stands_in_anothers_place_is_not_found(tracer: Tracer, text: str) -> None:
    (traced,) = judge(tracer, text)
    assert traced.verdict == "not_found"


@pytest.mark.parametrize(
    "text",
    [
        "Staff may take 25 days of leave each year.",
        "Requests have to be approved by the manager before the leave starts.",
        "The manager must approve requests before the leave begins.",
        "Unused days can't be carried over into the following year.",
    ],
)
def test_what_means_the_same_is_supported(tracer: Tracer, text: str) -> None:
    (traced,) = judge(tracer, text)
    assert traced.verdict == "supported"


def test_an_answer_is_as_good_as_its_claims(tracer: Tracer) -> None:
    traced = judge(tracer, "Travel is booked through Navan. The cafeteria serves vegetarian food on Fridays.")
    assert coverage(traced) == 0.5
    whole = support(traced)
    assert whole is not None
    assert min(each.likeness for each in traced) < whole < max(each.likeness for each in traced)
    assert coverage(()) is None
    assert support(()) is None


def test_without_passages_nothing_is_found(tracer: Tracer) -> None:
    (traced,) = tracer.judge(split("Travel is booked through Navan."), ())
    assert (traced.verdict, traced.passage) == ("not_found", None)


def test_passages_without_words_are_no_evidence(tracer: Tracer) -> None:
    (traced,) = tracer.judge(split("Travel is booked through Navan."), (passage("1", "— … —"), passage("2", "")))
    assert traced.verdict == "not_found"
