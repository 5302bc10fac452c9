"""What guards that look for patterns add to a stream: `make bench ARGS=guard-stream`.

The paragraphs of this project's documentation, as answers of a model at 50 events a second: words that begin with a
blank, as most models write, and words that end with one.  An event goes through the lanes when it comes; what CPU that
takes is measured, and what it waits for later events follows from their times.  So a figure is what a client would see
added, whatever else the machine does.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import loop_s
from penstock.core.events import Event, Finish, Text, ToolCall
from penstock.core.json import dumps
from penstock.guard.lanes import Lanes, Mode
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.window import Found, PatternWindow
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.patterns.kinds import GROUPS

EVENTS_A_SECOND = 50
FIRST_AIM_MS = 10.0
CPU_AIM_US = 15.0
DOCS = Path(__file__).parents[1] / "docs"
SETS = {
    "e-mail, phone, cards, accounts, secrets": GROUPS["contact"] | GROUPS["finance"] | GROUPS["secrets"],
    "secrets": GROUPS["secrets"],
    "the whole catalogue": None,
}


@dataclass(frozen=True, slots=True)
class Added:
    """Milliseconds from when the first text came to when any was shown, by answer, and the same of each character.

    `cpu_us` is by event, `cold_us` the same of the first answers of a process.
    """

    first_ms: list[float]
    each_ms: list[float]
    cpu_us: list[float]
    cold_us: float
    found: int


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.guard_stream", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=200, help="how many paragraphs are sent")
    chosen = parser.parse_args(arguments)
    print(f"five million turns of a plain loop take {loop_s():.2f} s\n")
    answers = paragraphs()[: chosen.answers]
    shapes = {
        "words that begin with a blank": [[*_leading(each)] for each in answers],
        "words that end with a blank": [[f"{word} " for word in each.split(" ")] for each in answers],
        "arguments of a tool": [_arguments(each) for each in answers],
    }
    print(
        "| patterns | mode | pieces | first text, p50, p99 ms | each character, mean ms"
        " | CPU µs an event: p50, mean, p99 | the first 20 answers |"
    )
    print("|---|---|---|---|---|---|---|")
    is_met = True
    for name, kinds in SETS.items():
        patterns = catalogue(kinds)
        for mode in ("window", "observe"):
            for shape, pieces in shapes.items():
                added = measured(patterns, pieces, mode, is_tool=shape.startswith("arguments"))
                is_met &= _is_met(added, mode)
                _print(f"{len(patterns)}: {name}", mode, shape, added)
    print(
        f"\nasked of the window: first text within {FIRST_AIM_MS:.0f} ms at p50, {CPU_AIM_US:.0f} µs of CPU an event at"
        f" p50: {'met' if is_met else 'NOT met'}.\nA word that begins with a blank is known to be over when the next"
        f" begins, {1_000 / EVENTS_A_SECOND:.0f} ms later."
    )
    return 0 if is_met else 1


def paragraphs() -> list[str]:
    """Prose of the documentation: no tables, lists or code."""
    texts = [path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))]
    blocks = [" ".join(block.split()) for text in texts for block in text.split("\n\n")]
    return [each for each in blocks if each[:1].isalpha() and len(each) > 200]


def measured(patterns: Sequence[Pattern], answers: Sequence[Sequence[str]], mode: Mode, *, is_tool: bool) -> Added:
    window = PatternWindow(patterns)
    cold_us = statistics.fmean(
        us for each in answers[:20] for us in _answer(window, each, mode, is_tool=is_tool).cpu_us
    )
    for each in answers:
        _answer(window, each, mode, is_tool=is_tool)
    runs = [_answer(window, each, mode, is_tool=is_tool) for each in answers]
    return Added(
        [run.first_ms[0] for run in runs],
        [ms for run in runs for ms in run.each_ms],
        [us for run in runs for us in run.cpu_us],
        cold_us,
        sum(run.found for run in runs),
    )


def _answer(window: PatternWindow, pieces: Sequence[str], mode: Mode, *, is_tool: bool) -> Added:
    found: list[Found] = []

    def judge(each: Found, _: str) -> str | None:
        found.append(each)

    lanes = Lanes(window, judge, mode=mode)
    shown, first_ms, each_ms, cpu_us = 0, -1.0, list[float](), list[float]()
    came_ms: list[float] = []
    events: list[Event] = [ToolCall(0, 0, arguments=each) if is_tool else Text(each) for each in pieces]
    for number, event in enumerate((*events, Finish("stop"))):
        now_ms = number * 1_000 / EVENTS_A_SECOND
        came_ms += [now_ms] * (len(pieces[number]) if number < len(pieces) else 0)
        began = time.thread_time_ns()
        out = lanes.feed((event,))
        took_us = (time.thread_time_ns() - began) / 1_000
        cpu_us.append(took_us)
        length = sum(len(_said(each)) for each in out)
        if length and first_ms < 0:
            first_ms = now_ms + took_us / 1_000
        each_ms += [now_ms + took_us / 1_000 - came for came in came_ms[shown : shown + length]]
        shown += length
    if shown != len(came_ms):
        raise AssertionError("not all came out")
    return Added([first_ms], each_ms, cpu_us, 0.0, len(found))


def _said(event: Event) -> str:
    return event.text if isinstance(event, Text) else event.arguments if isinstance(event, ToolCall) else ""


def _leading(text: str) -> Iterable[str]:
    first, *rest = text.split(" ")
    return (first, *(f" {word}" for word in rest))


def _arguments(text: str) -> list[str]:
    return [*_leading(dumps({"text": text, "count": 12}).decode())]


def _is_met(added: Added, mode: str) -> bool:
    if mode == "observe":
        return statistics.median(added.first_ms) < 1
    return statistics.median(added.first_ms) <= FIRST_AIM_MS and statistics.median(added.cpu_us) <= CPU_AIM_US


def _print(patterns: str, mode: str, shape: str, added: Added) -> None:
    first, cpu = added.first_ms, added.cpu_us
    print(
        f"| {patterns} | {mode} | {shape} | {statistics.median(first):.1f}, {_p99(first):.1f}"
        f" | {statistics.fmean(added.each_ms):.1f}"
        f" | {statistics.median(cpu):.1f}, {statistics.fmean(cpu):.1f}, {_p99(cpu):.0f} | {added.cold_us:.0f} |"
    )


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


if __name__ == "__main__":
    sys.exit(main())
