"""Records to write: plain ones, with an id that tells them apart."""

from collections.abc import Callable

import pytest
from tests.records import completed

from penstock.core.facts import AttemptStarted, AttemptSucceeded, Ended, RouteChosen
from penstock.core.record import Settled

MakeRecord = Callable[[int], Settled]


@pytest.fixture
def make_record() -> MakeRecord:
    """`make_record(7)` is an exchange that completed, with an id of its own."""
    return _record


def _record(number: int) -> Settled:
    return completed(
        id=f"ex_{number:026d}",
        started_at=1_795_000_000.125 + number,
        is_streamed=True,
        model="gpt-4o",
        target="openai/gpt-4o",
        input_tokens=512,
        output_tokens=128,
        cost_nanousd=2_560_000,
        facts=(
            RouteChosen(at_s=0.001, route="gpt-4o", targets=("openai/gpt-4o",)),
            AttemptStarted(at_s=0.002, attempt=1, target="openai/gpt-4o"),
            AttemptSucceeded(at_s=0.25, attempt=1, target="openai/gpt-4o"),
            Ended(at_s=0.5, end="completed"),
        ),
    )
