"""What the deterministic checks find and get wrong: `python -m evaluation quality`.

Nothing is fitted here, and nothing was changed after these figures were first seen.  Refusals: HaluEval's answers of a
real model, some of them read by a person (`labels`); found and missed are scaled up from what was read to all answers,
with the interval of the shares that were read.  Languages: prompts in seven languages with their translations, each
answered by another prompt in the same language, or in another.  Loops and lengths: real answers, and the same made bad.
"""

import json  # noqa: TID251 - other people's files
import os
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from evaluation.quality.labels import FLAGGED, FLAGGED_BUT_HELPS, NEAR, NEAR_AND_DECLINES
from penstock.guard.policy.refusals import refusal
from penstock.guard.scope.language import Languages
from penstock.guard.scope.repetition import loop_in
from penstock.watch.quality.checks import Usual
from penstock.watch.quality.shares import share_of

DATA: Final = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
_CUE: Final = re.compile(
    r"\b(sorry|cannot|can't|unable|not able|as an ai|don't have|do not have|apologi|not appropriate|not provided"
    r"|please provide)\b",
    re.IGNORECASE,
)
_EDGE: Final = 0.5


def main() -> int:
    if not DATA.exists():
        sys.stderr.write(f"{DATA} is not there: name the data folder in PENSTOCK_EVALUATION_DATA\n")
        return 2
    answers = _answers(DATA / "grounded" / "halueval_general.jsonl")
    for lines in (
        _refusals(answers),
        _languages(DATA / "injection" / "benign_frr_multilingual_machine_translated.json"),
        _loops(list(answers.values())),
        _lengths(list(answers.values())),
    ):
        sys.stdout.write("\n".join(lines) + "\n\n")
        sys.stdout.flush()
    return 0


def _answers(path: Path) -> dict[str, str]:
    rows = (msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line)
    return {str(row["ID"]): str(row["chatgpt_response"]) for row in rows}


def _refusals(answers: dict[str, str]) -> list[str]:
    flagged = {name for name, text in answers.items() if refusal(text).score >= _EDGE}
    near = {name for name, text in answers.items() if name not in flagged and _CUE.search(text[:200])}
    gone = [name for name in FLAGGED if name not in flagged] + [name for name in NEAR_AND_DECLINES if name not in near]
    if gone:
        raise SystemExit(f"the check has changed: read these anew: {gone}")
    right = share_of(len(FLAGGED) - len(FLAGGED_BUT_HELPS), len(FLAGGED))
    missed = share_of(len(NEAR_AND_DECLINES), NEAR)
    found = [len(flagged) * (each or 0.0) for each in (right.value, right.low, right.high)]
    lost = [len(near) * (each or 0.0) for each in (missed.value, missed.low, missed.high)]
    # Least where few of the found are right and many are lost, and the other way round.
    pairs = ((found[0], lost[0]), (found[1], lost[2]), (found[2], lost[1]))
    recall = [part / (part + other) for part, other in pairs]
    return [
        "| refusals | |",
        "|---|--:|",
        f"| answers of a model; called refusals | {len(answers):,}; {len(flagged)} |",
        f"| of those that were read, really decline | {_range(right.value, right.low, right.high)} |",
        f"| of {len(near)} others with such words, decline | {_range(missed.value, missed.low, missed.high)} |",
        f"| of all that decline, found | {_range(*recall)} |",
    ]


def _languages(path: Path) -> list[str]:
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    by_language: dict[str, dict[int, str]] = {}
    for row in rows:
        by_language.setdefault(row["speaking_language"], {})[row["prompt_id"]] = row["mutated_prompt"]
    tell, rng = Languages(), random.Random(11)  # noqa: S311 - pairs
    lines = ["| languages | pairs in it | wrongly told apart | pairs with another | told apart | nothing said |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    for language, texts in sorted(by_language.items()):
        own = list(texts.values())
        others = [text for name, each in by_language.items() if name != language for text in each.values()]
        same = [(tell.of(text).code, tell.of(rng.choice(own)).code) for text in own]
        other = [(tell.of(text).code, tell.of(rng.choice(others)).code) for text in own]
        wrong = sum(None not in pair and pair[0] != pair[1] for pair in same)
        silent = sum(None in pair for pair in [*same, *other])
        told = sum(None not in pair and pair[0] != pair[1] for pair in other)
        share = silent / (len(same) + len(other))
        lines.append(f"| {language} | {len(same)} | {wrong} | {len(other)} | {told} | {share:.1%} |")
    return lines


def _loops(answers: Sequence[str]) -> list[str]:
    rng = random.Random(12)  # noqa: S311 - made loops
    made: list[str] = []
    for text in rng.sample(list(answers), 500):
        sentences = [each for each in re.split(r"(?<=[.!?]) ", text) if each]
        at = rng.randrange(len(sentences))
        part = " ".join(sentences[at : at + rng.choice((1, 2, 3))]) + " "
        made.append(" ".join(sentences[:at]) + " " + part * rng.choice((4, 8, 16, 32)))
    long = [text for text in made if len(text) >= 1_000]
    return [
        "| loops | of | found |",
        "|---|--:|--:|",
        f"| real answers | {len(answers):,} | {sum(loop_in(text) is not None for text in answers)} |",
        f"| made: a part of an answer 4 to 32 times | {len(made)} | {_found(made)} |",
        f"| of these, 1,000 characters and more | {len(long)} | {_found(long)} |",
    ]


def _found(texts: Sequence[str]) -> str:
    found = sum(loop_in(text) is not None for text in texts)
    return f"{found} ({found / len(texts):.1%})"


def _lengths(answers: Sequence[str]) -> list[str]:
    usual, flagged, short, long, seen = Usual(), 0, 0, 0, 0
    for text in answers:  # as they would come: each is judged by those before it
        verdict = usual.judge(len(text))
        if verdict is not None:
            seen += 1
            flagged += verdict != "good"
            short += usual.judge(len(text) // 20) == "too_short"
            long += usual.judge(len(text) * 20) == "too_long"
        usual = usual.and_one(len(text))
    return [
        "| lengths | of | called unusual |",
        "|---|--:|--:|",
        f"| answers, each by those before it | {seen:,} | {flagged} ({flagged / seen:.1%}) |",
        f"| a twentieth of each | {seen:,} | {short} ({short / seen:.1%}) |",
        f"| twenty times each | {seen:,} | {long} ({long / seen:.1%}) |",
    ]


def _range(value: float | None, low: float | None, high: float | None) -> str:
    return f"{value or 0.0:.0%} ({low or 0.0:.0%} to {high or 0.0:.0%})"


if __name__ == "__main__":
    raise SystemExit(main())
