"""How long something lasts, in words."""

import pytest

from penstock.core.clock import age


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (119, "119 s"),
        (119.6, "2 min"),
        (3569, "59 min"),
        (3575, "1.0 h"),
        (86_000, "23.9 h"),
        (1_347_070, "16 days"),
    ],
)
def test_a_time_is_said_in_the_unit_that_tells(seconds: float, said: str) -> None:
    assert age(seconds) == said
