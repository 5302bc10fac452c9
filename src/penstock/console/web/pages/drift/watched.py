"""What is watched of assistants, and where there is any of it."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import note
from penstock.console.web.pages.drift.words import FEATURES
from penstock.console.web.view import View

_NEEDS: Mapping[str, str] = {
    "familiarity": "a cache of similar questions",
    "retrieval": "knowledge",
    "topics": "answers that are looked at (`quality.sample`), and the encoder",
    "personal_data": "masking of personal data",
    "tone": "answers that are looked at (`quality.sample`)",
    "refusal": "answers that are looked at (`quality.sample`)",
    "tool_use": "requests that offer tools",
    "groundedness": "knowledge with `knowledge.grounding`",
    "confidence": "an estimate of the confidence",
    "held": "answers that guards hold for a person",
    "cost": "a known price",
}

_TONES: Mapping[str, Tone] = {"yes": "ok", "nothing of it yet": "warn"}


async def watched(view: View) -> None:
    async def read(_: Mapping[str, str]) -> list[Row]:
        found = await view.read("/drift/findings", days=1)
        return [_row(name, found) for name in FEATURES]

    columns = (
        Column("words", "Feature"),
        Column("of", "Of"),
        Column("means", "What it is"),
        Column("needs", "Needs"),
        Column("state", "Watched", "badge", tone=lambda row: _TONES.get(str(row["state"]), "")),
    )
    note(
        "A window of 6 hours, a day or a week is held against those of the weeks before, with the same hours of the day"
        " and the weekday's level. It has changed where it lies off further than such windows lie apart anyway."
    )
    nothing = ("visibility", "Nothing is watched", "Set `drift.enabled` in penstock.yaml.")
    await DataTable(view, Listing(caption="Watched", columns=columns, read=read, sort="of", nothing=nothing)).open()


def _row(name: str, found: Mapping[str, Any]) -> Row:
    each = FEATURES[name]
    state = "no"
    if found["is_watched"] and name in found["features"]:
        state = "yes" if name in found["seen"] else "nothing of it yet"
    return {
        "id": name,
        "words": each.words,
        "of": each.of,
        "means": each.means,
        "needs": _NEEDS.get(name, "nothing more"),
        "state": state,
    }
