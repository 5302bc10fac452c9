"""One rule held against the figures of one minute, for every group that there is."""

from collections.abc import Iterator, Mapping

from penstock.watch.rules import judge
from penstock.watch.rules.judge import NOTHING, UNKNOWN, Judge, Judged, Measure
from penstock.watch.rules.reading import Reader
from penstock.watch.rules.rule import MOST_GROUPS, Group, Rule
from penstock.watch.rules.state import State

_ABSENT_FOR_S = 86_400.0
"""After a day of nothing, nothing is what there is: then it is over without anything having come."""
_DAYS: Mapping[str, tuple[float | None, ...]] = {
    "before": (None,),
    "day": (1.0,),
    "week": (7.0,),
    "always": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0),
}


def judge_rule(
    rule: Rule, reader: Reader, known: Mapping[Group, State], anomalies: Judge | None
) -> tuple[dict[Group, Judged], int]:
    """What comes of it, by group, and how many groups were too many.

    `known` are the groups that fire or are about to: they are judged also where they have no exchanges any more.
    """
    found = dict(_judged(rule, reader, known, anomalies))
    if len(found) <= MOST_GROUPS:
        return found, 0
    order = sorted(found, key=lambda group: (group not in known, found[group].verdict != "holds", group))
    return {group: found[group] for group in order[:MOST_GROUPS]}, len(found) - MOST_GROUPS


def _judged(
    rule: Rule, reader: Reader, known: Mapping[Group, State], anomalies: Judge | None
) -> Iterator[tuple[Group, Judged]]:
    settings = rule.settings
    match settings.kind:
        case "burn_rate":
            yield (), judge.burn_rate(settings, *reader.burning(rule))
        case "anomaly":
            yield from _anomalies(rule, reader, known, anomalies)
        case "threshold":
            now = reader.now(rule)
            for group in _groups(rule, now, known):
                yield group, judge.threshold(settings, _of(rule, now, group))
        case "change":
            now, before = reader.now(rule), reader.before(rule, _DAYS[settings.against][0])
            is_total = rule.figure is None or rule.figure.is_total
            for group in _groups(rule, {**now, **before}, known):
                yield group, judge.change(settings, _of(rule, now, group), _of(rule, before, group), is_total=is_total)
        case "absence":
            yield from _absent(rule, reader, known)


def _absent(rule: Rule, reader: Reader, known: Mapping[Group, State]) -> Iterator[tuple[Group, Judged]]:
    """The windows before are asked for only as long as something may be absent."""
    now = reader.now(rule)
    first, *others = _DAYS[rule.settings.against]
    before = reader.before(rule, first)
    missing = {group for group in _groups(rule, {**now, **before}, known) if not now.get(group, NOTHING).count}
    for group in now:
        yield group, judge.absence(rule.settings, now[group], ())
    befores = {group: [before.get(group, NOTHING)] for group in missing}
    for days in others:
        if any(min(each.count for each in befores[group]) > 0 for group in missing):
            earlier = reader.before(rule, days)
            for group in missing:
                befores[group].append(earlier.get(group, NOTHING))
    at = reader.at.timestamp()
    for group in missing:
        judged = judge.absence(rule.settings, NOTHING, befores[group])
        state = known.get(group)
        if state is not None and judged.verdict == "unknown" and at - state.since < _ABSENT_FOR_S:
            judged = Judged("holds", 0.0, state.bound)  # what it is held against was not long ago enough to forget it
        yield group, judged


def _anomalies(
    rule: Rule, reader: Reader, known: Mapping[Group, State], anomalies: Judge | None
) -> Iterator[tuple[Group, Judged]]:
    if anomalies is None:
        raise AssertionError("rules of the kind anomaly are refused at the start where nobody judges them")
    series = reader.series(rule)
    at = reader.at.replace(minute=0).timestamp() - 3600.0
    for group in {*series, *known}:
        points = series.get(group, [])
        if not points or points[-1][0] != at:
            yield group, UNKNOWN
        else:
            yield group, judge.anomaly(anomalies(points, at), points[-1][1])


def _groups(rule: Rule, found: Mapping[Group, Measure], known: Mapping[Group, State]) -> list[Group]:
    """A rule that is by nothing always has its one group."""
    whole: tuple[Group, ...] = () if rule.names else ((),)
    return list(dict.fromkeys((*found, *known, *whole)))


def _of(rule: Rule, found: Mapping[Group, Measure], group: Group) -> Measure:
    """What is not there is nothing of a total, and unknown of all else: a gauge that nobody says, a share of none."""
    is_total = rule.settings.tally is not None or (rule.figure is not None and rule.figure.is_total)
    return found.get(group, Measure(0.0, 0) if is_total else NOTHING)
