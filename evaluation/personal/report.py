"""The tables of docs/guards/personal-patterns.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.personal.patterns import NUMBERS, Alarms, Kind, Tokens, precision, recall

BEGIN: Final = "<!-- measured: written by `make evaluate ARGS='personal --write'` -->"
END: Final = "<!-- end of what was measured -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to find personal data, on the held-out templates and on prompts of real people."""

    name: str
    kinds: Sequence[Kind]
    tokens: Tokens
    alarms: Alarms
    message_us: float
    message_with_hit_us: float
    clean_us: float
    hits_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    ours: Way
    presidio: Way
    ours_in_development: Sequence[Kind]
    texts: int
    templates: int
    seed: int
    loop_s: float

    @property
    def is_met(self) -> bool:
        return recall(self.ours.kinds) >= 0.97


def markdown(report: Report) -> str:
    """What stands between the markers."""
    ways = (report.ours, report.presidio)
    lines = [
        f"Held out: {report.texts} texts of {report.templates} templates (seed {report.seed}).",
        "",
        "| kind | spans | found | typed | found by Presidio | typed by Presidio |",
        "|---|---|---|---|---|---|",
    ]
    others = {each.name: each for each in report.presidio.kinds}
    for each in report.ours.kinds:
        other = others[each.name]
        lines.append(f"| {each.name} | {each.spans} | {each.found} | {each.typed} | {other.found} | {other.typed} |")
    lines += [
        "",
        "| | Penstock | Presidio without a model |",
        "|---|---|---|",
        _row("recall of all kinds but streets", [f"{recall(each.kinds):.3f}" for each in ways]),
        _row("… of those with a form of their own *", [f"{recall(each.kinds, names=NUMBERS):.3f}" for each in ways]),
        _row("precision of all kinds but streets", [f"{precision(each.kinds):.3f}" for each in ways]),
        _row("words, kinds ignored, names too: precision", [f"{each.tokens.precision:.3f}" for each in ways]),
        _row("… recall", [f"{each.tokens.recall:.3f}" for each in ways]),
        _row("… F2", [f"{each.tokens.f2:.3f}" for each in ways]),
        _row("of 500 prompts, with any finding", [str(each.alarms.with_any) for each in ways]),
        _row("… beside days and pages", [str(each.alarms.with_any_but_days_and_pages) for each in ways]),
        _row("a message of 300 characters without any, µs CPU", [f"{each.message_us:.0f}" for each in ways]),
        _row("… with one value, µs CPU", [f"{each.message_with_hit_us:.0f}" for each in ways]),
        _row("2 kB without any, µs CPU", [f"{each.clean_us:.0f}" for each in ways]),
        _row("2 kB with seven values, µs CPU", [f"{each.hits_us:.0f}" for each in ways]),
        "",
        f"The aim was a recall of 0.97 over all kinds but streets: {'met' if report.is_met else '**missed**'}.",
        "",
        "\\* Cards, accounts, numbers of people, telephones, e-mail, pages, addresses of machines.  This row was",
        "drawn up after the first run on the held-out templates had shown where the gaps were: it describes,",
        "it proves nothing.",
        "",
        f"Findings on the 500 prompts: {_counts(report.ours.alarms)}.",
        "",
        f"Presidio's: {_counts(report.presidio.alarms)}.",
        "",
        f"Beside the timings a loop of five million steps took {report.loop_s:.2f} s.",
        "",
        f"On the templates that were looked at, recall is {recall(report.ours_in_development):.3f}.",
        "",
    ]
    return "\n".join(lines)


def inserted(page: str, text: str) -> str:
    """`page` with `text` between its markers.  Raises `ValueError` where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no markers for what is measured")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def _row(name: str, figures: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(figures)} |"


def _counts(alarms: Alarms) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in alarms.by_kind)
