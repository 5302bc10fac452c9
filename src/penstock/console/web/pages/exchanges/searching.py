"""Exchanges by what was said in them: the API's search over kept contents, page by page.

A search is made when somebody presses for it, and neither by opening an address nor by letters as they are typed: each
is on record in the audit, with every exchange that it shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.csv_file import csv_file
from penstock.console.web.layout.parts.grid import Grid
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import empty, note
from penstock.console.web.pages.exchanges.choice import LABELS, Choice
from penstock.console.web.pages.exchanges.words import outcome_tone, outcome_words
from penstock.console.web.view import View, link

HITS = 20
_EXPORTED = ("exchange", "at", "tenant", "model", "end", "where", "snippet")
_NARROWING = ("tenant",)
"""What of the filters a search knows, besides the time."""


def _where(row: Row) -> str:
    part, _, number = str(row["where"]).partition(".")
    if part == "answer":
        return f"Answer {int(number) + 1}" if number.isdecimal() else "Answer"
    return f"Turn {int(number) + 1}" if number.isdecimal() else part.capitalize()


COLUMNS = (
    Column("at", "When", "clock", href=lambda row: link("/exchanges" + path_of(str(row["exchange"])))),
    Column("snippet", "What was said"),
    Column("where", "In", value=_where),
    Column("end", "Outcome", "badge", lambda row: outcome_words(row["end"]), lambda row: outcome_tone(row["end"])),
    Column("tenant", "Tenant", "mono"),
    Column("model", "Assistant", "mono"),
)


async def look(view: View, choice: Choice) -> dict[str, Any]:
    """Hits as a page of the listing.  Raises `ApiRefused`."""
    since, until = choice.span.bounds(view.clock.now())
    asked = {name: choice.values[name] for name in _NARROWING if name in choice.values}
    if not choice.span.is_open:
        asked["until"] = until.isoformat()
    return await view.act(
        "GET", "/contents", text=choice.text, since=since.isoformat(), before=choice.after, limit=HITS, **asked
    )


def show_hits(found: Mapping[str, Any], choice: Choice) -> None:
    left_out = [LABELS[name] for name in choice.values if name not in _NARROWING]
    if left_out:
        note(f"Tenant and time alone narrow this search; not used: {', '.join(left_out)}.", "warn")
    if found["unreadable"]:
        keys = "cannot be opened with the keys that are configured, and are not searched"
        note(f"{found['unreadable']:,} exchanges {keys}.", "warn")
    if not found["is_whole"]:
        note("The time for one search ran out before the page was full: go on with Older.")
    if found["items"]:
        Grid("Exchanges in which it was said", COLUMNS, [{**row, "id": row["exchange"]} for row in found["items"]])
    elif found["is_whole"]:
        empty(
            "search_off",
            "Nobody has said so",
            "Whole words are found, in what is kept: look at a longer time, or see what `contents` keeps.",
        )


def wait_for_press(choice: Choice) -> None:
    empty("manage_search", f"Press Search to look for \N{LEFT DOUBLE QUOTATION MARK}{choice.text}\N{RIGHT DOUBLE QUOTATION MARK}", "Each search is put on record, with the exchanges that it shows.")  # fmt: skip # noqa: E501


def hits_file(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Those that are on the page: a file shows nobody more than they have looked at."""
    return csv_file(_EXPORTED, ([row[name] for name in _EXPORTED] for row in rows))
