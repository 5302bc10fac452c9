"""Alert rules in words: what each is of, when it holds, and what it found."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.layout.parts.amounts import NANO
from penstock.console.web.layout.parts.table_state import Row, Tone

SEVERITIES = (("", "Any severity"), ("critical", "Critical"), ("warning", "Warning"), ("info", "Info"))
STATES: Mapping[str, str] = {"firing": "Firing", "pending": "About to fire", "quiet": "Quiet"}
_SEVERITY_TONES: Mapping[str, Tone] = {"info": "info", "warning": "warn", "critical": "bad"}
_STATE_TONES: Mapping[str, Tone] = {"firing": "bad", "pending": "warn", "quiet": "ok"}
_WORST = ("firing", "pending", "quiet")
_AGAINST = {
    "before": "the window before",
    "day": "a day before",
    "week": "a week before",
    "always": "every one of the last seven days",
}
_RULE_KINDS = ("rule.firing", "rule.resolved")
_WINDOW_S = 300.0
"""Of a rule that names none."""


def severity_tone(row: Row) -> Tone:
    return _SEVERITY_TONES.get(row["severity"], "")


def state_tone(row: Row) -> Tone:
    return _STATE_TONES.get(row["state"], "")


def rule_of(alert: Row) -> str:
    """The rule that an alert comes from; `""` where it comes from none."""
    return alert["subject"] if alert["kind"] in _RULE_KINDS else ""


def lasting(seconds: float) -> str:
    """A stretch of time in the largest unit that it is whole in."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def amount(value: float | None, rule: Mapping[str, Any]) -> str:
    """A value of a rule, in its figure's unit."""
    if value is None:
        return ""
    is_time = str(rule["definition"].get("gauge", "")).endswith("_s")
    match None if rule["kind"] == "burn_rate" else "seconds" if is_time else rule["unit"]:
        case "share":
            return f"{100 * value:.4g} %"
        case "nanousd":
            return f"${value / NANO:,.4g}"
        case "seconds":
            return f"{value:.4g} s"
        case _:
            return f"{value:,.0f}" if value == round(value) else f"{value:,.4g}"


def what_of(rule: Mapping[str, Any]) -> str:
    """What is looked at."""
    said = rule["definition"]
    if "objective" in said:
        return f"error budget of {said['objective']}"
    return str(said.get("figure") or said.get("tally") or said.get("gauge") or "")


def where_of(rule: Mapping[str, Any]) -> str:
    """Of which exchanges, and for each of what."""
    said = rule["definition"]
    parts = [f"each {name}" for name in said.get("by", ())]
    return ", ".join([*parts, *(f"{name} {value}" for name, value in said.get("where", {}).items())])


def condition_of(rule: Mapping[str, Any]) -> str:
    """When it holds, and for how long it must."""
    said = rule["definition"]
    window = lasting(said.get("window_s", _WINDOW_S))
    parts = [_holds(rule, window)]
    if said.get("min_exchanges") and rule["kind"] != "absence":
        parts.append(f"from {said['min_exchanges']:,} exchanges on")
    if said.get("for_s"):
        parts.append(f"for {lasting(said['for_s'])}")
    return ", ".join(parts)


def _holds(rule: Mapping[str, Any], window: str) -> str:
    said = rule["definition"]
    against = _AGAINST[said.get("against", "before")]
    match rule["kind"]:
        case "change":
            bounds = [
                f"{said[name]:g} % {word} {against}"
                for name, word in (("rise_percent", "above"), ("fall_percent", "below"))
                if name in said
            ]
            return f"{' or '.join(bounds)}, in {window}"
        case "burn_rate":
            return f"{said['above']:g} times too fast, in {window} and in its last twelfth"
        case "absence":
            return f"nothing in {window}, where {said['min_exchanges']:,} came in {against}"
        case "anomaly":
            return "the last whole hour is not what such hours are"
        case _:
            bounds = [f"{name} {amount(said[name], rule)}" for name in ("above", "below") if name in said]
            return " or ".join(bounds) + ("" if "gauge" in said else f" in {window}")


def worst_of(rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The group that stands worst; of several the one that is furthest in the direction that the rule looks in."""
    said = rule["definition"]
    looks_down = "below" in said or "fall_percent" in said or rule["kind"] == "absence"
    known = [each for each in rule["groups"] if each["value"] is not None]
    for state in _WORST:
        found = [each for each in known if each["state"] == state]
        if found:
            return (min if looks_down else max)(found, key=lambda each: each["value"])
    return None


def group_words(group: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value or '(none)'}" for name, value in group.items()) or "all together"
