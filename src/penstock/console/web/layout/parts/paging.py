"""Lists of the API that come page by page, as far as a person can look through them."""

from typing import Any

from penstock.console.web.layout.parts.table_state import Row
from penstock.console.web.view import View

MOST_ROWS = 5000
_A_PAGE = 1000


async def all_of(view: View, path: str, *, cursor: str = "after", **query: Any) -> list[Row]:
    """The items of a list, `MOST_ROWS` at most.  Raises `ApiRefused`."""
    rows: list[Row] = []
    place: object = None
    while len(rows) < MOST_ROWS:
        found = await view.read(path, limit=_A_PAGE, **{cursor: place}, **query)
        rows += found["items"]
        place = found["next"]
        if place is None:
            break
    return rows
