"""The tables of docs/drift.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from evaluation.drift.answers import DAILY as ANSWERS
from evaluation.drift.answers import Replaced
from evaluation.drift.figures import Figure
from evaluation.drift.measure import Quiet, Tried
from evaluation.drift.power import APART, FALL, Power
from evaluation.drift.power import DAILY as BY_DAY
from evaluation.drift.questions import Mixed
from evaluation.drift.traffic import SHARES
from penstock.watch.drift.tally import FEATURES

BEGIN = "<!-- measured: written by `make evaluate ARGS='drift --write'` -->"
END = "<!-- end of what was measured -->"
MOST_FALSE = 1.0
ASKED = "groundedness 0.90 to 0.81"
USUAL = "usual"


@dataclass(frozen=True, slots=True)
class Report:
    quiet: Sequence[Quiet]
    tried: Sequence[Tried]
    figures: Sequence[Figure]
    mixed: Sequence[Mixed]
    replaced: Sequence[Replaced]
    powers: Sequence[Power]
    seconds: float
    """Processor time of one look at an installation."""

    @property
    def false(self) -> tuple[int, int]:
        """Alarms, in how many weeks of a whole installation."""
        return sum(len(each.findings) for each in self.quiet), sum(each.weeks for each in self.quiet)

    @property
    def is_met(self) -> bool:
        alarms, weeks = self.false
        asked = [each for each in self.tried if each.world == USUAL and each.what.startswith(ASKED)]
        return alarms <= MOST_FALSE * weeks and within(asked, 24) >= 0.8


def within(tried: Sequence[Tried], hours: int) -> float:
    return sum(each.delay_h is not None and each.delay_h <= hours for each in tried) / len(tried)


def rate(count: int, weeks: float) -> tuple[float, float, float]:
    """Of a Poisson count, and its interval of 95 % (Wilson and Hilferty's approximation of the exact one)."""
    low = count * (1 - 1 / (9 * count) - 1.96 / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + 1.96 / (3 * math.sqrt(more))) ** 3
    return count / weeks, low / weeks, high / weeks


def markdown(report: Report) -> str:
    """What stands between the markers."""
    alarms, weeks = report.false
    mean, low, high = rate(alarms, weeks)
    lines = [
        (
            f"As of {datetime.now(UTC):%Y-%m-%d}: {len(report.quiet)} installations, {len(report.tried)} changes,"
            f" {sum(each.trials for each in report.powers):,} falls for the table of what could be found."
        ),
        "",
        (
            f"{weeks} weeks of a whole installation without any change (10 assistants, {len(FEATURES)} features;"
            f" {report.seconds:.2f} s of CPU a look): {alarms} false alarms, **{mean:.2f} a week**"
            f" ({low:.2f} to {high:.2f} with 95 %; at most 1 is asked)."
        ),
        "",
        "| traffic | weeks | false alarms | a week | by |",
        "|---|--:|--:|--:|---|",
    ]
    for world in dict.fromkeys(each.world for each in report.quiet):
        of = [each for each in report.quiet if each.world == world]
        findings = [finding for each in of for finding in each.findings]
        over = sum(each.weeks for each in of)
        spans = [f"{span} h: {sum(each.span_h == span for each in findings)}" for span in (6, 24, 168)]
        lines.append(f"| {world} | {over} | {len(findings)} | {len(findings) / over:.2f} | {', '.join(spans)} |")
    lines += ["", *_found(report), "", *_powers(report.powers), "", *mixture(report.mixed), ""]
    lines += [*replacements(report.replaced), "", *_figures(report), ""]
    return "\n".join(lines)


def _found(report: Report) -> list[str]:
    worlds = list(dict.fromkeys(each.world for each in report.tried))
    lines = [
        (
            "Changes that were made, and how many of them were found within 24 hours of traffic (in brackets within"
            " three weeks, and the middle of the hours until then):"
        ),
        "",
        f"| change, exchanges a day | trials in each | {' | '.join(worlds)} |",
        f"|---|--:|{'---|' * len(worlds)}",
    ]
    for what in dict.fromkeys(each.what for each in report.tried):
        cells: list[str] = []
        for world in worlds:
            of = [each for each in report.tried if (each.what, each.world) == (what, world)]
            delays = [each.delay_h for each in of if each.delay_h is not None]
            middle = f", {median(delays):.0f} h" if delays else ""
            cells.append(f"{within(of, 24):.0%} ({len(delays) / len(of):.0%}{middle})")
        trials = sum((each.what, each.world) == (what, worlds[0]) for each in report.tried)
        lines.append(f"| {what} | {trials} | {' | '.join(cells)} |")
    found = [each for each in report.tried if each.delay_h is not None]
    once = sum(each.more == 0 for each in found) / max(1, len(found))
    off = [each.since_off_h for each in found if each.since_off_h is not None and each.what.startswith(ASKED)]
    return [
        *lines,
        "",
        (
            f"{len(report.tried)} changes; {once:.0%} of those found were told once in the three weeks after. The hour"
            f" that a fall of groundedness is said to have begun at is {median(off) if off else 0:.0f} h off in the"
            " middle."
        ),
    ]


def _powers(powers: Sequence[Power]) -> list[str]:
    """What is found within a day beside what could be."""
    if not powers:
        return ["What could be found was not tried."]
    deviation = SHARES["groundedness"][1] or 1.0
    lines = [
        (
            f"Groundedness falls by {FALL:.0%} in `usual` traffic, whose days lie apart by more or less: found within"
            f" 24 hours, of {powers[0].trials} trials each, and in brackets what an oracle finds that knows the level,"
            " all patterns and variances and the hour, with the same threshold:"
        ),
        "",
        f"| exchanges a day | {' | '.join(f'{daily:,.0f}' for daily in BY_DAY)} |",
        f"|---|{'--:|' * len(BY_DAY)}",
    ]
    rows = [(f"days apart by {100 * apart * deviation:.1f} points", False, apart) for apart in APART]
    rows.append(("the same 0.9, one answer in ten worth nothing", True, APART[1]))
    for name, wholly, apart in rows:
        of = [each for each in powers if each.wholly == wholly and each.world.days[0] == apart]
        cells = [f"{each.found / each.trials:.0%} ({each.best:.0%})" for each in of]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def mixture(mixed: Sequence[Mixed]) -> list[str]:
    """What came of other questions among those that people asked."""
    if not mixed:
        return ["Real questions were not tried: the development sets are not there (`PENSTOCK_EVALUATION_DATA`)."]
    lines = [
        (
            "Real questions (BANKING77, of 60 intents whose mixture goes up and down), of which a part is of 17 intents"
            " that nobody had asked about:"
        ),
        "",
        "| by, questions a day | others | trials | found within 24 hours | within two weeks |",
        "|---|--:|--:|--:|--:|",
    ]
    for feature, daily, share in dict.fromkeys((each.feature, each.daily, each.share) for each in mixed):
        of = [each for each in mixed if (each.feature, each.daily, each.share) == (feature, daily, share)]
        day = sum(each.delay_h is not None and each.delay_h <= 24 for each in of)
        found = sum(each.delay_h is not None for each in of)
        lines.append(f"| `{feature}`, {daily:,} | {share:.0%} | {len(of)} | {day} | {found} |")
    return lines


def replacements(replaced: Sequence[Replaced]) -> list[str]:
    """What `tone` tells of another author."""
    if not replaced:
        return ["Real answers were not tried: the development sets are not there (`PENSTOCK_EVALUATION_DATA`)."]
    lines = [
        (
            f"Real answers (MT-RAG: people and two models on the same questions, {ANSWERS} looked at a day), of which"
            " from some hour on all are another author's, by `tone`:"
        ),
        "",
        "| author, and then | trials | found within 24 hours | within two weeks |",
        "|---|--:|--:|--:|",
    ]
    for pair in dict.fromkeys((each.before, each.after) for each in replaced):
        of = [each for each in replaced if (each.before, each.after) == pair]
        day = sum(each.delay_h is not None and each.delay_h <= 24 for each in of)
        named = f"{pair[0]}, {pair[1]}" if pair[0] != pair[1] else f"{pair[0]}, the same"
        lines.append(f"| {named} | {len(of)} | {day} | {sum(each.delay_h is not None for each in of)} |")
    return lines


def _figures(report: Report) -> list[str]:
    if not report.figures:
        return ["Single figures were not tried."]
    points = sum(each.points for each in report.figures)
    alarms = sum(each.alarms for each in report.figures)
    weeks = points / (120 * 168)
    mean, low, high = rate(alarms, weeks)
    loose, asked = sum(each.loose for each in report.figures), points / 168
    lines = [
        (
            f"Single figures, judged every hour ({points:,} points, which are {weeks:.1f} weeks of 120 figures):"
            f" {alarms} false alarms, **{mean:.2f} a week** ({low:.2f} to {high:.2f}; at most 1 is asked). Where one a"
            f" week is allowed to each figure, {loose} were made of {asked:.0f} that are allowed."
        ),
        "",
        "| an hour's figure times | seen |",
        "|---|--:|",
    ]
    for name in report.figures[0].found if report.figures else ():
        seen = sum(each.found[name][0] for each in report.figures)
        tried = sum(each.found[name][1] for each in report.figures)
        lines.append(f"| {name} | {seen / tried:.0%} |")
    return lines


def inserted(page: str, text: str) -> str:
    """`page` with `text` between its markers.  Raises `ValueError` where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no markers for what is measured")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"
