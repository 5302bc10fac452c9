"""The gates' settings: each is well formed, and yet together they cannot work; that is said with its path."""

import pytest

from penstock.config import read
from penstock.core.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"CONCURRENCY__INITIAL": "20000"}, "gates.concurrency.initial"),
        ({"CONCURRENCY__MOST": "20"}, "gates.concurrency.initial"),
        ({"CONCURRENCY__LEAST": "2000"}, "gates.concurrency.initial"),
        ({"CONCURRENCY__LEAST": "30", "CONCURRENCY__MOST": "20"}, "gates.concurrency.least"),
        ({"CONCURRENCY__INITIAL": "0"}, "gates.concurrency.initial"),
        ({"BREAKER__OPEN_S": "60"}, "gates.breaker.open_s"),
        ({"BREAKER__FAILURE_RATIO": "1.5"}, "gates.breaker.failure_ratio"),
        ({"PACING__PAUSE_S": "90"}, "gates.pacing.pause_s"),
        ({"PACING__SHARE": "0"}, "gates.pacing.share"),
        ({"QUEUE__MAX_WAITING": "0"}, "gates.queue.max_waiting"),
        ({"QUEUE__BATCH": "0"}, "gates.queue.batch"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, str], path: str) -> None:
    with pytest.raises(ConfigError, match=path):
        read(None, {f"PENSTOCK__GATES__{name}": value for name, value in settings.items()})


def test_a_server_of_a_known_size_is_described() -> None:
    environ = {"PENSTOCK__GATES__CONCURRENCY__INITIAL": "16", "PENSTOCK__GATES__CONCURRENCY__MOST": "64"}
    concurrency = read(None, environ).gates.concurrency
    assert (concurrency.initial, concurrency.most) == (16, 64)
