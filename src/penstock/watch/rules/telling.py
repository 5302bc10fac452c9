"""What people are told of a rule: the alert, under an id that names the occasion, and the state that follows."""

import re
from hashlib import sha256
from urllib.parse import quote

import msgspec

from penstock.config.alerts.rules import PLACES
from penstock.watch.alerts.alert import Alert, Scalar, sound
from penstock.watch.rules.rule import Group, Rule, named
from penstock.watch.rules.state import State, Telling

FIRING, RESOLVED = "rule.firing", "rule.resolved"
_MOST_ID = 200
_PLACE = re.compile(r"\{(" + "|".join(PLACES) + r")\}")


def tell(rule: Rule, group: Group, state: State, telling: Telling) -> tuple[Alert, State]:
    """The alert, and the state once it is told.

    The occasion is the rule, the group and the minute in which it began to hold: whoever comes to it names it so, and
    it is told once.
    """
    at = state.judged_at
    occasion = state.occasion or f"rule:{rule.name}:{_key(group)}:{int(state.since)}"
    times = state.times + (telling != "resolved")
    ends = {"firing": "", "again": f":again:{times}", "resolved": ":resolved"}
    alert = Alert(
        id=occasion + ends[telling],
        kind=RESOLVED if telling == "resolved" else FIRING,
        severity="info" if telling == "resolved" else rule.settings.severity,
        tenant=rule.tenant(group),
        subject=rule.name,
        text=sentence(rule, group, state, telling),
        at=at,
        facts=_facts(rule, group, state, telling) | {"occasion": occasion, "told": state.told or occasion},
    )
    if telling == "resolved":
        return sound(alert), State(since=at, judged_at=at, value=state.value, bound=state.bound)
    kept = msgspec.structs.replace(state, state="firing", occasion=occasion, told=alert.id, told_at=at, times=times)
    return sound(alert), kept


def _key(group: Group) -> str:
    """The group within an id: readable where it is short."""
    key = ",".join(quote(value, safe="") for value in group)
    return key if len(key) <= _MOST_ID else sha256(key.encode()).hexdigest()


def sentence(rule: Rule, group: Group, state: State, telling: Telling) -> str:
    """One sentence for people."""
    settings = rule.settings
    whose, value, bound = named(rule, group), rule.shown(state.value), rule.shown(state.bound)
    if telling == "resolved":
        minutes = round((state.judged_at - state.since) / 60)
        return f"{rule.name} ({whose}) is over after {minutes} min: {rule.what} is {value} now."
    again = "  It was told before." if telling == "again" else ""
    if settings.text is not None:
        places = {"value": value, "bound": bound, "group": whose, "window": f"{settings.window_s / 60:g} min"}
        # In one pass: a name with braces in it is not filled in again.
        return _PLACE.sub(lambda found: places[found[1]], settings.text) + again
    window = f"within {settings.window_s / 60:g} min"
    match settings.kind:
        case "absence":
            said = f"nothing {window}, where there were {bound} at least before"
        case "change":
            said = f"{rule.what} is {value} {window}, beyond {bound}"
        case "burn_rate":
            said = f"{rule.what} goes {value} times too fast, {bound} times is the bound"
        case "anomaly":
            said = f"{rule.what} is {value}, which is not usual at this hour: {bound} would be the bound"
        case "threshold":
            side = "below" if settings.above is None else "above"
            when = "" if settings.gauge is not None else f" {window}"
            said = f"{rule.what} is {value}{when}, {side} {bound}"
    return f"{rule.name} ({whose}): {said}.{again}"


def _facts(rule: Rule, group: Group, state: State, telling: Telling) -> dict[str, Scalar]:
    return {
        "rule": rule.name,
        "telling": telling,
        **{f"group.{name}": value for name, value in zip(rule.names, group, strict=True)},
        "value": state.value,
        "bound": state.bound,
        "since": state.since,
        "window_s": rule.settings.window_s,
    }
