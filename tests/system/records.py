"""What the ledger of a running installation holds, asked of its database."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row
from tests.system.conftest import Installation

from penstock.storage.embedded import running_url

PATIENCE_S = 60.0


def until(condition: Callable[[], bool], what: str) -> None:
    """What happens in another process is there within a second or so."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)  # noqa: TID251 - waits for another process


def records(up: Installation) -> list[dict[str, Any]]:
    """Every row of the ledger, oldest first; `facts` are a list of mappings."""
    url = running_url(up.data_dir)
    assert url is not None
    with psycopg.connect(url) as connection:
        return connection.cursor(row_factory=dict_row).execute("SELECT * FROM ledger ORDER BY started_at").fetchall()


def record(up: Installation, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The one row that is meant, as soon as it is there."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = [row for row in records(up) if is_it(row)]
        return bool(found)

    until(is_there, "there is no such record")
    assert len(found) == 1, found
    return found[0]


def facts(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The facts of that name, without their times."""
    return [
        {key: value for key, value in fact.items() if key not in {"fact", "at_s"}}
        for fact in row["facts"]
        if fact["fact"] == name
    ]
