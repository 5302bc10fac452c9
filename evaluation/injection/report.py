"""The tables of docs/guards/injection.md."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from training.injection_table import Table

from evaluation.injection.measure import Count, Fold, Speed, attacks_by_kind, count, harmless

BEGIN = "<!-- measured: written by `make evaluate ARGS='injection --write'` -->"
END = "<!-- end of what was measured -->"
ASKED = 0.75

_SHOWN = (
    ("InjecAgent", "injecagent", "InjecAgent, in tool results"),
    ("BIPIA", "bipia_text", "BIPIA text, in documents"),
    ("BIPIA", "bipia_code", "BIPIA code, in answers on code"),
    ("jailbreaks", "jailbreaks", "jailbreaks in the wild, by users"),
    ("PIGuard", "piguard", "PIGuard's set"),
)


@dataclass(frozen=True, slots=True)
class Report:
    table: Table
    folds: dict[str, Fold]
    unseen: Count
    speeds: Sequence[Speed]

    def of_source(self, fold: str, source: str, way: str = "both") -> Count:
        table, found = self.table, self.folds[fold]
        return count(found, way, found.left_out & table.is_attack & (table.source == source))

    @property
    def is_met(self) -> bool:
        source = self.table.source
        alarms = (("arena", 0.01), ("frr", 0.03))
        return all(self.of_source(fold, name).share >= ASKED for fold, name, _ in _SHOWN) and all(
            count(fold, "both", source == name).share <= most for fold in self.folds.values() for name, most in alarms
        )


def _percent(each: Count) -> str:
    return f"{each.share:.1%}" if each.of else ""


def markdown(report: Report) -> str:
    """What stands between the markers."""
    return "\n".join([*_sources(report), *_kinds(report), *_alarms(report), *_latency(report)])


def _sources(report: Report) -> list[str]:
    lines = [
        "Attacks found of sources that were left out when everything was fitted:",
        "",
        "| left out | attacks | found | signs only | vector only | nothing but generated texts fitted | asked | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for fold, source, name in _SHOWN:
        found = report.of_source(fold, source)
        verdict = "met" if found.share >= ASKED else "**missed**"
        signs, vector = (_percent(report.of_source(fold, source, way)) for way in ("signs", "vector"))
        generated = _percent(report.of_source("all of them", source))
        lines.append(
            f"| {name} | {found.of:,} | {_percent(found)} | {signs} | {vector} | {generated} | ≥ 75 % | {verdict} |"
        )
    new = report.of_source("families", "generated")
    signs, vector = (_percent(report.of_source("families", "generated", way)) for way in ("signs", "vector"))
    lines.append(f"| generated, families held out | {new.of:,} | {_percent(new)} | {signs} | {vector} | | | |")
    return [*lines, ""]


def _kinds(report: Report) -> list[str]:
    lines = [
        "By family, each with its source left out:",
        "",
        "| source | family | attacks | found | signs only |",
        "|---|---|---|---|---|",
    ]
    for fold, source, name in (*_SHOWN, ("families", "generated", "generated")):
        for kind, mask in attacks_by_kind(report.table, report.folds[fold], source):
            both, signs = (count(report.folds[fold], way, mask) for way in ("both", "signs"))
            lines.append(f"| {name.split(',')[0]} | {kind} | {both.of} | {_percent(both)} | {_percent(signs)} |")
    return [*lines, ""]


def _alarms(report: Report) -> list[str]:
    lines = [
        "False alarms, the greatest of all folds (harmless parts of the sources: with all of them left out):",
        "",
        "| harmless texts | number | with the encoder | signs only | asked |",
        "|---|---|---|---|---|",
    ]
    # In the order of `harmless`, whose first ones are measured in all folds.
    asked = ("≤ 1 %", "≤ 3 %", "≤ 3 %")
    for at, (name, mask) in enumerate(harmless(report.table, report.folds["all of them"])):
        folds = report.folds.values() if at < len(asked) else [report.folds["all of them"]]
        both, signs = (max(count(fold, way, mask).share for fold in folds) for way in ("both", "signs"))
        lines.append(
            f"| {name} | {int(np.sum(mask)):,} | {both:.1%} | {signs:.1%} | {asked[at] if at < len(asked) else ''} |"
        )
    name, unseen = "prompts of HaluEval, fitted on by nothing; one was seen", report.unseen
    lines.append(f"| {name} | {unseen.of:,} | {_percent(unseen)} | the same | |")
    return [*lines, ""]


def _latency(report: Report) -> list[str]:
    lines = [
        "CPU time of one segment (median):",
        "",
        "| segment | written by | the encoder's pass, shared | signs only | signs and head |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.chars:,} characters | {each.trust} | {each.pass_us / 1000:.1f} ms | {each.signs_us / 1000:.2f} ms"
        f" | {each.both_us / 1000:.2f} ms |"
        for each in report.speeds
    ]
    return [*lines, ""]


def inserted(page: str, text: str) -> str:
    """`page` with `text` between its markers.  Raises `ValueError` where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no markers for what is measured")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"
