"""What features are called for people, what each is of, and how its values are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from penstock.console.web.layout.parts.amounts import NANO, count, seconds, share, usd
from penstock.console.web.layout.parts.chart import Unit
from penstock.console.web.layout.parts.table_state import Tone
from penstock.console.web.view import link

Better = Literal["", "higher", "lower"]
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Feature:
    """`unit` is that of its typical value; `nearness` has none, and lies between 0 and 1."""

    words: str
    of: str
    means: str
    unit: Literal["share", "nearness", "tokens", "characters", "nanousd", "seconds"]
    better: Better = ""


FEATURES: Final[Mapping[str, Feature]] = {
    "input_length": Feature("Question length", "Questions", "Tokens, the typical question and each size.", "tokens"),
    "familiarity": Feature(
        "Familiarity", "Questions", "How near to one that the cache knows already: 1 is the same.", "nearness"
    ),
    "retrieval": Feature(
        "Nearness of knowledge",
        "Questions",
        "How near the nearest passage of its documents was: 1 is the same.",
        "nearness",
        "higher",
    ),
    "topics": Feature(
        "Topics",
        "Questions",
        "How near to the nearest of 400 that were asked before: 1 is the same.",
        "nearness",
    ),
    "personal_data": Feature("Personal data", "Questions", "The share in which any was masked.", "share"),
    "output_length": Feature("Answer length", "Answers", "Tokens, the typical answer and each size.", "tokens"),
    "tone": Feature(
        "Tone",
        "Answers",
        "Characters a sentence, and the shares that exclaim, have emoji, apologise, thank, hedge, or are laid out.",
        "characters",
    ),
    "refusal": Feature("Refusals", "Answers", "The share that declines.", "share", "lower"),
    "tool_use": Feature("Use of tools", "Answers", "Where some were offered: the share that calls any.", "share"),
    "groundedness": Feature(
        "Groundedness", "Answers", "The share of an answer's claims that its sources support.", "share", "higher"
    ),
    "confidence": Feature("Confidence", "Answers", "How sure the model was, from 0 to 1.", "nearness", "higher"),
    "blocked": Feature("Blocked", "Exchanges", "The share that a guard stopped.", "share"),
    "held": Feature("Held", "Exchanges", "The share that waited for a person.", "share"),
    "failed": Feature("Failed", "Exchanges", "The share that a provider or a deadline ended.", "share", "lower"),
    "cost": Feature("Cost", "Exchanges", "Of a typical one that a provider answered.", "nanousd", "lower"),
    "latency": Feature("Latency", "Exchanges", "Of a typical one that a provider answered.", "seconds", "lower"),
}
"""By name, in the order of docs/drift.md; a newer version's feature is written as it is called."""
_UNKNOWN: Final = Feature("", "", "", "nearness")
UNITS: Final[Mapping[str, Unit]] = {"share": "share", "nanousd": "usd", "seconds": "seconds"}


def feature_of(name: str) -> Feature:
    return FEATURES.get(name, _UNKNOWN)


def feature_words(name: str, measure: str = "") -> str:
    words = feature_of(name).words or name.replace("_", " ").capitalize()
    if measure in ("", "mean", "typical"):
        return words
    return f"{words}, {measure} tokens" if feature_of(name).unit == "tokens" else f"{words}, {measure}"


def unit_of(name: str, measure: str = "") -> str:
    """One size of a length, and one sign of a tone, is a share of exchanges."""
    unit = feature_of(name).unit
    return "share" if unit in ("tokens", "characters") and measure not in ("", "typical") else unit


def written(value: float | None, unit: str) -> str:
    match unit:
        case "share":
            return share(value)
        case "tokens" | "characters":
            return "\N{EN DASH}" if value is None else f"{count(value)} {unit}"
        case "nanousd":
            return usd(value, digits=5)
        case "seconds":
            return seconds(value)
        case _:
            return "\N{EN DASH}" if value is None else f"{value:.3f}"


def change(low: float | None, high: float | None, unit: str) -> str:
    """From where to where the change lies, with 95 %."""
    if low is None or high is None:
        return ""
    match unit:
        case "share":
            return f"{_signed(100 * low, 1)} to {_signed(100 * high, 1)} points"
        case "tokens" | "characters":
            return f"{_signed(low, 0)} to {_signed(high, 0)} {unit}"
        case "seconds" if max(abs(low), abs(high)) < 1:
            return f"{_signed(1000 * low, 0)} to {_signed(1000 * high, 0)} ms"
        case "seconds":
            return f"{_signed(low, 2)} to {_signed(high, 2)} s"
        case "nanousd":
            return f"{_usd(low)} to {_usd(high)}"
        case _:
            return f"{_signed(low, 3)} to {_signed(high, 3)}"


def bounds(below: float | None, above: float | None, unit: str) -> str:
    """Outside of which there is an alert; what has no bound is a share or the like, which ends at 0 and at 1."""
    low, high = 0.0 if below is None else below, 1.0 if above is None else above
    if unit in ("tokens", "characters"):
        return f"{count(low)} to {written(high, unit)}"
    return f"{written(low, unit)} to {written(high, unit)}"


def from_to(before: float, after: float, unit: str) -> str:
    if unit in ("tokens", "characters"):
        return f"{count(before)} \N{RIGHTWARDS ARROW} {written(after, unit)}"
    return f"{written(before, unit)} \N{RIGHTWARDS ARROW} {written(after, unit)}"


def plotted(value: float | None, unit: str) -> float | None:
    """For a chart's axis: money in dollars."""
    if value is None:
        return None
    return round(value / NANO, 9) if unit == "nanousd" else round(value, 5)


def direction(before: float, after: float) -> str:
    return "▲ rose" if after > before else "▼ fell"


def tone(name: str, before: float, after: float) -> Tone:
    better = feature_of(name).better
    if not better:
        return "info"
    return "ok" if (after > before) == (better == "higher") else "bad"


def course_link(row: Mapping[str, Any], **more: str) -> str:
    """The view of one feature."""
    return link("/drift", tab="feature", assistant=str(row["assistant"]), feature=str(row["feature"]), **more)


def _signed(value: float, digits: int) -> str:
    size = f"{abs(value):,.{digits}f}"
    if not size.strip("0."):
        return size
    return f"{'+' if value > 0 else _MINUS}{size}"


def _usd(nanousd: float) -> str:
    return f"{'+' if nanousd >= 0 else _MINUS}{usd(abs(nanousd), digits=5)}"
