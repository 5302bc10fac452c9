"""`make evaluate ARGS=compaction`: what shortened conversations keep; `--write`: into the docs, with a chart."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from evaluation.compaction.chart import draw
from evaluation.compaction.meetings import FILE, Meeting, data_folder, load
from evaluation.compaction.methods import MODEL, Method, Ours, bm25, keep_last
from evaluation.compaction.speed import seconds_for
from evaluation.resilience.report import Row, Section, inserted, lines
from penstock.core.errors import ConfigError
from penstock.encoder.files import MODEL as MODEL_FILE
from penstock.encoder.files import TOKENIZER, check, default_folder
from penstock.encoder.model import Model
from penstock.watch.tokens import Counter

DOCS: Final = Path(__file__).parents[2] / "docs"
CHART: Final = DOCS / "images" / "compaction.svg"
BEGIN: Final = "<!-- measured: written by `make evaluate ARGS='compaction --write'` -->"
SHARES: Final = (0.2, 0.3, 0.4, 0.5, 0.6)
ASKED_SHARE: Final = 0.4
BOUND: Final = 0.85
DEFAULT_TOKENS: Final = 4_000
EVERYTHING: Final = 1_000_000
OURS: Final = "ours, the encoder reads all"


class _Reader:
    """The encoder, with everything that it has read: each figure is as if it read anew, and costs nothing again."""

    def __init__(self, folder: Path, counter: Counter) -> None:
        check(folder)
        self._counter = counter
        self._model = Model(folder / MODEL_FILE, folder / TOKENIZER)
        self._known: dict[str, NDArray[np.float32]] = {}
        self.cpu_s = 0.0
        self.tokens = 0

    def __call__(self, text: str) -> NDArray[np.float32]:
        found = self._known.get(text)
        if found is None:
            began_s = process_time()
            found = self._known[text] = self._model.encode(text).sentence
            self.cpu_s += process_time() - began_s
            self.tokens += self._counter.count_text(text, MODEL)
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation compaction")
    parser.add_argument("--development", action="store_true", help="the meetings to tune on, in place of the others")
    parser.add_argument("--encoder", type=Path, default=default_folder(), help="the folder of the built encoder")
    parser.add_argument("--words-only", action="store_true", help="without the encoder; a few seconds")
    parser.add_argument("--write", action="store_true", help="also write docs/compaction.md and its chart")
    chosen = parser.parse_args()
    folder = data_folder()
    if folder is None:
        sys.stderr.write(f"error: there is no {FILE}: name the folder that holds it in PENSTOCK_DATA_DIR\n")
        return 2
    counter = Counter()
    meetings = [
        each
        for each in load(folder, lambda text: counter.count_text(text, MODEL))
        if each.is_for_development is chosen.development
    ]
    methods: dict[str, Method] = {
        "keep last": keep_last,
        "BM25 of turns": bm25,
        "ours, by words alone": Ours(counter, None, 0),
    }
    reader = None
    if not chosen.words_only:
        try:
            reader = _Reader(chosen.encoder, counter)
        except ConfigError as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
        methods[f"ours, the encoder reads {DEFAULT_TOKENS:,} tokens"] = Ours(counter, reader, DEFAULT_TOKENS)
        methods[OURS] = Ours(counter, reader, EVERYTHING)
    curves = _measure(meetings, methods)
    section = _section(meetings, curves, reader)
    for line in lines(section):
        sys.stdout.write(line + "\n")
    if chosen.write:
        draw(CHART, SHARES, curves, bound=(ASKED_SHARE, BOUND))
        page = DOCS / "compaction.md"
        page.write_text(inserted(page.read_text(), _markdown(section), begin=BEGIN))
    return 0 if all(row.is_met for row in section.rows if row.bound) else 1


def _measure(meetings: Sequence[Meeting], methods: Mapping[str, Method]) -> dict[str, list[float]]:
    """For each method the share of the answers that is kept, by the share of tokens that is."""
    found: dict[str, list[float]] = {name: [] for name in methods}
    with Progress(transient=True) as progress:
        steps = progress.add_task("shortening", total=len(methods) * len(SHARES) * len(meetings))
        for name, method in methods.items():
            for share in SHARES:
                kept: list[float] = []
                for meeting in meetings:
                    kept += _shares_of(meeting, method, share)
                    progress.advance(steps)
                found[name].append(sum(kept) / len(kept))
    return found


def _shares_of(meeting: Meeting, method: Method, share: float) -> list[float]:
    """For each question the part of the tokens that answer it that is kept."""
    shares: list[float] = []
    for question in meeting.questions:
        kept = method(meeting, question, share)
        wanted = sum(meeting.tokens[at] for at in question.answered_by)
        shares.append(sum(kept[at] for at in question.answered_by) / wanted)
    return shares


def _section(meetings: Sequence[Meeting], curves: Mapping[str, Sequence[float]], reader: _Reader | None) -> Section:
    questions = sum(len(meeting.questions) for meeting in meetings)
    general = sum(meeting.general for meeting in meetings)
    tokens = sum(sum(meeting.tokens) for meeting in meetings) / len(meetings)
    kind = "development" if meetings[0].is_for_development else "reporting"
    at = SHARES.index(ASKED_SHARE)
    best = OURS if OURS in curves else "ours, by words alone"
    rows = [
        Row(
            what=f"answer kept at 60 % fewer tokens, {name}",
            measured=f"{values[at]:.3f}",
            bound=f"≥ {BOUND}" if name == best else "",
            is_met=values[at] >= BOUND,
        )
        for name, values in curves.items()
    ]
    rows += [
        Row(what=f"answer kept at {100 * (1 - share):.0f} % fewer tokens, {best}", measured=f"{value:.3f}")
        for share, value in zip(SHARES, curves[best], strict=True)
        if share != ASKED_SHARE
    ]
    if reader is not None:
        per_thousand_s = reader.cpu_s / reader.tokens * 1_000
        rows.append(Row(what="CPU of the encoder for 1,000 tokens read", measured=f"{per_thousand_s:.2f} s"))
    rows += [
        Row(
            what=f"CPU to shorten {length:,} tokens by words, to 40 %", measured=f"{seconds_for(length) * 1_000:.0f} ms"
        )
        for length in (10_000, 50_000, 200_000)
    ]
    text = (
        f"QMSum, validation set: the {len(meetings)} meetings kept for {kind}, some {tokens:,.0f} tokens each,"
        f" and {questions} questions. For each, how many of the tokens of the turns that answer it are kept; the mean"
        f" over the questions. The {general} general questions (“Summarize the whole meeting”) are answered by all"
        " turns, so that no choice is right for them: they are left out."
    )
    return Section(title="What is kept of the answers", text=text, rows=tuple(rows))


def _markdown(section: Section) -> str:
    found = [section.text, "", "| | measured | must | |", "|---|---|---|---|"]
    for row in section.rows:
        verdict = "" if not row.bound else "met" if row.is_met else "**missed**"
        found.append(f"| {row.what} | {row.measured} | {row.bound} | {verdict} |")
    found += ["", f"![Share of the answers kept, by the share of tokens kept](images/{CHART.name})", ""]
    return "\n".join(found)


if __name__ == "__main__":
    raise SystemExit(main())
