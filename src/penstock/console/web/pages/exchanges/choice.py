"""Which exchanges are looked at, as it stands in the page's address, and as the API is asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from penstock.console.web.layout.parts.amounts import NANO
from penstock.console.web.layout.parts.span import Span
from penstock.core.ends import End

OUTCOMES: tuple[str, ...] = get_args(End)
TEXTS: Mapping[str, str] = {
    "outcome": "Outcome",
    "tenant": "Tenant",
    "model": "Assistant or model",
    "target": "Target",
    "user": "User",
    "id": "Exchange id",
    "mark": "What happened",
    "outcome_code": "Error code",
    "key": "Key",
    "project": "Project",
    "feature": "Feature",
    "region": "Region",
}
"""What is searched for as it is written, with its label."""
AMOUNTS: Mapping[str, str] = {
    "min_cost": "Cost from, USD",
    "max_cost": "Cost to, USD",
    "slower": "Slower than, seconds",
}
LABELS: Mapping[str, str] = {**TEXTS, **AMOUNTS}
_LONGEST = 300
_MOST = 2**63


@dataclass(frozen=True, slots=True)
class Choice:
    """`values` are by the names of `LABELS`, none of them empty; `after` is where the page begins."""

    span: Span = field(default_factory=Span)
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    after: str = ""
    is_live: bool = False
    text: str = ""
    """What was said in them."""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Choice":
        """From an address; what it says wrongly counts as not said."""
        values = {name: query[name].strip()[:_LONGEST] for name in LABELS if query.get(name, "").strip()}
        return cls(
            Span.read(query),
            {name: text for name, text in values.items() if _is_good(name, text)},
            query.get("after", "")[:_LONGEST],
            query.get("live") == "1",
            query.get("text", "").replace("\0", "").strip()[:_LONGEST],
        )

    def query(self) -> dict[str, str]:
        """For the address."""
        said = {**self.values, **self.span.query()}
        if self.text:
            said["text"] = self.text
        if self.after:
            said["after"] = self.after
        if self.is_live:
            said["live"] = "1"
        return said

    def having(self, name: str, text: str) -> "Choice":
        """With another value; from the newest on."""
        kept = {each: value for each, value in self.values.items() if each != name}
        wanted = text.strip()[:_LONGEST]
        return replace(self, values={**kept, name: wanted} if wanted and _is_good(name, wanted) else kept, after="")

    def saying(self, text: str) -> "Choice":
        """In which this was said; from the newest on, and no longer live."""
        return replace(self, text=text.replace("\0", "").strip()[:_LONGEST], after="", is_live=False)

    def asked(self, now: float) -> dict[str, Any]:
        """For the API, without `after`."""
        since, until = self.span.bounds(now)
        asked: dict[str, Any] = {name: self.values[name] for name in TEXTS if name in self.values and name != "id"}
        for name, amount in (("min_cost", "min_cost_nanousd"), ("max_cost", "max_cost_nanousd")):
            if name in self.values:
                asked[amount] = int(Decimal(self.values[name]) * NANO)
        if "slower" in self.values:
            asked["min_duration_s"] = float(self.values["slower"])
        asked["since"] = since.isoformat()
        if not self.span.is_open:
            asked["until"] = until.isoformat()
        return asked


def _is_good(name: str, text: str) -> bool:
    """Whether the API would take it."""
    if name not in AMOUNTS:
        return "\0" not in text and (name != "outcome" or text in OUTCOMES)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount.is_finite() and (amount >= 0 or name != "slower") and abs(amount) * NANO < _MOST
