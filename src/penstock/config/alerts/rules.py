"""Alert rules, as frozen values: what is looked at, and from when on people are told."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from penstock.config.alerts.objectives import ObjectiveSettings
from penstock.config.problems import closest

RuleKind: TypeAlias = Literal["threshold", "change", "burn_rate", "absence", "anomaly"]
Against: TypeAlias = Literal["before", "day", "week", "always"]
Gauge: TypeAlias = Literal["journal_age_s", "journal_records", "alerts_waiting_s", "alerts_given_up"]
GAUGES: tuple[Gauge, ...] = ("journal_age_s", "journal_records", "alerts_waiting_s", "alerts_given_up")
"""What each control plane says of its own machine; what each means, docs/alerts.md says."""
DIMENSIONS = ("tenant", "project", "key", "assistant", "release", "target", "feature", "region", "outcome")
PLACES = ("value", "bound", "group", "window")
"""What a rule's text may have in braces."""

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}\Z")
_TALLY = re.compile(r"[^\x00]{1,100}\Z")
_PLACE = re.compile(r"\{([^{}]*)\}")
_LONGEST_S = 7 * 86_400.0


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.  It is of a `figure`, of a `tally` (what begins so), of a `gauge` or of an `objective`.

    `where` chooses exchanges by dimension, `by` makes an instance of the rule for each value.  What a kind needs:
    `threshold` `above` or `below`; `change` `rise_percent` or `fall_percent`, `against` an earlier window; `burn_rate`
    an `objective` and `above`; `absence` and `anomaly` nothing.  A window of fewer than `min_exchanges` is not judged.
    It must hold for `for_s` before people are told, and not hold for `resolve_after_s` before they are told that it is
    over; while it holds they are told again after `repeat_after_s`, if that is set.  Of a `text`, `{value}`, `{bound}`,
    `{group}` and `{window}` are filled in.
    """

    kind: RuleKind = "threshold"
    figure: str | None = None
    tally: str | None = None
    gauge: Gauge | None = None
    objective: str | None = None
    where: dict[str, str] = {}
    by: tuple[str, ...] = ()
    window_s: Annotated[float, msgspec.Meta(ge=60, le=_LONGEST_S)] = 300.0
    above: float | None = None
    below: float | None = None
    against: Against = "before"
    rise_percent: _Positive | None = None
    fall_percent: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None
    min_exchanges: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    for_s: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_S)] = 0.0
    resolve_after_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 300.0
    repeat_after_s: Annotated[float, msgspec.Meta(ge=300)] | None = None
    severity: Literal["info", "warning", "critical"] = "warning"
    text: _Text | None = None
    enabled: bool = True


def broken_rules(
    rules: Mapping[str, RuleSettings], objectives: Mapping[str, ObjectiveSettings]
) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken, as far as its own words tell it; which figures there are,
    `watch.rules.opening` knows.
    """
    for name, rule in rules.items():
        path = f"alerts.rules.{name}"
        if not _NAME.match(name):
            yield path, "a rule's name has small letters, digits, `_` and `-` only, 80 at most"
        if not rule.enabled:
            continue  # it need say no more
        yield from _subject(path, rule, objectives)
        yield from _kind(path, rule)
        for place, word in enumerate(rule.by):
            if word not in DIMENSIONS:
                yield f"{path}.by.{place}", _unknown(word)
        for word in rule.where:
            if word not in DIMENSIONS:
                yield f"{path}.where.{word}", _unknown(word)
        if rule.window_s % 60:
            yield f"{path}.window_s", "a window is whole minutes"
        for found in _PLACE.findall(rule.text or ""):
            if found not in PLACES:
                yield f"{path}.text", f"there is no {{{found}}}: {', '.join(f'{{{each}}}' for each in PLACES)}"


def _unknown(word: str) -> str:
    meant = closest(word, DIMENSIONS)
    return f"there is no dimension `{word}`" + (f": did you mean `{meant}`?" if meant else "")


def _subject(path: str, rule: RuleSettings, objectives: Mapping[str, ObjectiveSettings]) -> Iterator[tuple[str, str]]:
    given = [
        name
        for name, value in (
            ("figure", rule.figure),
            ("tally", rule.tally),
            ("gauge", rule.gauge),
            ("objective", rule.objective),
        )
        if value is not None
    ]
    if len(given) != 1:
        yield path, "a rule is of one of `figure`, `tally`, `gauge` and `objective`"
        return
    wanted = {"burn_rate": ("objective",), "absence": ("figure", "tally"), "anomaly": ("figure", "tally")}
    allowed = wanted.get(rule.kind, ("figure", "tally", "gauge"))
    if given[0] not in allowed or (given[0] == "gauge" and rule.kind != "threshold"):
        yield f"{path}.{given[0]}", f"a rule of the kind `{rule.kind}` is not of that"
    if rule.gauge is not None and (rule.by or rule.where):
        yield f"{path}.gauge", "a gauge is of each control plane: it has no `by` and no `where`"
    if rule.objective is not None and rule.objective not in objectives:
        yield f"{path}.objective", f"there is no objective `{rule.objective}`"
    if rule.objective is not None and (rule.by or rule.where):
        yield f"{path}.objective", "an objective says itself of which exchanges it is: no `by` and no `where`"
    if rule.tally is not None and not _TALLY.match(rule.tally):
        yield f"{path}.tally", "what names begin with, such as `masked:`"


def _kind(path: str, rule: RuleSettings) -> Iterator[tuple[str, str]]:
    bounds = {
        "above": rule.above,
        "below": rule.below,
        "rise_percent": rule.rise_percent,
        "fall_percent": rule.fall_percent,
    }
    wanted = {
        "threshold": ("above", "below"),
        "change": ("rise_percent", "fall_percent"),
        "burn_rate": ("above",),
    }.get(rule.kind, ())
    for name, value in bounds.items():
        if value is not None and name not in wanted:
            yield f"{path}.{name}", f"a rule of the kind `{rule.kind}` has none"
    if wanted and not any(bounds[name] is not None for name in wanted):
        yield path, f"a rule of the kind `{rule.kind}` says {' or '.join(f'`{name}`' for name in wanted)}"
    if rule.kind == "burn_rate" and rule.window_s % 720:
        yield f"{path}.window_s", "its twelfth is looked at too, and is whole minutes: 3600 or 21600"
    if rule.against == "always" and rule.kind != "absence":
        yield f"{path}.against", "only `absence` is against `always`"
    if rule.kind == "change" and rule.against == "day" and rule.window_s > 86_400:
        yield f"{path}.window_s", "a window that is held against the day before is a day at most"
    if rule.kind in {"change", "absence"} and rule.min_exchanges < 1:
        yield f"{path}.min_exchanges", "of fewer than one exchange nothing can be told: set a minimum"
    if rule.kind == "anomaly" and rule.window_s != 3600:
        yield f"{path}.window_s", "what is usual is known by the hour: 3600"
