"""What the pages of limits and of budgets have in common: their words, and how the counters stand."""

from typing import Any

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.fields import Field
from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.table_state import Row
from penstock.console.web.layout.parts.text import Moment, Text, box, card, empty
from penstock.console.web.view import View

PERIODS = (
    ("second", "second"),
    ("minute", "minute"),
    ("hour", "hour"),
    ("day", "day"),
    ("week", "week"),
    ("month", "month"),
)
SCOPES = (
    ("global", "all together"),
    ("tenant", "tenant"),
    ("project", "project"),
    ("key", "key"),
    ("user", "user"),
    ("assistant", "assistant"),
    ("target", "target"),
    ("feature", "feature"),
)
MODES = (("enforce", "Enforce"), ("shadow", "Shadow: count and record only"))
OWN = (Field("tenant", "Whose rule it is", hint="A tenant, who may then change it; the installation's, if left out."),)
_MOST = 60


def scope_words(row: Row) -> str:
    return ", ".join("all together" if each == "global" else each for each in row["scope"])


def where_words(row: Row) -> str:
    return ", ".join(f"{name}={value}" for name, value in row["where"].items())


def where_of(text: str) -> dict[str, str]:
    """`assistant=support, key=a` as the API takes it.  Raises `ApiRefused` where it does not read so."""
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not value.strip():
            raise ApiRefused(400, "malformed_request", f"`{part}` does not read like `assistant=support`.")
        found[name.strip()] = value.strip()
    return found


async def counters(view: View, path: str, title: str) -> None:
    """How far each counter is used, read again every few seconds."""

    async def read() -> dict[str, Any]:
        found = await view.read(path, limit=1000)
        for each in found["items"]:
            del each["as_of"]  # else everything is drawn anew each time
        return found

    def show(found: dict[str, Any]) -> None:
        rows = sorted(found["items"], key=lambda each: -_share(each))
        with card(title):
            if not rows:
                empty(
                    "hourglass_empty",
                    "Nothing is counted yet",
                    "Counters begin with the first request that a rule holds for.",
                )
                return
            with box("div", "two"):
                for row in rows[:_MOST]:
                    _counter(row)
            if len(rows) > _MOST or found["next"]:
                Text("p", f"The {_MOST} that are used most.", "lead")

    await Region(view, read, show, every_s=LIVE_S).open()


def _share(row: dict[str, Any]) -> float:
    return (row["used"] + row["reserved"]) / row["amount"] if row["amount"] else 1.0


def _counter(row: dict[str, Any]) -> None:
    share = _share(row)
    values = ", ".join(f"{name} {value}" for name, value in row["values"].items() if value)
    unit = "USD" if row["unit"] == "money" else row["unit"].replace("_", " ")
    with box("div"):
        with box("div", "row"):
            Text("b", row["name"])
            Text("span", values or "all together", "count")
        tone = "bad" if share >= 1 else "warn" if share >= 0.75 else ""
        with box("div", "bar", role="img", aria_label=f"{share:.0%} used"):
            box("i", tone).style(f"width: {min(100.0, 100 * share):.1f}%")
        with box("div", "row"):
            Text("span", f"{row['used']:,g} of {row['amount']:,g} {unit}, {row['left']:,g} left")
            if row["period_end"]:
                Text("span", "until")
                Moment(row["period_end"])
