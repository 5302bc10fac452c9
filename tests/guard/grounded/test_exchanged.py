"""What stands in another word's place, over vectors that say nothing: only what is counted is looked at."""

import numpy as np
import pytest

from penstock.core.sources import Passage
from penstock.encoder.model import Encoded
from penstock.guard.grounded.differ import state
from penstock.guard.grounded.evidence import Array, between, gather
from penstock.guard.grounded.exchanged import EXCHANGES, exchanges
from penstock.guard.grounded.words import read

TEXT = "We review the budget of the team each month. The manager signs it."


def read_flat(text: str) -> Encoded:
    """Every word is as every other, but for `budget`."""
    words = read(text)
    tokens = np.array([[0.0, 1.0] if word.lower == "budget" else [1.0, 0.0] for word in words], np.float32)
    return Encoded(tokens[0], tokens, tuple((word.begin, word.end) for word in words))


class Flat:
    def alone(self, words: str) -> Array:
        return read_flat(words).sentence

    def between(self, before: str, words: str, after: str) -> Array:
        return between(read_flat, before, words, after)


def found(claim: str, text: str = TEXT) -> dict[str, float]:
    """What is not naught."""
    passage = Passage(label="1", document="1", version=1, title="", text=text, start=0, end=len(text))
    evidence = gather([passage], [read_flat(text)])
    stated = state(claim, 0, read_flat(claim))
    soft = stated.vectors @ evidence.vectors.T
    counted = exchanges(stated, evidence, evidence.told, soft, Flat())
    return {name: value for name, value in zip(EXCHANGES, counted, strict=True) if value}


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("We review the budget of the team each month.", {}),
        ("They review their budget of the team each month.", {}),
        ("Acme reviews the budget of the team each month.", {"named": 1.0}),
        (
            "We review the plan of the team each month.",
            {"exchanged": 1.0, "nowhere": 1.0, "unlike": 1.0, "unlike_all": 1.0, "unlike_in_place": 1.0},
        ),
        ("We review the budget for the team each month.", {"tied_otherwise": 1.0}),
        ("We review the budget of the team each week.", {"exchanged": 1.0, "nowhere": 1.0, "units": 1.0}),
        ("We review the team of the budget each month.", {"moved": 2.0, "crossed": 2.0}),
        # A word that the sentence behind has.
        (
            "We review the manager of the team each month.",
            {"exchanged": 1.0, "unlike": 1.0, "unlike_all": 1.0, "unlike_in_place": 1.0},
        ),
    ],
)
def test_what_stands_in_anothers_place_is_counted(claim: str, expected: dict[str, float]) -> None:
    assert found(claim) == expected


def test_a_name_is_no_pronoun_for_its_letters() -> None:
    assert "named" in found("New laptops come from Acme.", "New laptops come from us.")
    assert "named" not in found("New laptops come from Acme.", "New laptops come from IT.")
