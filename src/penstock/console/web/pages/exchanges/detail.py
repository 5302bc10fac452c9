"""One exchange: who asked, what it took and cost, what happened when, and every fact of it."""

from functools import partial
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.amounts import count, seconds, usd
from penstock.console.web.layout.parts.region import Region
from penstock.console.web.layout.parts.text import Moment, Text, badge, box, card, tile, tiles
from penstock.console.web.pages.exchanges.said import draw_said
from penstock.console.web.pages.exchanges.waterfall import draw
from penstock.console.web.pages.exchanges.words import outcome_tone, outcome_words
from penstock.console.web.view import View, link
from penstock.core.json import dumps

_ASKED_BY = (
    ("tenant", "Tenant"),
    ("project", "Project"),
    ("key", "Key"),
    ("user", "User"),
    ("feature", "Feature"),
)
_ASKED_FOR = (
    ("model", "Assistant"),
    ("target", "Target"),
    ("region", "Region"),
    ("outcome_code", "Error code"),
)


async def build(view: View) -> None:
    await Region(view, lambda: view.read("/ledger" + path_of(view.parts["exchange"])), partial(_show, view)).open()


def _show(view: View, entry: dict[str, Any]) -> None:
    with box("div", "row").style("margin: -12px 0 18px"):
        badge(outcome_words(entry["outcome"]), outcome_tone(entry["outcome"]))
        Text("span", entry["id"], "mono")
        Moment(entry["started_at"], exactly=True)
    with tiles():
        tile("Took", seconds(entry["duration_s"]), f"first event after {seconds(entry['first_event_s'])}")
        tile("Cost", usd(entry["cost_nanousd"], digits=6), _accuracy(entry["cost_accuracy"]))
        tile("Tokens in", count(entry["input_tokens"]), f"{count(entry['cache_read_tokens'])} read from a prompt cache")
        tile("Tokens out", count(entry["output_tokens"]), f"{count(entry['reasoning_tokens'])} of reasoning")
        tile("Calls", count(entry["attempts"]), _accuracy(entry["usage_accuracy"], of="tokens are "))
    with box("div", "two").style("margin-bottom: 20px"):
        with card("Who asked"):
            _facts(entry, _ASKED_BY)
        with card("What for"):
            _facts(entry, _ASKED_FOR)
    draw_said(view, entry)
    with card("What happened"):
        draw(entry)
    if entry["marks"]:
        with card("Found by"), box("div", "row"):
            for mark in entry["marks"]:
                Text("a", mark, "badge", href=link("/exchanges", mark=mark))
    with card("As recorded"):
        _recorded(entry)


def _accuracy(word: str, *, of: str = "") -> str:
    return of + {"exact": "as the provider says", "estimated": "estimated", "unknown": "nobody knows"}.get(word, word)


def _facts(entry: dict[str, Any], names: tuple[tuple[str, str], ...]) -> None:
    """Each leads to the exchanges of which the same is so."""
    with box("dl", "facts"):
        for name, label in names:
            Text("dt", label)
            with box("dd", "mono"):
                if entry[name]:
                    Text("a", entry[name], href=link("/exchanges", **{name: entry[name]}))
                else:
                    Text("span", "\N{EN DASH}")


def _recorded(entry: dict[str, Any]) -> None:
    with box("dl", "facts"):
        streamed = "streamed" if entry["is_streamed"] else "not streamed"
        for label, value in (
            ("Asked as", f"{entry['operation']}, {entry['dialect']}, {streamed}"),
            ("Release", entry["release"]),
            ("Written to a prompt cache", f"{count(entry['cache_write_tokens'])} tokens"),
            ("Configuration", entry["config_hash"]),
        ):
            Text("dt", label)
            Text("dd", value or "\N{EN DASH}", "mono")
    with box("details", "more"):
        Text("summary", f"{len(entry['facts'])} facts, as they were written")
        with box("div", "raw", tabindex="0", role="region", aria_label="Facts as they were written"):
            for fact in entry["facts"]:
                Text("code", dumps(fact).decode())
