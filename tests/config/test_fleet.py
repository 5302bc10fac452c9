"""The fleet's settings: what is well formed and yet cannot work is refused, with its path."""

import pytest

from penstock.config import read
from penstock.core.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"KIND": "redis"}, "fleet.url"),
        ({"KIND": "redis", "URL": "http://host"}, "fleet.url"),
        ({"KIND": "redis", "URL": "redis://:secret@host"}, "fleet.url"),
        ({"URL": "redis://host"}, "fleet.url"),
        ({"CLUSTER": "true"}, "fleet.cluster"),
        ({"KIND": "mysql"}, "fleet.kind"),
    ],
)
def test_a_store_that_cannot_work_is_refused(settings: dict[str, str], path: str) -> None:
    with pytest.raises(ConfigError, match=path):
        read(None, {f"PENSTOCK__FLEET__{name}": value for name, value in settings.items()})


def test_a_secret_address_is_a_reference() -> None:
    environ = {"PENSTOCK__FLEET__KIND": "redis", "PENSTOCK__FLEET__URL": "env:R", "R": "rediss://:secret@host/1"}
    url = read(None, environ).fleet.url
    assert url is not None
    assert (url.reveal(), url.shown()) == ("rediss://:secret@host/1", "env:R")
