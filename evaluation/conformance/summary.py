"""Counts what was replayed, and lists what was not with its reason."""

from collections import Counter
from collections.abc import Sequence

from evaluation.conformance.recordings import Skipped
from evaluation.conformance.replay import Outcome
from penstock.core.chat import DIALECTS


def coverage_lines(outcomes: Sequence[Outcome], skipped: Sequence[Skipped]) -> list[str]:
    """A few lines for a terminal: recordings and replays for each provider dialect, then each reason for a skip."""
    lines: list[str] = []
    for dialect in DIALECTS:
        own = [outcome for outcome in outcomes if outcome.case.recording.dialect == dialect]
        covered = {outcome.case.recording.id for outcome in own if outcome.verdict != "skipped"}
        verdicts = Counter(outcome.verdict for outcome in own)
        lines.append(
            f"{dialect:17} {len(covered):4} recordings, {verdicts['passed']:5} replays passed, "
            f"{verdicts['failed']} failed, {verdicts['skipped']} skipped"
        )
    covered = {outcome.case.recording.id for outcome in outcomes if outcome.verdict != "skipped"}
    lines.append(f"{'together':17} {len(covered):4} recordings covered")
    lines += [f"skipped {count:3}: {reason}" for reason, count in skip_reasons(outcomes, skipped)]
    return lines


def skip_reasons(outcomes: Sequence[Outcome], skipped: Sequence[Skipped]) -> list[tuple[str, int]]:
    """Each reason with the number of interactions or replays that it kept out, the most frequent first."""
    counted = Counter(skip.reason for skip in skipped)
    counted.update(outcome.reasons[0] for outcome in outcomes if outcome.verdict == "skipped")
    return counted.most_common()
